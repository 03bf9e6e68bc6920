import {
  poolNode,
  isBelow,
  matches,
  type Name,
  parsePattern,
  type Pattern,
  patternBase,
} from '@ixj/names'
import { toBase64url } from './bytes.ts'
import { approvalsNeeded, valueOf } from './conditions.ts'
import type { FoundGrants } from './found-grants.ts'
import type { Freshness } from './freshness.ts'
import type { Grant } from './grant.ts'
import type { Authority, NameChain } from './name-question.ts'
import { formatDate, formatTime, formatTimeLeft, pad } from './time-text.ts'

/** Who controls a name, in lines for an explanation: the names up to the anchor, and the anchor. */
export function describeNameChain(chain: NameChain, now: number): string[] {
  const names = [chain.name, ...chain.links.toReversed().map(({ statement }) => statement.issuer)]
  const { name, addedAt, addedBy, underRoot } = chain.anchor
  const details = [addedAt === undefined ? [] : [formatDate(addedAt)], addedBy ?? []].flat()
  const added = details.length === 0 ? '' : ` (${details.join(', ')})`
  const { links, crossCertificates } = chain
  const what = crossCertificates.length === 0 ? 'bindings' : 'statements'
  const left = formatTimeLeft(chain.notAfter, now)
  const end = links.length + crossCertificates.length === 0 ? [] : [`${what}: ${left}`]
  const zone = chain.anchor.kind === 'zone' ? `zone ${name}` : name
  const anchor = underRoot === true ? 'the root of the DNS' : zone
  return [
    names.join(' ← '),
    ...describePool(chain),
    ...describeSpeaker(chain),
    ...describePublished(chain, now),
    ...describeCrossing(chain),
    `anchor: ${anchor}, from your trust store${added}`,
    ...end,
  ]
}

function describePool({ name }: NameChain): string[] {
  const node = poolNode(name)
  return node === undefined ? [] : [`some agent that ${node} vouches for`]
}

function describeSpeaker({ name, speaker }: NameChain): string[] {
  if (speaker === undefined) return []
  const { chain, authority } = speaker
  const by = authority.chain.at(-1)!.statement.issuer
  return [`signed by ${chain.name}, which may speak for ${name} by the word of ${by}`]
}

/** How one organisation let the next one through, the name's own first. */
function describeCrossing({ crossCertificates, introducer }: NameChain): string[] {
  if (introducer === null) return []
  const lines = crossCertificates.toReversed().map(({ statement }) => {
    const { issuer, subject, names, purposes } = statement
    const speaksFor = names.length === 0 ? 'introduces only' : `speaks for ${names.join(', ')}`
    return `${subject} is cross-certified by ${issuer}: ${speaksFor}; ${purposes.join(', ')}`
  })
  const above = introducer.links.toReversed().map(({ statement }) => statement.issuer)
  const names = [introducer.name, ...above]
  return names.length === 1 ? lines : [...lines, names.join(' ← ')]
}

function describePublished({ published }: NameChain, now: number): string[] {
  if (published === null) return []
  const left = formatTimeLeft(published.notAfter, now)
  return [`published in DNS for ${published.name}, signed by zone ${published.zone}, ${left}`]
}

/** What is known of the statuses of a chain's issuers, in notes for an explanation. */
export function describeFreshness({ issuers, strict }: Freshness, now: number): string[] {
  return issuers.map(({ of, state, until }) => {
    switch (state) {
      case 'fresh':
        return `status of ${of} fresh, ${formatTimeLeft(until, now)}`
      case 'stale':
        return `status of ${of} STALE since ${formatTime(until)}${strict ? ', bound strict' : ''}`
      default:
        return `no status of ${of} known: what it revoked may have been missed`
    }
  })
}

/** Which key it is, in lines for an explanation: the whole key, and who bound it. */
export function describeKey(chain: NameChain): string[] {
  if (chain.speaker !== undefined) return describeKey(chain.speaker.chain)
  const leaf = chain.links.at(-1)
  const crossed = chain.crossCertificates.at(-1)?.statement
  const ofRoot =
    crossed === undefined ? 'a key of the anchor itself' : `certified by ${crossed.issuer}`
  const own = chain.published === null ? ofRoot : 'published in DNS'
  const source = leaf === undefined ? own : `bound by ${leaf.statement.issuer}`
  return [`ed25519 ${toBase64url(chain.key)}, ${source}`]
}

