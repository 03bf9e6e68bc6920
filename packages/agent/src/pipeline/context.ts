import type { Name } from '@ixj/names'
import type {
  Authority,
  Freshness,
  Grant,
  NameChain,
  ProofStatements,
  Sha256,
  SignedStatement,
  VerifiedTrees,
  Verifier,
} from '@ixj/trust'
import type { UsedApprovals } from '../approvals/used-approvals.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { BundleAction, Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { Clock } from '../clock.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import type { Opening } from '../sealing/opened-messages.ts'
import type { Peer } from '../transport.ts'
import type { ChainCache } from './chain-cache.ts'
import type { ClockOffsets, ClockOwner } from './clock-offset.ts'
import type { KeptFreshness } from './kept-freshness.ts'
import type { Turn } from './order.ts'
import type { Basis, Policy, PolicyDecision } from './policy.ts'
import type { Budget } from './rate.ts'
import type { Place, ReplayTable } from './replay.ts'
import type { ReplayJournal } from './replay-journal.ts'
import type { StateTable } from './state-table.ts'

/** Where a bundle came in. */
export interface Carrier {
  readonly topic: Name
  /** The neighbour that handed it over; null: an agent of this very node. */
  readonly from: Peer | null
  /** It, if an agent of this node has just signed it: of all that is checked, form and signature are not. */
  readonly justSigned?: Bundle
  /** It was missed, and asked for. */
  readonly isRepaired?: boolean
  /** A task of this node that is handed out once more: it passed before, at that time. */
  readonly again?: { readonly tasks: TaskBook; readonly acceptedAt: number }
}

/** What the pipeline reads and asks. Everything in it belongs to one node. */
export interface PipelineContext {
  readonly node: Name
  readonly ownOrganisation: Name
  readonly clock: Clock
  readonly verifier: Verifier
  readonly hash: Sha256
  readonly trust: TrustState
  readonly policy: Policy
  /** Raised by any change of anchors, statuses or revocations. */
  generation(): number
  readonly replay: ReplayTable
  /** What the replay table has taken, over restarts. */
  readonly journal: ReplayJournal
  readonly states: StateTable
  readonly offsets: ClockOffsets
  readonly chains: ChainCache
  readonly freshness: KeptFreshness
  /** Signatures over several bundles that held. */
  readonly trees: VerifiedTrees
  readonly usedApprovals: UsedApprovals
  readonly tasks: TaskBooks
  /** Whether a bundle is kept for others already that cannot be opened here. */
  carries(idText: string): boolean
  /** Takes a place among what waits for its verdict; the function gives it back. @throws Refusal `overloaded` */
  enter(bundle: Bundle, carrier: Carrier): () => void
  /** Whether anybody here takes this kind of bundle on the topic. */
  takes(topic: Name, action: BundleAction): boolean
  /** The node that is known to host a group's member of this name and key. */
  hostOf(header: Header): Name | undefined
  /** How the topic is open here. */
  opened(topic: Name): 'group' | 'inbox' | undefined
  /** What a proof leads to; waits and asks the neighbour. @throws Refusal `proof-missing`, `parking-full` */
  material(bundle: Bundle, carrier: Carrier): Promise<ProofStatements>
  /** What opens messages that are sealed to the name, or to the group. */
  opening(topic: Name): Opening
  /** The budget of strangers that this neighbour carries. */
  strangers(from: Peer | null): Budget
  /** The budget of a grant's `messagesPerSecond`. */
  grantBudget(grantId: string, perSecond: number): Budget
  /** Whether what is decided about it can be recorded. @throws Refusal `log-unwritable` */
  checkWritable(header: Header): void
  /** Whether any request of ours waits for an answer of this sender. */
  awaits(header: Header): boolean
  /** Whether this answers a request of ours that still waits for this sender. */
  asked(header: Header, part: MessagePart): boolean
}

/** What was found on the way, for the explanation and for what follows a refusal. */
export interface Trace {
  bundle?: Bundle
  place?: Place
  /** By whose clock its times are. */
  clock?: ClockOwner
  /** All grants that the proof led to. */
  grants?: readonly SignedStatement<Grant>[]
  chain?: NameChain
  /** Signature and digest held. */
  signed?: true
  messages?: readonly MessagePart[]
  basis?: Basis
  authority?: Authority
  onBehalfOf?: Name
  /** How the statuses of all issuers stand. */
  freshness?: Freshness
  /** Who approved it; their names and keys held, and their signatures. */
  approvers?: readonly Name[]
  decision?: PolicyDecision
  /** Gives back its place among what waits for a verdict. */
  leave?: () => void
  /** Of class `task`: those here who take it. */
  takers?: readonly Taker[]
}

/** A bundle that passed: every field of the trace is there. */
export type Accepted = Required<Omit<Trace, 'authority' | 'grants' | 'takers' | 'leave'>> &
  Pick<Trace, 'authority' | 'takers'>

/** The tasks of one agent, as far as a node's intake has to do with them. */
export interface TaskBook {
  /** Makes it, where it is not yet: a page downloads what keeps tasks. @throws Refusal `own-fault` */
  prepare?(): Promise<void>
  /** Whether this bundle is here, or being taken in. */
  has(bundle: Bundle): boolean
  /** Whether there is room for one more of its sender. */
  hasRoom(bundle: Bundle): boolean
  /** Keeps its place; false: it is here, or there is no room. @throws Refusal `duplicate` */
  reserve(bundle: Bundle, messageId: Uint8Array): boolean
  /** It was refused after its place was kept. */
  release(bundle: Bundle): void
  /** Stores and acknowledges it, and hands it out. @throws what the store throws */
  take(accepted: Accepted, endsAt: number, hand: (turn: Turn) => void): Promise<void>
  /** A copy of it came. */
  copy(bundle: Bundle): void
}

/** Whoever takes a task here. */
export interface Taker {
  readonly tasks?: TaskBook
  deliver(accepted: Accepted, turn: Turn): void
}

/** What the pipeline asks about a task: whether those here that it is for have it, or take it. */
export interface TaskBooks {
  /** Whoever is to have it gets ready to keep it. @throws AgentError `unreachable` */
  prepare(bundle: Bundle): Promise<void>
  /** Whether somebody does not have it yet. */
  isLacked(bundle: Bundle): boolean
  /** @throws Refusal `duplicate` if all have it; `table-full` if nobody who lacks it has room */
  checkEarly(bundle: Bundle): void
  /** Keeps its place with those who lack it and have room. @throws Refusal `duplicate`, `table-full` */
  reserve(bundle: Bundle, part: MessagePart, carrier: Carrier): readonly Taker[]
}
