import { childName, poolOf, isAtOrBelow, type Name } from '@ixj/names'
import {
  SKEW_MS,
  toHex,
  TrustError,
  type Freshness,
  type NameChain,
  type ProofStatements,
} from '@ixj/trust'
import type { UsableApproval } from '../approvals/usable-approval.ts'
import { decodeBundle, hasDigest, holdsSignature, type Bundle } from '../bundles/bundle.ts'
import type { Header } from '../bundles/header.ts'
import { decodeMessages, type MessagePart } from '../bundles/message.ts'
import { approverChains, checkApproved } from './approved.ts'
import { acceptedKey, holdsGrant, nameChain } from './chains.ts'
import type { ClockOwner } from './clock-offset.ts'
import type { Accepted, Carrier, PipelineContext, Trace } from './context.ts'
import type { NewsAge, PolicyDecision } from './policy.ts'
import type { Place } from './replay.ts'
import { openMessages } from '../sealing/opened-messages.ts'
import { checkFresh } from './fresh.ts'
import { checkRate, checkStanding, type Standing } from './standing.ts'
import { Refusal } from './verdicts.ts'

/**
 * From bytes to a verdict, cheapest check first (docs/protocol.md, "From bytes to a verdict").
 * Returns for an accepted bundle and throws the coded refusal otherwise; what was found until then
 * stands in `trace`. The replay tables are written only when everything else has passed.
 * @throws Refusal, TrustError
 */
export async function judge(
  bytes: Uint8Array,
  carrier: Carrier,
  context: PipelineContext,
  trace: Trace,
): Promise<Accepted> {
  // 1. Size and exact encoding.
  const bundle = carrier.justSigned ?? decodeBundle(bytes, context.hash)
  const { header } = bundle
  trace.bundle = bundle
  // 2. Names and topic canonical; topic equals the carrier's.
  checkTopic(header, carrier, context)
  trace.leave = context.enter(bundle, carrier)
  // 3. Lifespan and clock.
  const clock = clockOf(header, carrier, context)
  trace.clock = clock
  checkTime(header, clock, carrier, context)
  // 4. Duplicate or replay.
  const early = placeOf(bundle)
  trace.place = early
  checkPlace(early, { bundle, carrier }, context)
  checkCarried(bundle, carrier, context)
  // 5. Proof known, or fetched from the neighbour.
  const material = await context.material(bundle, carrier)
  const { generation } = context.trust
  trace.grants = material.grants
  // 6. A chain from an anchor of ours to the sender's name and key.
  const chain = nameChain(header, material, context)
  trace.chain = chain
  // What a short-lived name sent is refused with its binding: no table has to remember it for longer.
  const place = { ...early, forgetAt: Math.min(early.forgetAt, chain.notAfter + SKEW_MS) }
  trace.place = place
  if (carrier.again === undefined) checkStranger(header, carrier, material, context)
  // 7. Signature and digest.
  if (carrier.justSigned === undefined) await checkSignature(bundle, context)
  trace.signed = true
  if (carrier.isRepaired !== true && carrier.again === undefined) {
    context.offsets.learn(clock, header.sentAt, context.clock.now())
  }
  const messages = readMessages(header, await openMessages(bundle, context.opening(header.topic)))
  trace.messages = messages
  // 8. Authority: one grant's chain, or ownership, or the request that is answered.
  const standing = checkStanding(bundle, messages, material, context)
  Object.assign(trace, standing)
  const approved = await checkApproved(bundle, messages, material, context)
  const { approvals } = approved
  trace.approvers = approved.approvers.map(({ name }) => name).toSorted()
  const freshness = checkFresh(header, { chain, standing, ...approved }, context)
  trace.freshness = freshness
  // 9. The receiver's own policy.
  const { approvers } = trace
  const decision = await askPolicy(bundle, { chain, standing, approvers, freshness }, context)
  trace.decision = decision
  if (!decision.permit) {
    throw new Refusal(
      'policy',
      `Cannot accept ${header.action} by ${header.sender}: ${decision.rule}`,
    )
  }
  // 10. Audit: the caller records the decision, before it delivers.
  context.checkWritable(header)
  if (header.class === 'task') await context.tasks.prepare(bundle)
  // 11. Deliver: the caller, now that no copy can.
  if (context.trust.generation !== generation) checkAgain(bundle, messages, material, context)
  // What nobody is there for any more is not taken: who opens the topic next is owed it.
  checkTopic(header, carrier, context)
  checkTime(header, clock, carrier, context)
  if (carrier.again === undefined) {
    context.states.check(header, messages)
    checkPlace(place, { bundle, carrier }, context)
    context.usedApprovals.check(approvals)
    const draw = checkRate(header, standing, carrier, context)
    takePlace(place, bundle, context)
    draw()
    context.states.write(header, messages)
  }
  context.chains.keep(acceptedKey(header), chain.notAfter + SKEW_MS)
  const [first] = messages
  if (header.class === 'task' && first !== undefined) {
    trace.takers = context.tasks.reserve(bundle, first, carrier)
  }
  if (carrier.again === undefined) await useApprovals(approvals, context)
  const found = { bundle, place, clock, chain, signed: true, messages } as const
  return { ...found, approvers, freshness, decision, ...standing, takers: trace.takers ?? [] }
}