/**
 * What authority there is, in lines for an explanation: the root's issuer, then each subject with
 * what it may do. Names below the issuer or its anchor are shown without that part.
 */
export function describeAuthority(authority: Authority, now: number): string[] {
  const { chain, issuers } = authority
  const [root] = chain
  if (root === undefined) throw new Error('An authority has no grant')
  const parts = chain.map(({ statement }, index) => {
    const organisation = issuers[index]?.organisation ?? statement.issuer
    const left = index === chain.length - 1 ? [formatTimeLeft(authority.notAfter, now)] : []
    const details = [statement.actions.join(', '), ...describeLimits(statement, organisation)]
    return `${shortSubject(statement, organisation)} (${[...details, ...left].join('; ')})`
  })
  return [[root.statement.issuer, ...parts].join(' → ')]
}

/**
 * What was found of a chain of grants that was refused, in lines for an explanation: each with all
 * that may be wrong with it. It says what they claim, not that they hold.
 */
export function describeFoundGrants({ chain, missing }: FoundGrants, now: number): string[] {
  const gap = missing === null ? [] : [`not at hand: grant ${missing}`]
  const [root] = chain
  if (root === undefined) return gap
  const parts = chain.map(({ statement }, index) => {
    const { subject, issuer, actions, topics, onBehalfOf, notBefore, notAfter } = statement
    const above = chain[index - 1]?.statement
    const details = [
      `${actions.join(', ')} on ${topics.join(', ')}`,
      ...(above === undefined || matches(above.subject, issuer) ? [] : [`by ${issuer}`]),
      ...(onBehalfOf === (above?.onBehalfOf ?? issuer) ? [] : [`on behalf of ${onBehalfOf}`]),
      ...describeLimits(statement, root.statement.issuer),
      ...(notBefore > now ? [`from ${formatTime(notBefore)}`] : []),
      ...(notAfter < now ? [formatTimeLeft(notAfter, now)] : []),
    ]
    return `${subject} (${details.join('; ')})`
  })
  return ['looked at:', [root.statement.issuer, ...parts].join(' → '), ...gap]
}

function describeLimits(grant: Grant, organisation: Name): string[] {
  const { conditions, mayDelegate } = grant
  const hours = valueOf(conditions, 'hours') as readonly [number, number] | undefined
  const perSecond = valueOf(conditions, 'messagesPerSecond') as number | undefined
  const bytes = valueOf(conditions, 'bytesPerMessage') as number | undefined
  const approvals = approvalsNeeded(conditions)
  const priority = valueOf(conditions, 'maxPriority') as number | undefined
  const stateOn = valueOf(conditions, 'stateOn') as readonly Name[] | undefined
  return [
    hours === undefined ? [] : [`${formatMinute(hours[0])} to ${formatMinute(hours[1])} UTC`],
    perSecond === undefined ? [] : [`${perSecond} messages/s`],
    bytes === undefined ? [] : [`${bytes} bytes a message`],
    priority === undefined ? [] : [`priority up to ${priority}`],
    approvals === undefined
      ? []
      : [
          `with ${approvals.count} approvals of ${shortPatterns(
            approvals.names.map((name) => parsePattern(name)),
            organisation,
          )}`,
        ],
    stateOn === undefined
      ? []
      : [
          `state on ${shortPatterns(
            stateOn.map((name) => parsePattern(name)),
            organisation,
          )} alone`,
        ],
    mayDelegate === false ? [] : [`may delegate to ${shortPatterns(mayDelegate, organisation)}`],
  ].flat()
}

/**
 * The subject without the part that its issuer, or else the organisation, has in common with it.
 */
function shortSubject({ subject, issuer }: Grant, organisation: Name): string {
  const base = patternBase(subject)
  // A pattern keeps its end: what it leaves open must not be mistaken.
  if (subject !== (base as string)) return shortPatterns([subject], organisation)
  const above = [issuer, organisation].find((name) => isBelow(base, name))
  return above === undefined ? base : base.slice(0, -above.length - 1)
}

function shortPatterns(patterns: readonly Pattern[], organisation: Name): string {
  const short = patterns.map((pattern) =>
    isBelow(patternBase(pattern), organisation)
      ? `${pattern.slice(0, -organisation.length - 1)}…`
      : pattern,
  )
  return short.join(', ')
}

function formatMinute(minute: number): string {
  return `${pad(Math.floor(minute / 60), 2)}:${pad(minute % 60, 2)}`
}
