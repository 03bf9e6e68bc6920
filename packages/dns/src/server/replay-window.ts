import { TSIG_FUDGE_SECONDS } from '../tsig.ts'
import { REPLAYS_MAX } from './limits.ts'

/** A request that was taken, and its answer, perhaps not there yet. */
interface Taken {
  /** Seconds, as its sender signed it. */
  readonly time: number
  readonly answer: Promise<Uint8Array>
}

/**
 * Signed requests that were taken. A signature counts for minutes, so whoever saw an update pass
 * could send it again and bring back a key that was removed since; RFC 8945 section 5.2.3 leaves
 * the cure to the server. A request is known by its MAC, and is carried out once: a copy, such as
 * a client sends when an answer was lost, gets the first one's answer. When the window is full,
 * times as old as those that it forgot do not count any more.
 */
export class ReplayWindow {
  // In the order of arrival, the oldest first.
  readonly #taken = new Map<string, Taken>()
  readonly #max: number
  #floor = -Infinity

  constructor(max = REPLAYS_MAX) {
    this.#max = max
  }

  /** The answer to a request, from `work` the first time; undefined if it is too old to know. */
  once(
    request: { readonly mac: Uint8Array; readonly time: number },
    now: number,
    work: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> | undefined {
    this.#forgetOld(now)
    const { mac, time } = request
    const id = Buffer.from(mac.buffer, mac.byteOffset, mac.byteLength).toString('latin1')
    const known = this.#taken.get(id)
    if (known !== undefined) return known.answer
    if (time <= this.#floor) return undefined
    const answer = work()
    this.#taken.set(id, { time, answer })
    return answer
  }

  #forgetOld(now: number): void {
    // The clock of a sender may be ahead by the fudge, and the signature counts as long after.
    const oldest = Math.floor(now / 1_000) - TSIG_FUDGE_SECONDS
    for (const [id, { time }] of this.#taken) {
      const isFull = this.#taken.size >= this.#max
      if (time >= oldest && !isFull) return
      this.#taken.delete(id)
      if (isFull && time > this.#floor) this.#floor = time
    }
  }
}