/**
 * The topic is the carrier's, or the name of an agent whose inbox this node hosts, on the node's
 * own inbox. A pair of topics that no honest node sends is refused whatever is open here.
 */
export function checkTopic(header: Header, carrier: Carrier, context: PipelineContext): void {
  const opened = context.opened(header.topic)
  if (header.topic === carrier.topic) {
    if (opened !== undefined) return checkTaken(header, context)
    throw new Refusal('not-hosted', `Cannot accept bundle: ${header.topic} is not open here`)
  }
  if (carrier.topic === context.node) {
    if (opened === 'inbox') return checkTaken(header, context)
    throw new Refusal('not-hosted', `Cannot accept bundle: ${header.topic} has no inbox here`)
  }
  throw new Refusal(
    'wrong-topic',
    `Cannot accept bundle for ${header.topic}: it came on ${carrier.topic}`,
  )
}

/** Answers are told apart by their requests, whatever the topic takes. */
function checkTaken({ action, topic }: Header, context: PipelineContext): void {
  if (action === 'answer' || context.takes(topic, action)) return
  throw new Refusal('not-hosted', `Cannot accept ${action}: nobody takes it on ${topic}`)
}

/** The sender's node has the clock; what came from no neighbour, and now, is of this very node. */
export function clockOf(
  header: Header,
  { from, isRepaired }: Carrier,
  context: PipelineContext,
): ClockOwner {
  const isOwn = from === null && isRepaired !== true
  const node = isOwn ? context.node : context.hostOf(header)
  return { key: toHex(header.key), node }
}

/**
 * Past its lifespan a bundle is historical: when its least age by the sender's clock is past it, as
 * far as that is known. sentAt beyond the skew ahead is refused, and so is an epoch.
 */
export function checkTime(
  header: Header,
  clock: ClockOwner,
  carrier: Carrier,
  context: PipelineContext,
): void {
  const now = context.clock.now()
  if (header.sentAt > now + SKEW_MS || header.epoch > now + SKEW_MS) {
    const ahead = Math.max(header.sentAt, header.epoch) - now
    throw new Refusal('future', `Cannot accept bundle from ${ahead} ms ahead, limit ${SKEW_MS}`)
  }
  const age = ageOf(header, clock, carrier, context)
  if (age > header.lifespanMs) {
    throw new Refusal(
      'lifespan',
      `Cannot accept bundle of age ${age} ms, lifespan ${header.lifespanMs}`,
    )
  }
}

function ageOf(
  { sentAt }: Header,
  owner: ClockOwner,
  { isRepaired = false }: Carrier,
  { clock, offsets }: PipelineContext,
): number {
  const now = clock.now()
  // When a bundle was asked for, its arrival says nothing of its sender's clock.
  const offset = isRepaired ? offsets.known(owner, now) : offsets.rangeAt(owner, sentAt, now).high
  return now - sentAt - offset
}

/** Whether the lifespan of a bundle that was asked for is over, so that it is history. */
export function hasEnded(header: Header, carrier: Carrier, context: PipelineContext): boolean {
  return ageOf(header, clockOf(header, carrier, context), carrier, context) > header.lifespanMs
}

/**
 * The place is taken, over restarts too, before anybody is told of the bundle. Where that cannot be
 * written down, state alone goes on: it ends within seconds.
 */
function take(place: Place, header: Header, context: PipelineContext): void {
  context.replay.write(place)
  try {
    // A state that came just before a crash is what the others tell of afterwards anyway.
    context.journal.append(place, { gathered: header.class === 'state' })
  } catch (cause) {
    if (header.class === 'state') return
    context.replay.release(place)
    throw new Refusal('own-fault', 'Cannot remember an accepted bundle: the disk failed', { cause })
  }
}

export function placeOf(bundle: Bundle): Place {
  const { header } = bundle
  const key = toHex(header.key)
  const lane = `${header.topic}|${header.sender}|${key}|${header.class}`
  return {
    lane,
    epoch: header.epoch,
    stream: `${lane}|${header.epoch}`,
    key,
    first: header.first,
    count: header.count,
    id: bundle.idText,
    forgetAt: header.sentAt + header.lifespanMs + SKEW_MS,
  }
}

/**
 * "The same bundle id again is a duplicate." Of a task its agents know that longer than any window
 * of a stream is: it is retried from earlier epochs too, and after a fault of our own.
 */
function checkPlace(
  place: Place,
  { bundle, carrier }: { readonly bundle: Bundle; readonly carrier: Carrier },
  context: PipelineContext,
): void {
  if (carrier.again !== undefined) return
  const isTask = bundle.header.class === 'task'
  if (isTask) context.tasks.checkEarly(bundle)
  try {
    context.replay.checkEarly(place)
  } catch (cause) {
    if (!(isTask && isOldPlace(cause) && context.tasks.isLacked(bundle))) throw cause
  }
}

