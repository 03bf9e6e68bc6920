import type { GossipCounts } from '../gossip/gossip.ts'
import type { GossipFrame } from '../gossip/link.ts'
import type { LinkedNeighbour } from '../gossip/linked-neighbour.ts'
import { type Arrival, checkMessageSize, LinkedTransport } from '../gossip/linked-transport.ts'
import {
  HELLO_PROTOCOL,
  OUTBOUND_BYTES_MAX,
  type Peer,
  SEEN_MS,
  TransportError,
} from '../transport.ts'
import { MemoryChannel } from './channel.ts'
import type { MemoryLink } from './memory-link.ts'
import type { MemoryConditions } from './pipe.ts'

/** A message that comes twice comes again within this: past {@link SEEN_MS} it is read again. */
const REPEAT_MS_MAX = 2 * SEEN_MS

/** What a node refused, threw away or lost, by reason. */
export interface MemoryCounts extends GossipCounts {
  /** Messages lost on the way here, as the network's `loss` asks for. */
  lost: number
  /** Messages that came twice, as its `repeats` asks for. */
  repeated: number
}

/** What a node needs of its network. */
export interface MemoryWorld {
  readonly conditions: MemoryConditions
  /** Connects two nodes by their labels. */
  connect(from: Peer, to: Peer): void
  /** This node has ended. */
  remove(node: MemoryNode): void
}

/** One node of a memory network. */
export class MemoryNode extends LinkedTransport<MemoryLink> {
  readonly #world: MemoryWorld
  readonly #protocols: readonly string[]
  readonly #blame = new Map<Peer, number>()
  #lost = 0
  #repeated = 0

  constructor(peer: Peer, world: MemoryWorld, protocols: readonly string[]) {
    // What is under way has the one limit here, whoever it waits for.
    super({ peer, clock: world.conditions.clock, idOf, heldBytesMax: OUTBOUND_BYTES_MAX })
    this.#world = world
    this.#protocols = protocols
  }

  override get counts(): Readonly<MemoryCounts> {
    return { ...super.counts, lost: this.#lost, repeated: this.#repeated }
  }

  /** How many rejected messages this neighbour brought, over all its connections. */
  override blame(peer: Peer): number {
    return this.#blame.get(peer) ?? 0
  }

  protected override blamed({ peer }: LinkedNeighbour): void {
    this.#blame.set(peer, this.blame(peer) + 1)
  }

  /**
   * Connects to the node with this label; does nothing if a connection stands or is under way.
   * @throws TransportError `no-peer`, `closed`
   */
  connect(peer: Peer): void {
    this.throwIfClosed()
    this.#world.connect(this.peer, peer)
  }

  /**
   * Sends a message to one neighbour whatever that has joined, as hostile nodes do; no honest node
   * has a use for it, so it is no part of `Transport`.
   * @throws TransportError `no-peer`, `too-large`, `backpressure`
   */
  push(peer: Peer, topic: string, bytes: Uint8Array): void {
    const neighbour = this.neighbours.get(peer)
    if (neighbour === undefined) {
      throw new TransportError('no-peer', `Cannot push on "${topic}": "${peer}" is not connected`)
    }
    checkMessageSize(topic, bytes)
    if (this.hand(neighbour, { kind: 'message', topic, bytes: bytes.slice() })) return
    throw new TransportError('backpressure', `Cannot push on "${topic}": no room for "${peer}"`)
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    this.#world.remove(this)
  }

  /** A connection stands, as the network tells it. */
  met(peer: Peer, link: MemoryLink, initiator: boolean): LinkedNeighbour<MemoryLink> {
    return this.meet(peer, link, initiator)
  }

  override heard(
    neighbour: LinkedNeighbour<MemoryLink>,
    frame: GossipFrame,
    arrival: Arrival,
  ): void {
    if (frame.kind !== 'message') return super.heard(neighbour, frame, arrival)
    const { random, link, clock } = this.#world.conditions
    const { loss, repeats } = link(neighbour.peer, this.peer)
    if (loss > 0 && random() < loss) {
      this.#lost += 1
      arrival.release?.()
      return
    }
    super.heard(neighbour, frame, arrival)
    if (repeats === 0 || random() >= repeats) return
    clock.at(clock.now() + Math.floor(random() * REPEAT_MS_MAX), () => {
      if (this.neighbours.get(neighbour.peer) !== neighbour) return
      this.#repeated += 1
      super.heard(neighbour, frame, { bytes: 0 })
    })
  }

  /** A neighbour offers a channel; returns whether it was taken. */
  offered(neighbour: LinkedNeighbour<MemoryLink>, protocol: string, far: MemoryChannel): boolean {
    if (!this.#protocols.includes(protocol)) return false
    if (!neighbour.admitted && protocol !== HELLO_PROTOCOL) return false
    if (neighbour.link.isFull) return false
    const near = neighbour.link.newChannel()
    MemoryChannel.join(near, far)
    this.owner().channel(neighbour.peer, protocol, near)
    return true
  }
}

/** What separates one message from every other: its topic (names hold no space) and all bytes. */
function idOf(topic: string, bytes: Uint8Array): string {
  let id = `${topic} `
  // In pieces, since the number of arguments of a call is limited.
  for (let start = 0; start < bytes.length; start += 4096) {
    id += String.fromCharCode(...bytes.subarray(start, start + 4096))
  }
  return id
}
