import type { Name } from '@ixj/names'
import { encodeApplication, equalBytes, TrustError } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Core } from '../host/core.ts'
import { BODY_BYTES_MAX } from '../patterns/lane-queue.ts'
import { readMessage, type Body, type Message } from '../patterns/message.ts'
import type { Accepted } from '../pipeline/context.ts'
import { Refusal, VERDICTS } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'
import type { CombinedPart } from './combined-part.ts'
import { originalsOf } from './originals.ts'
import { canContain, reduceBodies, type Reducer } from './reducer.ts'
import type { Contribution } from './summary.ts'

/** A contribution whose original was seen and verified here. */
export interface Verified {
  readonly contribution: Contribution
  readonly accepted: Accepted
  readonly message: Message
}

/** A contribution that could not be verified, and how it failed. */
interface Unverified {
  readonly contribution: Contribution
  /**
   * A lie: the original is not what was said of it. Withheld: the node answers and has it no longer.
   * Unverifiable: nobody answers, or this node cannot verify what it is shown, which is no lie.
   */
  readonly failure: 'lie' | 'unverifiable' | 'withheld'
  readonly cause: Error
}

/** What a spot check found against one combiner. */
export interface Finding {
  readonly combiner: Name
  readonly failure: 'lie' | 'unverifiable' | 'withheld'
  readonly reason: string
  /** Absent: it is the value that does not follow from the contributions. */
  readonly contribution?: Contribution
}

/** What came of a spot check. */
export interface SpotCheck {
  /** Contributions whose originals were asked for. */
  readonly checked: number
  /** Empty: all held. */
  readonly findings: readonly Finding[]
}

/** Where originals are checked. */
interface Checking {
  readonly core: Core
  readonly topic: Name
}

/** Asks for the originals of contributions of a part, and makes every check of this node on each. */
export async function checkOriginals(
  part: CombinedPart,
  contributions: readonly Contribution[],
  { core, topic }: Checking,
): Promise<readonly (Verified | Unverified)[]> {
  const ids = contributions.map(({ bundle }) => bundle)
  try {
    const { peer, found } = await originalsOf(core).ask(part.node, topic, ids)
    const results: (Verified | Unverified)[] = []
    for (const [place, contribution] of contributions.entries()) {
      results.push(await checkOriginal(contribution, found[place], { core, topic, peer }))
    }
    return results
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause
    return contributions.map((contribution) => ({ contribution, failure: 'unverifiable', cause }))
  }
}

async function checkOriginal(
  contribution: Contribution,
  bytes: Uint8Array | undefined,
  { core, topic, peer }: Checking & { readonly peer: Peer },
): Promise<Verified | Unverified> {
  const { sender } = contribution
  if (bytes === undefined) {
    const cause = new Refusal('missing-statement', `Cannot see the original of ${sender}: withheld`)
    return { contribution, failure: 'withheld', cause }
  }
  let accepted: Accepted
  try {
    accepted = await core.intake.examine(bytes, peer)
  } catch (cause) {
    if (!(cause instanceof Refusal || cause instanceof TrustError)) throw cause
    return {
      contribution,
      failure: VERDICTS[cause.code] === 'reject' ? 'lie' : 'unverifiable',
      cause,
    }
  }
  const { header, id } = accepted.bundle
  const part = accepted.messages.find((each) => equalBytes(each.id, contribution.message))
  const isIt =
    part !== undefined &&
    equalBytes(id, contribution.bundle) &&
    equalBytes(header.key, contribution.key) &&
    header.sender === sender &&
    header.topic === topic
  const message = isIt ? readMessage(core, accepted, part, { gap: 0, late: false }) : undefined
  if (message !== undefined) return { contribution, accepted, message }
  const cause = new Refusal('body', `The original of ${sender} is another message`)
  return { contribution, failure: 'lie', cause }
}

/**
 * Checks so many contributions, chosen by chance over all parts, against their originals; and the
 * value of every part of which all were chosen.
 */
export async function spotCheck(
  parts: readonly CombinedPart[],
  sample: number,
  { core, topic, reducer }: Checking & { readonly reducer: Reducer },
): Promise<SpotCheck> {
  const chosen = choose(parts, sample, (max) => randomBelow(max, core))
  const findings: Finding[] = []
  let checked = 0
  for (const [part, contributions] of chosen) {
    checked += contributions.length
    const results = await checkOriginals(part, contributions, { core, topic })
    findings.push(...findingsOf(part, results, reducer))
  }
  return { checked, findings }
}

function findingsOf(
  part: CombinedPart,
  results: readonly (Verified | Unverified)[],
  reducer: Reducer,
): readonly Finding[] {
  const { combiner, value, contributions } = part
  const findings: Finding[] = []
  const bodies: Body[] = []
  for (const result of results) {
    const { contribution } = result
    if (!('message' in result)) {
      const { failure, cause } = result
      findings.push({ combiner, failure, reason: cause.message, contribution })
      continue
    }
    const { body } = result.message
    bodies.push(body)
    const place = contributions.indexOf(contribution)
    if (canContain(reducer, value, { body, place, equal: equalBodies })) continue
    const reason = `The value of ${combiner} cannot be, with what ${contribution.sender} sent`
    findings.push({ combiner, failure: 'lie', reason, contribution })
  }
  const all = bodies.length === contributions.length
  if (all && !equalBodies(reduceBodies(reducer, bodies), value)) {
    const reason = `The value of ${combiner} is not that of its ${bodies.length} contributions`
    findings.push({ combiner, failure: 'lie', reason })
  }
  return findings
}

/** By chance, each contribution as likely as any other; those of a part in its order. */
function choose(
  parts: readonly CombinedPart[],
  sample: number,
  below: (max: number) => number,
): ReadonlyMap<CombinedPart, readonly Contribution[]> {
  const all = parts.flatMap((part) =>
    part.contributions.map((contribution, place) => ({ part, contribution, place })),
  )
  for (let index = 0; index < Math.min(sample, all.length); index++) {
    const other = index + below(all.length - index)
    const [here, there] = [all[index]!, all[other]!]
    all[index] = there
    all[other] = here
  }
  const taken = all.slice(0, sample).toSorted((left, right) => left.place - right.place)
  const chosen = new Map<CombinedPart, Contribution[]>()
  for (const { part, contribution } of taken) {
    const ofPart = chosen.get(part) ?? []
    ofPart.push(contribution)
    chosen.set(part, ofPart)
  }
  return chosen
}

function randomBelow(max: number, { random }: Core): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4)
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % max
}

function equalBodies(left: Body, right: Body): boolean {
  const bytesMax = BODY_BYTES_MAX
  return equalBytes(encodeApplication(left, { bytesMax }), encodeApplication(right, { bytesMax }))
}