/** Takes the bundle's places in its stream; what a task lacks there is no reason against it. */
function takePlace(place: Place, bundle: Bundle, context: PipelineContext): void {
  try {
    take(place, bundle.header, context)
  } catch (cause) {
    const isTask = bundle.header.class === 'task'
    if (!(isTask && isOldPlace(cause) && context.tasks.isLacked(bundle))) throw cause
  }
}

function isOldPlace(cause: unknown): boolean {
  if (!(cause instanceof Refusal)) return false
  return cause.code === 'duplicate' || cause.code === 'out-of-window'
}

/** What is carried is a copy when it comes again, but not when it is opened here at last. */
export function checkCarried(
  { idText }: Bundle,
  { from, again }: Carrier,
  context: PipelineContext,
): void {
  if (from === null || again !== undefined || !context.carries(idText)) return
  throw new Refusal('duplicate', `Cannot carry bundle ${idText} twice`)
}

/**
 * Strangers get 10 checks a second through each neighbour, counted before any signature is checked
 * for them. A stranger is who was never accepted on the topic, holds no grant for it, owns
 * nothing of it, and was not asked. That a grant is held costs no signature here: its
 * statements were checked when they came.
 */
export function checkStranger(
  header: Header,
  carrier: Carrier,
  material: ProofStatements,
  context: PipelineContext,
): void {
  const now = context.clock.now()
  const known =
    context.chains.has(acceptedKey(header), now) ||
    isAtOrBelow(header.topic, header.sender) ||
    (header.action === 'answer' && context.awaits(header)) ||
    holdsGrant(header, material, context)
  if (known || context.strangers(carrier.from).take(1, now)) return
  throw new Refusal('rate', `Cannot check another stranger on ${header.topic} in this second`)
}

export async function checkSignature(bundle: Bundle, context: PipelineContext): Promise<void> {
  const { header } = bundle
  if (!(await holdsSignature(bundle, context))) {
    throw new TrustError(
      'bad-signature',
      `Cannot accept bundle: its signature is not by ${header.sender}'s key`,
    )
  }
  if (!hasDigest(bundle, context.hash)) {
    throw new Refusal(
      'bad-digest',
      'Cannot accept bundle: its messages are not those that were signed',
    )
  }
}

/** The sender signed this; the neighbour that forwards headers need not decode bodies. */
export function readMessages(header: Header, messagesBytes: Uint8Array): readonly MessagePart[] {
  try {
    return decodeMessages(messagesBytes, header.count)
  } catch (cause) {
    throw new Refusal('body', `Cannot decode the messages of ${header.sender}`, { cause })
  }
}

/** Signatures and the policy take time: what was revoked since counts, however it was asked for. */
function checkAgain(
  bundle: Bundle,
  messages: readonly MessagePart[],
  material: ProofStatements,
  context: PipelineContext,
): void {
  const { header } = bundle
  const chain = nameChain(header, material, context)
  const standing = checkStanding(bundle, messages, material, context)
  const approvers = approverChains(header, material, context)
  checkFresh(header, { chain, standing, approvers }, context)
}

/** What was approved is done once, after a crash too: it is delivered when that is safe on disk. */
async function useApprovals(
  approvals: readonly UsableApproval[],
  context: PipelineContext,
): Promise<void> {
  if (approvals.length === 0) return
  try {
    await context.usedApprovals.write(approvals)
  } catch (cause) {
    throw new Refusal('own-fault', 'Cannot remember used approvals: the store failed', { cause })
  }
}

export async function askPolicy(
  bundle: Bundle,
  found: {
    readonly chain: NameChain
    readonly standing: Standing
    readonly approvers: readonly Name[]
    readonly freshness: Freshness
  },
  context: PipelineContext,
): Promise<PolicyDecision> {
  const { header } = bundle
  const { chain, standing, approvers, freshness } = found
  try {
    return await context.policy.decide({
      receiver: context.node,
      sender: policyName(header.sender),
      organisation: chain.organisation,
      ownOrganisation: context.ownOrganisation,
      action: header.action,
      topic: header.topic,
      onBehalfOf: standing.onBehalfOf,
      basis: standing.basis,
      delegators: standing.authority?.chain.map(({ statement }) => statement.issuer) ?? [],
      path: chain.path,
      class: header.class,
      bytes: bundle.messagesBytes.length,
      priority: header.priority,
      approvals: approvers,
      freshness: newsAge(freshness),
      now: context.clock.now(),
      generation: context.generation(),
    })
  } catch (cause) {
    throw new Refusal('own-fault', 'Cannot ask the policy: it failed', { cause })
  }
}

/**
 * The name under which a policy is asked about a sender. A node names the agents of its pool as it
 * likes, and no policy can know one from another: it is asked about any of them.
 */
function policyName(sender: Name): Name {
  const pool = poolOf(sender)
  return pool === undefined ? sender : childName(pool, 'any')
}

/** What a policy, and a reader of state, is told of the statuses of issuers. */
export function newsAge({ state }: Freshness): NewsAge {
  return state === 'fresh' || state === 'stale' ? state : 'unchecked'
}
