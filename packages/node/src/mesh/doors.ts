import {
  type Channel,
  type Clock,
  HELD_GOSSIP_MS_MAX,
  HELLO_PROTOCOL,
  type Receiver,
  TransportError,
} from '@ixj/agent'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { StreamChannel } from './channel.ts'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import { GOSSIP_PROTOCOL } from './gossip-profile.ts'
import { CHANNELS_MAX, GOSSIP_ENDED_MS } from './limits.ts'
import type { Neighbour } from './neighbour.ts'
import type { Neighbours } from './neighbours.ts'
import type { Router } from './router.ts'
import { spareWindowUpdates } from './window-updates.ts'

/** What the doors need of the mesh. */
export interface DoorsHost {
  readonly clock: Clock
  readonly counts: MeshCounts
  readonly neighbours: Neighbours
  readonly router: Router
  receiver(): Receiver
}

/**
 * The first gate: which streams of a neighbour come in, and when. Before admission that is the
 * hello channel alone; gossip is held, not refused, since it would never be opened again.
 */
export class Doors {
  readonly #host: DoorsHost

  constructor(host: DoorsHost) {
    this.#host = host
  }

  /** Takes channels of this protocol. */
  async open(libp2p: Libp2p, protocol: string): Promise<void> {
    const options = {
      maxInboundStreams: CHANNELS_MAX,
      maxOutboundStreams: CHANNELS_MAX,
      runOnLimitedConnection: false,
    }
    const take = (stream: Stream, connection: Connection): void =>
      void contain(
        this.#host.counts,
        () => this.#onChannel(protocol, stream, connection),
        (cause) => stream.abort(new Error('It could not be taken', { cause })),
      )
    await libp2p.handle(protocol, take, options)
  }

  async openChannel(
    neighbour: Neighbour,
    protocol: string,
    signal: AbortSignal | undefined,
  ): Promise<Channel> {
    try {
      const options = signal === undefined ? {} : { signal }
      const stream = await neighbour.connection.newStream([protocol], options)
      return this.#channel(neighbour, stream)
    } catch (cause) {
      signal?.throwIfAborted()
      const isThere = this.#host.neighbours.get(neighbour.peer) === neighbour
      const code = isThere && neighbour.connection.status === 'open' ? 'refused' : 'closed'
      throw new TransportError(code, `Cannot open "${protocol}" to ${neighbour.peer}`, { cause })
    }
  }

  /** Opens the gate: our gossip stream first, then the one that was held. */
  admit(neighbour: Neighbour): void {
    if (neighbour.admitted) return
    neighbour.admitted = true
    this.#contain(neighbour, () => this.#openGossip(neighbour))
  }

  /** A neighbour has opened its gossip stream. */
  onGossip(stream: Stream, connection: Connection): void {
    const neighbour = this.#host.neighbours.using(connection)
    if (neighbour === undefined || neighbour.gossipIn !== undefined) {
      stream.abort(new Error('No gossip is taken here'))
      return
    }
    neighbour.gossipIn = stream
    spareWindowUpdates(stream)
    this.#contain(neighbour, () => this.#takeGossip(neighbour, stream))
  }

  #takeGossip(neighbour: Neighbour, stream: Stream): void {
    this.#watch(neighbour, stream)
    if (neighbour.stage === 'open') {
      this.#host.router.deliver(neighbour, stream)
      return
    }
    // Unread, so that the other side waits instead of filling our memory.
    stream.pause()
    const { clock, counts, neighbours } = this.#host
    const cancel = clock.at(clock.now() + HELD_GOSSIP_MS_MAX, () => {
      if (neighbour.stage === 'open') return
      counts.notAdmitted++
      neighbours.cut(neighbour, new Error('Its gossip was held too long'))
    })
    neighbour.onEnd.add(cancel)
  }

  async #openGossip(neighbour: Neighbour): Promise<void> {
    neighbour.stage = 'opening'
    let stream: Stream
    try {
      stream = await neighbour.connection.newStream([GOSSIP_PROTOCOL])
    } catch (cause) {
      // A neighbour without gossip is of no use, and would be counted on.
      this.#end(neighbour, new Error('It takes no gossip', { cause }))
      return
    }
    if (this.#host.neighbours.get(neighbour.peer) !== neighbour) {
      stream.abort(new Error('The connection has ended'))
      return
    }
    this.#watch(neighbour, stream)
    this.#host.router.connect(neighbour, stream)
    if (neighbour.gossipIn?.readStatus !== 'paused') return
    this.#host.router.deliver(neighbour, neighbour.gossipIn)
    neighbour.gossipIn.resume()
  }

  /** Pitfall 9: gossipsub never opens a stream again, so the connection must be made anew. */
  #watch(neighbour: Neighbour, stream: Stream): void {
    const { clock } = this.#host
    let ended = false
    const onEnd = (): void => {
      if (ended || this.#host.neighbours.get(neighbour.peer) !== neighbour) return
      ended = true
      const cancel = clock.at(clock.now() + GOSSIP_ENDED_MS, () =>
        this.#end(neighbour, new Error('Its gossip stream has ended')),
      )
      neighbour.onEnd.add(cancel)
    }
    stream.addEventListener('close', onEnd, { once: true })
    stream.addEventListener('remoteCloseWrite', onEnd, { once: true })
    // It may have ended before anybody listened.
    if (stream.status !== 'open' || stream.remoteWriteStatus === 'closed') onEnd()
  }

  /** A failure here is of one neighbour's gossip, and ends its connection alone. */
  #contain(neighbour: Neighbour, call: () => unknown): void {
    void contain(this.#host.counts, call, (cause) =>
      this.#end(neighbour, new Error('Its gossip failed', { cause })),
    )
  }

  #end(neighbour: Neighbour, reason: Error): void {
    if (this.#host.neighbours.get(neighbour.peer) !== neighbour) return
    this.#host.counts.gossipEnded++
    this.#host.neighbours.cut(neighbour, reason)
  }

  #onChannel(protocol: string, stream: Stream, connection: Connection): void {
    const neighbour = this.#host.neighbours.using(connection)
    if (neighbour === undefined || (!neighbour.admitted && protocol !== HELLO_PROTOCOL)) {
      this.#host.counts.channelsRefused++
      stream.abort(new Error(`"${protocol}" is not taken before admission`))
      return
    }
    this.#host.receiver().channel(neighbour.peer, protocol, this.#channel(neighbour, stream))
  }

  #channel(neighbour: Neighbour, stream: Stream): StreamChannel {
    const channel = new StreamChannel(stream)
    neighbour.channels.add(channel)
    stream.addEventListener('close', () => neighbour.channels.delete(channel), { once: true })
    return channel
  }
}
