import { compareBytes, toHex } from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import { REPLAY_LANES_MAX, STATE_LIFESPAN_MS_MAX } from '../limits.ts'
import { Refusal } from './verdicts.ts'

interface Newest {
  readonly epoch: number
  readonly first: number
  readonly key: Uint8Array
  readonly until: number
}

/** The newest state of each sender on each topic: the highest (epoch, sequence, key) wins. */
export class StateTable {
  readonly #newest = new Map<string, Newest>()

  /** @throws Refusal `superseded`, `table-full` */
  check(header: Header): void {
    if (header.class !== 'state') return
    const known = this.#newest.get(`${header.topic}|${header.sender}`)
    if (known === undefined) {
      if (this.#newest.size < REPLAY_LANES_MAX) return
      throw new Refusal(
        'table-full',
        `Cannot follow another state: the limit is ${REPLAY_LANES_MAX}`,
      )
    }
    const order =
      header.epoch - known.epoch ||
      header.first - known.first ||
      compareBytes(header.key, known.key)
    if (order > 0) return
    throw new Refusal(
      'superseded',
      `Cannot accept state ${header.epoch}/${header.first} of ${header.sender}: ${known.epoch}/${known.first} by ${toHex(known.key).slice(0, 8)} is newer`,
    )
  }

  /** Remembers an accepted state. */
  write(header: Header): void {
    if (header.class !== 'state') return
    const { epoch, first, key } = header
    // As long as an older state may live, whatever the newer one's lifespan.
    const until = header.sentAt + STATE_LIFESPAN_MS_MAX
    this.#newest.set(`${header.topic}|${header.sender}`, { epoch, first, key, until })
  }

  /** Forgets states that ended long ago: older ones are past their lifespans too. */
  sweep(now: number, keepMs: number): void {
    for (const [key, newest] of this.#newest) {
      if (newest.until + keepMs < now) this.#newest.delete(key)
    }
  }
}
