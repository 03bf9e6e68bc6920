import { isAtOrBelow, type Name } from '@ixj/names'
import {
  checkAuthority,
  checkConditions,
  checkName,
  messagesPerSecondBudgets,
  signingInput,
  SKEW_MS,
  toHex,
  TrustError,
  type AnchorSet,
  type Authority,
  type NameChain,
  type Sha256,
  type ProofStatements,
  type Verifier,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { decodeBundle, hasDigest, type Bundle } from '../bundles/bundle.ts'
import type { BundleAction, Header } from '../bundles/header.ts'
import { decodeMessages, type MessagePart } from '../bundles/message.ts'
import { PRIORITY_DEFAULT } from '../limits.ts'
import type { Peer } from '../transport.ts'
import type { ChainCache } from './chain-cache.ts'
import type { ClockOffsets } from './clock-offset.ts'
import type { Basis, Policy, PolicyDecision } from './policy.ts'
import type { Budget } from './rate.ts'
import type { Place, ReplayTable } from './replay.ts'
import type { StateTable } from './state-table.ts'
import { Refusal } from './verdicts.ts'

/** Where a bundle came in. */
export interface Carrier {
  readonly topic: Name
  /** The neighbour that handed it over; null: an agent of this very node. */
  readonly from: Peer | null
}

/** What the pipeline reads and asks. Everything in it belongs to one node. */
export interface PipelineContext {
  readonly node: Name
  readonly ownOrganisation: Name
  readonly clock: Clock
  readonly verifier: Verifier
  readonly hash: Sha256
  readonly anchors: AnchorSet
  readonly policy: Policy
  readonly replay: ReplayTable
  readonly states: StateTable
  readonly offsets: ClockOffsets
  readonly chains: ChainCache
  /** Whether anybody here takes this kind of bundle on the topic. */
  takes(topic: Name, action: BundleAction): boolean
  /** How the topic is open here. */
  opened(topic: Name): 'group' | 'inbox' | undefined
  /** What a proof leads to; waits and asks the neighbour. @throws Refusal `proof-missing`, `parking-full` */
  material(bundle: Bundle, from: Peer | null): Promise<ProofStatements>
  /** The budget of strangers that this neighbour carries. */
  strangers(from: Peer | null): Budget
  /** The budget of a grant's `messagesPerSecond`. */
  grantBudget(grantId: string, perSecond: number): Budget
  /** Whether any request of ours waits for an answer of this sender. */
  awaits(header: Header): boolean
  /** Whether this answers a request of ours that still waits for this sender. */
  asked(header: Header, part: MessagePart): boolean
}

/** What was found on the way, for the explanation and for what follows a refusal. */
export interface Trace {
  bundle?: Bundle
  place?: Place
  chain?: NameChain
  /** Signature and digest held. */
  signed?: true
  messages?: readonly MessagePart[]
  basis?: Basis
  authority?: Authority
  onBehalfOf?: Name
  decision?: PolicyDecision
}

/** A bundle that passed: every field of the trace is there. */
export type Accepted = Required<Omit<Trace, 'authority'>> & Pick<Trace, 'authority'>

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
  const bundle = decodeBundle(bytes, context.hash)
  const { header } = bundle
  trace.bundle = bundle
  // 2. Names and topic canonical; topic equals the carrier's.
  checkTopic(header, carrier, context)
  // 3. Lifespan and clock.
  checkTime(header, context)
  // 4. Duplicate or replay.
  const place = placeOf(bundle)
  trace.place = place
  context.replay.checkEarly(place)
  // 5. Proof known, or fetched from the neighbour.
  const material = await context.material(bundle, carrier.from)
  // 6. A chain from an anchor of ours to the sender's name and key.
  const chain = nameChain(header, material, context)
  trace.chain = chain
  checkStranger(header, carrier, material, context)
  // 7. Signature and digest.
  await checkSignature(bundle, context)
  trace.signed = true
  context.offsets.learn(toHex(header.key), header.sentAt, context.clock.now())
  const messages = readMessages(bundle)
  trace.messages = messages
  // 8. Authority: one grant's chain, or ownership, or the request that is answered.
  const standing = checkStanding(bundle, messages, material, context)
  Object.assign(trace, standing)
  // 9. The receiver's own policy.
  const decision = await askPolicy(bundle, chain, standing, context)
  trace.decision = decision
  if (!decision.permit) {
    throw new Refusal(
      'policy',
      `Cannot accept ${header.action} by ${header.sender}: ${decision.rule}`,
    )
  }
  // 10. Audit: the caller records the decision. 11. Deliver: the caller, now that no copy can.
  checkTime(header, context)
  context.states.check(header)
  context.replay.checkEarly(place)
  checkRate(header, standing, context)
  context.replay.write(place)
  context.states.write(header)
  context.chains.keep(acceptedKey(header), chain.notAfter + SKEW_MS)
  return { bundle, place, chain, signed: true, messages, decision, ...standing }
}

