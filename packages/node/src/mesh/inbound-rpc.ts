import { MESSAGE_BYTES_MAX } from '@ixj/agent'
import type { RPC } from '@libp2p/gossipsub/message'
import type { MeshCounts } from './counts.ts'
import { IDS_PER_CONTROL } from './limits.ts'
import type { Rights } from './rights.ts'
import { parseWireTopic } from './wire-topic.ts'

/** Why an entry of an RPC is dropped. */
export type InboundFault = keyof Pick<
  MeshCounts,
  'unjoined' | 'malformed' | 'withoutRight' | 'heldRefused'
>

/** What the second gate does with an RPC that came in. */
export interface InboundGate {
  /** An entry is dropped, and counted. */
  refuse(reason: InboundFault): void
  /** Whether this node has joined the topic. */
  isJoined(topic: string): boolean
  /** A subscription without a right is now held. */
  held(topic: string): void
  /** A message that no peer of ours would send. */
  invalid(wireTopic: string): void
}

/**
 * The part of an RPC that gossipsub may see. SUBSCRIBE and GRAFT need the right to receive the
 * topic; IHAVE and PRUNE that the peer may know of it, since an answer to them would tell; messages
 * need only that we have joined, since the verdict decides about them. IWANT passes: the answers
 * are filtered on their way out.
 */
export function filterInbound(rpc: RPC, rights: Rights, gate: InboundGate): RPC {
  return {
    subscriptions: (rpc.subscriptions ?? []).filter((entry) =>
      passesSubscription(entry, rights, gate),
    ),
    messages: (rpc.messages ?? []).filter((message) => passesMessage(message, gate)),
    ...(rpc.control === undefined ? {} : { control: filterControl(rpc.control, rights, gate) }),
  }
}

function passesSubscription(entry: RPC.SubOpts, rights: Rights, gate: InboundGate): boolean {
  const topic = parseWireTopic(entry.topic)
  if (topic === undefined) {
    gate.refuse('malformed')
    return false
  }
  if (entry.subscribe !== true) {
    rights.held.delete(topic)
    return rights.subscribed.has(topic)
  }
  if (rights.allowed.has(topic)) return true
  const isNew = !rights.held.has(topic)
  if (!rights.hold(topic)) gate.refuse('heldRefused')
  else if (isNew) gate.held(topic)
  return false
}

function passesMessage(message: RPC.Message, gate: InboundGate): boolean {
  const topic = parseWireTopic(message.topic)
  // Before gossipsub sees it: its seen-cache is filled for any topic, before any check, so junk on
  // a topic that nobody joined could make a genuine message a duplicate.
  if (topic === undefined || !gate.isJoined(topic)) {
    gate.refuse('unjoined')
    return false
  }
  // gossipsub ignores `from` and would forward it: a way to spread bytes that nobody signed.
  if (message.from !== undefined || (message.data?.length ?? 0) > MESSAGE_BYTES_MAX) {
    gate.refuse('malformed')
    gate.invalid(message.topic)
    return false
  }
  return true
}

function filterControl(
  control: RPC.ControlMessage,
  rights: Rights,
  gate: InboundGate,
): RPC.ControlMessage {
  const passes =
    (topics: ReadonlySet<string>) =>
    (entry: { readonly topicID?: string }): boolean => {
      const topic = parseWireTopic(entry.topicID)
      if (topic !== undefined && topics.has(topic)) return true
      gate.refuse('withoutRight')
      return false
    }
  return {
    ihave: (control.ihave ?? []).filter(passes(rights.announced)),
    iwant: control.iwant ?? [],
    graft: (control.graft ?? []).filter(passes(rights.allowed)),
    prune: (control.prune ?? []).filter(passes(rights.announced)),
    idontwant: control.idontwant ?? [],
  }
}

/** Stands for what could not be decoded. */
export const UNDECODABLE: RPC = { subscriptions: [], messages: [] }

/** How much of control an RPC that came holds, in the units of CONTROL_PER_SECOND_MAX. */
export function controlOf(rpc: RPC): number {
  if (rpc === UNDECODABLE) return 1
  const { ihave = [], iwant = [], idontwant = [], graft = [], prune = [] } = rpc.control ?? {}
  const lists = [...ihave, ...iwant, ...idontwant]
  const ids = lists.reduce((sum, { messageIDs }) => sum + messageIDs.length, 0)
  const entries = Math.max(lists.length, Math.ceil(ids / IDS_PER_CONTROL))
  return (rpc.subscriptions?.length ?? 0) + graft.length + prune.length + entries
}
