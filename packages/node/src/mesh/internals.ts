import type { GossipSub, PublishResult, TopicValidatorResult } from '@libp2p/gossipsub'
import type { RPC } from '@libp2p/gossipsub/message'
import type { PeerScore } from '@libp2p/gossipsub/score'
import type { PeerId } from '@libp2p/interface'

/**
 * The parts of gossipsub 17.1.1 that the gates stand on. Its types hide some of them; the package
 * is pinned to this version, and {@link internalsOf} fails at once if one is missing.
 */
export interface GossipInternals {
  /** What a stream's negotiation offers; changed before the start. */
  protocols: string[]
  readonly score: PeerScore
  /** Topic to the peers that messages are forwarded to. */
  readonly mesh: ReadonlyMap<string, Set<string>>
  /** Topic to the peers that messages are published to without having joined. */
  readonly fanout: ReadonlyMap<string, Set<string>>
  /** Peers that gossipsub can send to. */
  readonly streamsOutbound: ReadonlyMap<string, unknown>
  /** Peer to IHAVE that the next RPC carries along. */
  readonly gossip: Map<string, RPC.ControlIHave[]>
  /** Peer to GRAFT and PRUNE that could not be sent. */
  readonly control: Map<string, RPC.ControlMessage>
  /** From how many bytes on a message is told of by IDONTWANT, and how many ids are heard in 1 s. */
  readonly opts: { idontwantMinDataSize: number; idontwantMaxMessages: number }
  /** A message's id as it stands in its tables. */
  msgIdToStrFn(id: Uint8Array): string
  /** Messages of the last seconds, the newest heartbeat's first. */
  readonly mcache: {
    readonly history: readonly (readonly CachedId[])[]
    readonly msgs: ReadonlyMap<
      string,
      { readonly message: RPC.Message; readonly validated: boolean }
    >
    /** The ids that are offered at a heartbeat, by these topics. */
    getGossipIDs(topics: ReadonlySet<string>): Map<string, Uint8Array[]>
  }
  /** Messages that came, by that. */
  readonly seenCache: { has(id: string): boolean }
  /** What a neighbour is asked for of what it offers. */
  handleIHave(peer: string, offers: RPC.ControlIHave[]): RPC.ControlIWant[]
  /** Does what a neighbour's control asks for, and asks it in turn; what is offered comes first. */
  handleControlMessage(peer: string, control: RPC.ControlMessage): Promise<void>
  /** Tells the mesh of a topic that this node has a message; it would send an RPC for each. */
  sendIDontWants(id: Uint8Array, topic: string, source: string): void
  /** The one way by which an RPC leaves. */
  sendRpc(peer: string, rpc: RPC): boolean
  /** Throws on what is no RPC, or holds more than the limits of the profile. */
  decodeRpc(bytes: Uint8Array): RPC
  /** The one way by which an RPC comes in. Subscriptions are handled before its first await. */
  handleReceivedRpc(from: PeerId, rpc: RPC): Promise<void>
  /** Forgets a peer: on disconnection, or when its stream could not be read. */
  removePeer(peer: PeerId): void
  getScore(peer: string): number
  publish(
    topic: string,
    data: Uint8Array,
    options: { readonly allowPublishToZeroTopicPeers: boolean },
  ): Promise<PublishResult>
  reportMessageValidationResult(id: string, source: string, result: `${TopicValidatorResult}`): void
}

/** A message that gossipsub keeps, and where it belongs. */
export interface CachedId {
  readonly msgId: Uint8Array
  readonly msgIdStr: string
  readonly topic: string
}

const METHODS = [
  'msgIdToStrFn',
  'handleIHave',
  'handleControlMessage',
  'sendIDontWants',
  'sendRpc',
  'decodeRpc',
  'handleReceivedRpc',
  'removePeer',
  'getScore',
  'publish',
  'reportMessageValidationResult',
] as const

const MAPS = ['mesh', 'fanout', 'streamsOutbound', 'gossip', 'control'] as const

/** Gives access to the parts that the gates need. Throws a plain Error if this is another version. */
export function internalsOf(gossip: GossipSub): GossipInternals {
  const internals = gossip as unknown as GossipInternals
  const missing = [
    ...METHODS.filter((name) => typeof internals[name] !== 'function'),
    ...MAPS.filter((name) => !(internals[name] instanceof Map)),
    ...(typeof internals.opts?.idontwantMinDataSize === 'number' ? [] : ['opts']),
    ...(typeof internals.mcache?.getGossipIDs === 'function' ? [] : ['mcache']),
    ...(typeof internals.seenCache?.has === 'function' ? [] : ['seenCache']),
    ...(typeof internals.score?.rejectInvalidMessage === 'function' ? [] : ['score']),
  ]
  if (missing.length === 0) return internals
  throw new Error(`This gossipsub is not 17.1.1: it has no ${missing.join(', ')}`)
}