/**
 * The topic is the carrier's, or the name of an agent whose inbox this node hosts, on the node's
 * own inbox. A pair of topics that no honest node sends is refused whatever is open here.
 */
function checkTopic(header: Header, carrier: Carrier, context: PipelineContext): void {
  const opened = context.opened(header.topic)
  const answers = header.action === 'answer'
  if (opened !== undefined && !answers && !context.takes(header.topic, header.action)) {
    throw new Refusal(
      'not-hosted',
      `Cannot accept ${header.action}: nobody takes it on ${header.topic}`,
    )
  }
  if (header.class === 'task') {
    throw new TrustError('unsupported', 'Cannot accept class task: it is not built yet')
  }
  if (header.topic === carrier.topic) {
    if (opened !== undefined) return
    throw new Refusal('not-hosted', `Cannot accept bundle: ${header.topic} is not open here`)
  }
  if (carrier.topic === context.node) {
    if (opened === 'inbox') return
    throw new Refusal('not-hosted', `Cannot accept bundle: ${header.topic} has no inbox here`)
  }
  throw new Refusal(
    'wrong-topic',
    `Cannot accept bundle for ${header.topic}: it came on ${carrier.topic}`,
  )
}

/**
 * Past its lifespan a bundle is historical. Age is by the sender's clock as far as arrivals tell it;
 * sentAt beyond the skew ahead is refused, and so is an epoch.
 */
function checkTime(header: Header, context: PipelineContext): void {
  const now = context.clock.now()
  if (header.sentAt > now + SKEW_MS || header.epoch > now + SKEW_MS) {
    const ahead = Math.max(header.sentAt, header.epoch) - now
    throw new Refusal('future', `Cannot accept bundle from ${ahead} ms ahead, limit ${SKEW_MS}`)
  }
  const age = now - header.sentAt - context.offsets.offset(toHex(header.key), header.sentAt, now)
  if (age > header.lifespanMs) {
    throw new Refusal(
      'lifespan',
      `Cannot accept bundle of age ${age} ms, lifespan ${header.lifespanMs}`,
    )
  }
}

