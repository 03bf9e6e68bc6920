import type { Clock } from '@ixj/agent'
import type { Connection } from '@libp2p/interface'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import { LAST_WORDS_MS, PING_MS, PINGS_UNANSWERED_MAX } from './limits.ts'
import type { Neighbour } from './neighbour.ts'

/** The parts of a connection's yamux (8.0.1, pinned) by which it is seen to live. */
interface Multiplexer {
  onData(data: unknown): void
  /** Writes one frame, which the other side answers by one. Rejects where the connection is ending. */
  ping(options?: { readonly signal: AbortSignal }): Promise<number>
}

/** What a pulse is taken of. */
export interface PulseHost {
  readonly clock: Clock
  readonly counts: MeshCounts
  values(): Iterable<Neighbour>
  /** Nothing comes from the neighbour any more. */
  silent(neighbour: Neighbour, reason: Error): void
}

/** What came over one connection lately. */
interface Beat {
  readonly multiplexer: Multiplexer
  heard: boolean
  unanswered: number
}

/**
 * Whether neighbours live. Whatever comes over a connection is a sign; only where nothing has come
 * for {@link PING_MS} is one asked for, by a frame of 12 bytes. Nearly every neighbour says something
 * in that time, so in a mesh of many a sign of life costs nothing.
 */
export class Pulse {
  readonly #host: PulseHost
  readonly #beats = new WeakMap<Connection, Beat>()
  #cancel: () => void

  constructor(host: PulseHost) {
    this.#host = host
    this.#cancel = this.#later()
  }

  /** A connection is used from now on. */
  begin(connection: Connection): void {
    const { muxer } = connection as { readonly muxer?: Multiplexer }
    if (typeof muxer?.onData !== 'function' || typeof muxer.ping !== 'function') {
      throw new Error('This yamux is not the one that is pinned: it has no onData and no ping')
    }
    if (this.#beats.has(connection)) return
    const beat: Beat = { multiplexer: muxer, heard: true, unanswered: 0 }
    const take = muxer.onData.bind(muxer)
    muxer.onData = (data) => {
      beat.heard = true
      take(data)
    }
    this.#beats.set(connection, beat)
  }

  /**
   * Resolves when the other side has read what was sent until now, or does not in
   * {@link LAST_WORDS_MS}: its answer comes after all that it read before.
   */
  async read(connection: Connection): Promise<void> {
    const multiplexer = this.#beats.get(connection)?.multiplexer
    const options = { signal: AbortSignal.timeout(LAST_WORDS_MS) }
    // The first may join one that is on its way, and was sent before.
    await multiplexer?.ping(options)
    await multiplexer?.ping(options)
  }

  /** Nothing is asked for any more: this node is ending. */
  end(): void {
    this.#cancel()
  }

  #later(): () => void {
    const { clock } = this.#host
    return clock.at(clock.now() + PING_MS, () => {
      this.#cancel = this.#later()
      for (const neighbour of this.#host.values()) {
        void contain(this.#host.counts, () => this.#look(neighbour))
      }
    })
  }

  async #look(neighbour: Neighbour): Promise<void> {
    const beat = this.#beats.get(neighbour.connection)
    if (beat === undefined) return
    if (beat.heard) {
      beat.heard = false
      beat.unanswered = 0
      return
    }
    if (beat.unanswered === PINGS_UNANSWERED_MAX) {
      this.#host.counts.silent++
      const ms = PINGS_UNANSWERED_MAX * PING_MS
      this.#host.silent(neighbour, new Error(`It has answered no ping for ${ms} ms`))
      return
    }
    beat.unanswered++
    // Its answer is heard like all that comes.
    await beat.multiplexer.ping()
  }
}
