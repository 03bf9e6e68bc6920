import type { Clock, Peer, Transport } from '@ixj/agent'
import type { Resolver } from '@ixj/dns'
import type { MeshCounts } from './counts.ts'
import type { Keeper } from './keeper.ts'
import type { LearnedStore } from './learned-peers.ts'

/** The protocols that every node has. */
export const MESH_PROTOCOLS_DEFAULT: readonly string[] = [
  '/ixj/hello/1',
  '/ixj/proof/1',
  '/ixj/deliver/1',
  '/ixj/sync/1',
  '/ixj/state/1',
  '/ixj/combine/1',
]

/** How a mesh is opened. */
export interface MeshOptions {
  /**
   * The libp2p peer key: an Ed25519 seed of 32 bytes, or libp2p's protobuf form; default: a new
   * one. A key of its own, never a name's key: names are proved in hello.
   */
  readonly privateKeyBytes?: Uint8Array
  /** Multiaddrs to listen on, such as `/ip4/127.0.0.1/tcp/0`; none means only to dial. */
  readonly listen: readonly string[]
  /** The closed list of channels that may be opened to us; default {@link MESH_PROTOCOLS_DEFAULT}. */
  readonly protocols?: readonly string[]
  /** Looks names in addresses up; default: the system, which nobody validates. */
  readonly resolver?: Resolver
  /** Where peers are remembered that keepers with `learn` have reached; default: nowhere. */
  readonly learned?: LearnedStore
  /** Times admission, held gossip, verdicts and redialling; default: the machine's clock. */
  readonly clock?: Clock
  /** Uniform in [0, 1): spreads redialling; default `Math.random`, since nothing secret needs it. */
  readonly random?: () => number
}

/** A transport over libp2p: TCP, noise, yamux, gossipsub behind both gates. */
export interface Mesh extends Transport {
  /** Where this node can be dialled: multiaddrs with `/p2p/` and its peer id. */
  readonly addresses: readonly string[]
  /** What was refused, dropped or ended so far, by reason. */
  readonly counts: Readonly<MeshCounts>
  /**
   * Connects once; resolves at once to a peer that is connected. With `/p2p/` in the address, only
   * that peer will do.
   * @throws TransportError `refused`, `closed`
   */
  dial(address: string, options?: { readonly signal?: AbortSignal }): Promise<Peer>
  /**
   * Dials the address now and, whenever the connection to the peer there has ended, again, for
   * ever, after 0.5 to 5 s. Disposing of the keeper stops that and leaves the connection alone.
   * With `learn`, the peer is dialled again after a restart, once it was admitted and unless the
   * keeper was disposed of before the mesh.
   * @throws TransportError `refused` if it is no address
   */
  keepDialing(address: string, options?: { readonly learn?: boolean }): Keeper
  isCrowded(topic: string): boolean
  /** The most bytes that wait to be sent to one neighbour: gossip and channels together. */
  waitingBytes(): number
  /** What gossip holds against a neighbour: 0 is nothing; below -80 nothing of it is read. */
  score(peer: Peer): number
}
