import { setTimeout as sleep } from 'node:timers/promises'
import { RPC } from '@libp2p/gossipsub/message'
import type { Peer } from '@ixj/agent'
import type { Stream } from '@libp2p/interface'
import type { Mesh } from '../src/mesh.ts'
import type { Libp2pMesh } from '../src/mesh/libp2p-mesh.ts'
import { readFrames, sendRpc } from './mesh-attackers.ts'

/** A node's gossip by hand: it passes hello like any other, and then writes what a test wants. */
export interface GossipByHand {
  /** The newest gossip stream to each neighbour. */
  readonly streams: ReadonlyMap<Peer, Stream>
  /** What neighbours sent it. */
  readonly received: readonly RPC[]
}

/** Takes a node's gossip into one's hands, of neighbours that are yet to come. */
export function gossipByHand(mesh: Mesh): GossipByHand {
  const { router } = mesh as Libp2pMesh
  const streams = new Map<Peer, Stream>()
  const received: RPC[] = []
  const connect = router.connect.bind(router)
  router.connect = (neighbour, stream) => {
    streams.set(neighbour.peer, stream)
    connect(neighbour, stream)
  }
  const deliver = router.deliver.bind(router)
  router.deliver = (neighbour, stream) => {
    readFrames(stream, (frame) => void received.push(RPC.decode(frame)))
    deliver(neighbour, stream)
  }
  return { streams, received }
}

/**
 * Sends so many RPCs a second until the other side ends the stream, or the time is over; gives how
 * long that took, in ms.
 */
export async function flood(
  stream: Stream,
  make: (index: number) => Partial<RPC>,
  options: { readonly perSecond: number; readonly ms: number },
): Promise<number> {
  const began = performance.now()
  const elapsed = (): number => performance.now() - began
  for (let index = 0; stream.writeStatus === 'writable' && elapsed() < options.ms;) {
    const due = Math.floor((elapsed() * options.perSecond) / 1_000) + 1
    for (; index < due && stream.writeStatus === 'writable'; index++) sendRpc(stream, make(index))
    await sleep(5)
  }
  return elapsed()
}
