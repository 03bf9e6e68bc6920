import type { Condition, Grant } from '@ixj/trust'
import { isWithin, namesIn, WORLD } from './names-model.ts'

/** Who wants to act, and when. */
export interface Actor {
  readonly name: string
  readonly key: string
  readonly now: number
}

/** A grant and its id, as a chain lists them from the root down. */
export interface ChainGrant {
  readonly id: string
  readonly statement: Grant
}

const SKEW = 60_000

/**
 * What a chain of grants allows: the pairs "action topic", or none where the chain does not hold.
 * Written from docs/protocol.md, section "Grant", as plainly as it can be; slow, and apart from the
 * code that it is held against. `mayIssue` says whose grants count at all.
 */
export function allowedBy(
  chain: readonly ChainGrant[],
  actor: Actor,
  mayIssue: (name: string, key: string) => boolean,
): ReadonlySet<string> {
  const nothing = new Set<string>()
  const leaf = chain.at(-1)?.statement
  if (leaf === undefined || !holds(chain, actor.now, mayIssue)) return nothing
  if (!isFor(leaf, actor.name, actor.key)) return nothing
  const allowed = new Set<string>()
  for (const action of leaf.actions) {
    for (const topic of WORLD) {
      // Nothing may exceed the intersection of all: asked of every grant, not of the leaf alone.
      const inAll = chain.every(
        ({ statement }) =>
          statement.actions.includes(action) &&
          statement.topics.some((pattern) => namesIn(pattern).has(topic)),
      )
      if (inAll) allowed.add(`${action} ${topic}`)
    }
  }
  return allowed
}

function holds(
  chain: readonly ChainGrant[],
  now: number,
  mayIssue: (name: string, key: string) => boolean,
): boolean {
  for (const [index, { statement }] of chain.entries()) {
    const before = chain[index - 1]
    if (before === undefined ? !isRoot(statement) : !isPart(statement, before)) return false
    if (now < statement.notBefore - SKEW || now > statement.notAfter + SKEW) return false
    if (!mayIssue(statement.issuer, hex(statement.issuerKey))) return false
  }
  return leafConditionsHold(chain.at(-1)!.statement.conditions, now)
}

function isRoot(grant: Grant): boolean {
  if (grant.parent !== null) return false
  const slice = (name: string) => name === grant.issuer || name.endsWith(`.${grant.issuer}`)
  const base = (pattern: string) => pattern.replace(/^\*+\./, '')
  if (!grant.topics.every((topic) => slice(base(topic)))) return false
  return slice(grant.onBehalfOf) || (grant.subject as string) === grant.onBehalfOf
}

function isPart(child: Grant, { id, statement: parent }: ChainGrant): boolean {
  if (child.parent === null || hex(child.parent) !== id) return false
  if (!isFor(parent, child.issuer, hex(child.issuerKey))) return false
  if (parent.mayDelegate === false) return false
  const { mayDelegate } = parent
  if (!isWithin(child.subject, mayDelegate)) return false
  if (
    child.mayDelegate !== false &&
    !child.mayDelegate.every((each) => isWithin(each, mayDelegate))
  )
    return false
  if (child.onBehalfOf !== parent.onBehalfOf) return false
  if (!child.actions.every((action) => parent.actions.includes(action))) return false
  if (!child.topics.every((topic) => isWithin(topic, parent.topics))) return false
  if (child.notBefore < parent.notBefore || child.notAfter > parent.notAfter) return false
  return conditionsNarrower(parent.conditions, child.conditions)
}

function isFor(grant: Grant, name: string, key: string): boolean {
  return (
    namesIn(grant.subject).has(name) && (grant.subjectKey === null || hex(grant.subjectKey) === key)
  )
}

function conditionsNarrower(parent: readonly Condition[], child: readonly Condition[]): boolean {
  const kept = parent.every(([name, above]) => {
    const below = child.find(([other]) => other === name)?.[1]
    if (below === undefined) return false
    if (name === 'hours') return [...minutes(below)].every((minute) => minutes(above).has(minute))
    if (name === 'obey') return below === above
    return (below as number) <= (above as number)
  })
  // "maxPriority: where the parent has none, not above 1."
  const priority = child.find(([name]) => name === 'maxPriority')?.[1]
  const hadOne = parent.some(([name]) => name === 'maxPriority')
  return kept && (hadOne || priority === undefined || (priority as number) <= 1)
}

/** Every minute of the day in a stretch of hours, one by one. */
function minutes(value: Condition[1]): ReadonlySet<number> {
  const [from, to] = value as readonly [number, number]
  const found = new Set<number>()
  for (let minute = from; minute !== to; minute = (minute + 1) % 1_440) found.add(minute)
  return found
}

function leafConditionsHold(conditions: readonly Condition[], now: number): boolean {
  const minute = Math.floor(now / 60_000) % 1_440
  return conditions.every(([name, value]) => {
    if (name === 'obey') return false
    return name !== 'hours' || minutes(value).has(minute)
  })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
