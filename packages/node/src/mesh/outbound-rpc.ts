import type { RPC } from '@libp2p/gossipsub/message'
import { RPC_CONTROL_MAX, RPC_IDS_MAX, RPC_SUBSCRIPTIONS_MAX } from './limits.ts'
import type { Rights } from './rights.ts'
import { parseWireTopic } from './wire-topic.ts'

/**
 * The part of an RPC that a neighbour may get: subscriptions that it may know of, messages and
 * IHAVE of topics that it may receive (answers to IWANT included). What it is told is written down
 * in `rights.told`.
 */
export function filterOutbound(rpc: RPC, rights: Rights): RPC {
  return {
    subscriptions: rpc.subscriptions.filter((entry) => mayBeTold(entry, rights)),
    messages: rpc.messages.filter((message) => has(rights.allowed, message.topic)),
    ...(rpc.control === undefined ? {} : { control: filterControl(rpc.control, rights) }),
  }
}

function mayBeTold(entry: RPC.SubOpts, rights: Rights): boolean {
  const topic = parseWireTopic(entry.topic)
  if (topic === undefined) return false
  if (entry.subscribe !== true) return rights.told.delete(topic)
  if (!rights.announced.has(topic)) return false
  rights.told.add(topic)
  return true
}

function filterControl(control: RPC.ControlMessage, rights: Rights): RPC.ControlMessage {
  return {
    ihave: (control.ihave ?? []).filter((entry) => has(rights.allowed, entry.topicID)),
    iwant: control.iwant ?? [],
    graft: (control.graft ?? []).filter((entry) => has(rights.allowed, entry.topicID)),
    prune: (control.prune ?? []).filter((entry) => has(rights.announced, entry.topicID)),
    idontwant: control.idontwant ?? [],
  }
}

function has(topics: ReadonlySet<string>, wire: string | undefined): boolean {
  const topic = parseWireTopic(wire)
  return topic !== undefined && topics.has(topic)
}

/**
 * Splits an RPC into ones that a neighbour with our limits takes: it throws a larger one away
 * whole. gossipsub itself puts all subscriptions, or the answers to all of an IWANT, into one.
 */
export function splitRpc(rpc: RPC): readonly RPC[] {
  const parts: RPC[] = []
  for (const subscriptions of chunks(rpc.subscriptions, RPC_SUBSCRIPTIONS_MAX)) {
    parts.push({ subscriptions, messages: [] })
  }
  for (const message of rpc.messages) parts.push({ subscriptions: [], messages: [message] })
  if (rpc.control === undefined) return parts
  for (const part of splitControl(rpc.control)) {
    parts.push({ subscriptions: [], messages: [], control: part })
  }
  return parts
}

function splitControl(control: RPC.ControlMessage): readonly RPC.ControlMessage[] {
  const none = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] }
  const parts: RPC.ControlMessage[] = []
  for (const entry of control.ihave) {
    for (const messageIDs of chunks(entry.messageIDs, RPC_IDS_MAX)) {
      parts.push({ ...none, ihave: [{ ...entry, messageIDs }] })
    }
  }
  for (const entry of control.iwant) {
    for (const messageIDs of chunks(entry.messageIDs, RPC_IDS_MAX)) {
      parts.push({ ...none, iwant: [{ messageIDs }] })
    }
  }
  for (const entry of control.idontwant) {
    // One without ids says something of its own.
    if (entry.messageIDs.length === 0) parts.push({ ...none, idontwant: [entry] })
    for (const messageIDs of chunks(entry.messageIDs, RPC_IDS_MAX)) {
      parts.push({ ...none, idontwant: [{ messageIDs }] })
    }
  }
  for (const graft of chunks(control.graft, RPC_CONTROL_MAX)) parts.push({ ...none, graft })
  for (const prune of chunks(control.prune, RPC_CONTROL_MAX)) parts.push({ ...none, prune })
  return parts
}

function* chunks<T>(list: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size)
}
