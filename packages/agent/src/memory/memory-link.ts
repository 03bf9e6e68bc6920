import type { Arrival } from '../gossip/linked-transport.ts'
import type { GossipFrame, GossipMessage, GossipWish, Link } from '../gossip/link.ts'
import { type Channel, type Peer, TransportError } from '../transport.ts'
import { MemoryChannel } from './channel.ts'
import type { MemoryPipe } from './pipe.ts'

/** Channels between two neighbours that may be open at once, whoever opened them. */
export const MEMORY_CHANNELS_MAX = 64

/** The two directions of a connection, and what happens at its other end. */
export interface MemoryEnds {
  readonly out: MemoryPipe
  readonly back: MemoryPipe
  /** Gossip arrives at the other side. */
  readonly arrive: (frame: GossipFrame, arrival: Arrival) => void
  /** The other side is offered a channel; whether it takes it. */
  readonly offer: (protocol: string, near: MemoryChannel) => boolean
  /** Ends the connection for both. */
  end(): void
}

/** A connection in memory as one of its two nodes sees it. */
export class MemoryLink implements Link {
  readonly #peer: Peer
  readonly #ends: MemoryEnds
  readonly #channels = new Set<MemoryChannel>()
  /** Fails what waits for the other side to take a channel. */
  readonly #openings = new Set<() => void>()

  constructor(peer: Peer, ends: MemoryEnds) {
    this.#peer = peer
    this.#ends = ends
  }

  /** Whether no more channels may be open. */
  get isFull(): boolean {
    return this.#channels.size >= MEMORY_CHANNELS_MAX
  }

  tell(wish: GossipWish): void {
    this.#send(wish, 0)
  }

  hand(message: GossipMessage): boolean {
    const { length } = message.bytes
    if (!this.#ends.out.hasRoom(length)) return false
    this.#send(message, length)
    return true
  }

  async openChannel(protocol: string, signal?: AbortSignal): Promise<Channel> {
    const peer = this.#peer
    const refusal = `"${peer}" does not take a channel "${protocol}" now`
    if (this.isFull) throw new TransportError('refused', refusal)
    const near = this.newChannel()
    const { promise, resolve, reject } = Promise.withResolvers<Channel>()
    const ended = (): void =>
      reject(new TransportError('closed', `Cannot open "${protocol}": "${peer}" has gone`))
    const aborted = (): void => {
      void near.close()
      reject(signal?.reason)
    }
    this.#openings.add(ended)
    signal?.addEventListener('abort', aborted, { once: true })
    const { out, back, offer } = this.#ends
    out.carry(0, () => {
      const taken = offer(protocol, near)
      back.carry(0, () => {
        if (taken) return resolve(near)
        near.finish({})
        reject(new TransportError('refused', refusal))
      })
    })
    try {
      return await promise
    } finally {
      this.#openings.delete(ended)
      signal?.removeEventListener('abort', aborted)
    }
  }

  /** One end of a channel; it takes of the room for channels until it ends. */
  newChannel(): MemoryChannel {
    const channel = new MemoryChannel(this.#ends.out, () => this.#channels.delete(channel))
    this.#channels.add(channel)
    return channel
  }

  end(): void {
    this.#ends.end()
  }

  finish(): void {
    for (const ended of this.#openings) ended()
    const error = new TransportError('closed', `The connection to "${this.#peer}" has ended`)
    for (const channel of this.#channels) channel.finish({ error })
  }

  #send(frame: GossipFrame, bytes: number): void {
    const { out, arrive } = this.#ends
    out.carry(bytes, (release) => arrive(frame, { bytes, release }))
  }
}