function placeOf(bundle: Bundle): Place {
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
 * Strangers get 10 checks a second through each neighbour, counted before any signature is checked
 * for them. A stranger is who writes to an inbox and was never accepted there, holds no grant for
 * it, owns nothing of it, and was not asked. That a grant is held costs no signature here: its
 * statements were checked when they came.
 */
function checkStranger(
  header: Header,
  carrier: Carrier,
  material: ProofStatements,
  context: PipelineContext,
): void {
  const now = context.clock.now()
  const known =
    context.opened(header.topic) === 'group' ||
    context.chains.has(acceptedKey(header), now) ||
    isAtOrBelow(header.topic, header.sender) ||
    (header.action === 'answer' && context.awaits(header)) ||
    holdsGrant(header, material, context)
  if (known || context.strangers(carrier.from).take(1, now)) return
  throw new Refusal('rate', `Cannot check another stranger on ${header.topic} in this second`)
}

function holdsGrant(header: Header, material: ProofStatements, context: PipelineContext): boolean {
  if (header.authority === null) return false
  try {
    grantChain(header, header.authority, material, context)
    return true
  } catch (cause) {
    // What is wrong with it is told at its place, if the budget allows to get there.
    if (cause instanceof TrustError) return false
    throw cause
  }
}

function acceptedKey(header: Header): string {
  return `accepted|${header.topic}|${header.sender}|${toHex(header.key)}`
}

function chainKey(header: Header): string {
  return `name|${header.sender}|${toHex(header.key)}|${toHex(header.proof)}`
}

function nameChain(header: Header, material: ProofStatements, context: PipelineContext): NameChain {
  const now = context.clock.now()
  return context.chains.through(chainKey(header), now, () => {
    const value = checkName(
      { name: header.sender, key: header.key, use: 'sign', purpose: 'send' },
      { bindings: material.bindings, anchors: context.anchors, now },
    )
    return { value, until: value.notAfter + SKEW_MS }
  })
}

async function checkSignature(bundle: Bundle, context: PipelineContext): Promise<void> {
  const { header, headerBytes, signature } = bundle
  const input = signingInput('bundle', headerBytes)
  if (!(await context.verifier.verify(header.key, input, signature))) {
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
function readMessages({ header, messagesBytes }: Bundle): readonly MessagePart[] {
  try {
    return decodeMessages(messagesBytes, header.count)
  } catch (cause) {
    throw new Refusal('body', `Cannot decode the messages of ${header.sender}`, { cause })
  }
}

interface Standing {
  readonly basis: Basis
  readonly onBehalfOf: Name
  readonly authority?: Authority
}

/**
 * An answer is authorised by its request alone. Otherwise the header names one leaf grant, and only
 * that chain counts; without one, in this order: owner, and on an inbox the policy. In a group, nil
 * is for owners alone.
 */
function checkStanding(
  bundle: Bundle,
  messages: readonly MessagePart[],
  material: ProofStatements,
  context: PipelineContext,
): Standing {
  const { header } = bundle
  if (header.authority !== null && header.action !== 'answer') {
    const authority = grantChain(header, header.authority, material, context)
    checkUse(header, messages, authority, context)
    return { basis: 'grant', onBehalfOf: authority.onBehalfOf, authority }
  }
  if (header.priority > PRIORITY_DEFAULT) {
    throw new TrustError(
      'condition',
      `Cannot accept priority ${header.priority} without a grant, limit ${PRIORITY_DEFAULT}`,
    )
  }
  const onBehalfOf = header.sender
  // Not by a grant either: `answer` lets a name be asked in a group, not speak there unasked.
  if (header.action === 'answer') {
    if (messages.some((part) => context.asked(header, part))) return { basis: 'answer', onBehalfOf }
    throw new Refusal('not-asked', `Cannot accept answer: nothing was asked of ${header.sender}`)
  }
  if (isAtOrBelow(header.topic, header.sender)) return { basis: 'owner', onBehalfOf }
  if (context.opened(header.topic) === 'inbox') return { basis: 'none', onBehalfOf }
  throw new TrustError(
    'not-granted',
    `Cannot accept ${header.action} on group ${header.topic}: ${header.sender} is not its owner and names no grant`,
  )
}

function grantChain(
  header: Header,
  leaf: Uint8Array,
  material: ProofStatements,
  context: PipelineContext,
): Authority {
  const now = context.clock.now()
  const key = `grant|${toHex(leaf)}|${header.action}|${header.topic}|${chainKey(header)}`
  return context.chains.through(key, now, () => {
    const value = checkAuthority(
      {
        leaf,
        subject: header.sender,
        subjectKey: header.key,
        action: header.action,
        topic: header.topic,
      },
      { grants: material.grants, bindings: material.bindings, anchors: context.anchors, now },
    )
    return { value, until: value.notAfter + SKEW_MS }
  })
}

/** Conditions of every grant in the chain hold for this very bundle. */
function checkUse(
  header: Header,
  messages: readonly MessagePart[],
  authority: Authority,
  context: PipelineContext,
): void {
  const now = context.clock.now()
  const bytesPerMessage = Math.max(...messages.map((part) => part.body.length))
  for (const { statement } of authority.chain) {
    checkConditions(statement.conditions, { now, bytesPerMessage, priority: header.priority })
  }
}

/** How far sentAt may lie back and still count at its own time: a burst of the network, no more. */
const BURST_MS = 2_000

/**
 * Messages a second, by grant, so that children share their parent's budget. Counted over sentAt,
 * so that a burst in the network is not held against a sender that kept the pace; but sentAt is the
 * sender's word, so it counts no further back than 2 s and never ahead. Drawn last: what is refused
 * for another reason costs nothing.
 */
function checkRate(header: Header, standing: Standing, context: PipelineContext): void {
  if (standing.authority === undefined) return
  const now = context.clock.now()
  const at = Math.min(now, Math.max(header.sentAt, now - BURST_MS))
  for (const budget of messagesPerSecondBudgets(standing.authority)) {
    if (context.grantBudget(budget.grantIdText, budget.perSecond).take(header.count, at)) continue
    throw new TrustError(
      'condition',
      `Cannot accept ${header.count} messages: grant ${budget.grantIdText} allows ${budget.perSecond} a second`,
    )
  }
}

async function askPolicy(
  bundle: Bundle,
  chain: NameChain,
  standing: Standing,
  context: PipelineContext,
): Promise<PolicyDecision> {
  const { header } = bundle
  try {
    return await context.policy.decide({
      receiver: context.node,
      sender: header.sender,
      organisation: chain.anchor.name,
      ownOrganisation: context.ownOrganisation,
      action: header.action,
      topic: header.topic,
      onBehalfOf: standing.onBehalfOf,
      basis: standing.basis,
      bytes: bundle.messagesBytes.length,
      priority: header.priority,
      now: context.clock.now(),
    })
  } catch (cause) {
    throw new Refusal('own-fault', 'Cannot ask the policy: it failed', { cause })
  }
}
