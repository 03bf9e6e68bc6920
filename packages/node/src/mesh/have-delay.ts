import type { Clock } from '@ixj/agent'
import { FORWARD_MS_MAX, FORWARD_MS_MIN, HAVE_SAMPLES_MAX } from './limits.ts'

/** One message in so many is timed: by its id, so that all nodes time the same ones. */
const SAMPLE = 8

/**
 * How long after this node its neighbours say that they have a message: learned from what they say,
 * as TCP learns when to send again. On a busy machine, or a long path, that is long.
 */
export class HaveDelay {
  readonly #clock: Clock
  /** When sampled messages came here, the oldest first. */
  readonly #cameAt = new Map<string, number>()
  #mean = 0
  #deviation = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** After so long most of those who have a message have said so, in ms. */
  get ms(): number {
    const ms = this.#mean + 4 * this.#deviation
    return Math.min(FORWARD_MS_MAX, Math.max(FORWARD_MS_MIN, ms))
  }

  /** A message came here. */
  came(id: Uint8Array): void {
    if (!isSampled(id)) return
    this.#cameAt.set(textOf(id), this.#clock.now())
    const oldest = this.#cameAt.keys().next()
    if (this.#cameAt.size > HAVE_SAMPLES_MAX && oldest.done !== true) {
      this.#cameAt.delete(oldest.value)
    }
  }

  /** A neighbour says that it has a message; earlier than we do, that tells nothing. */
  said(id: Uint8Array): void {
    if (!isSampled(id)) return
    const cameAt = this.#cameAt.get(textOf(id))
    if (cameAt === undefined) return
    const ms = Math.min(FORWARD_MS_MAX, this.#clock.now() - cameAt)
    this.#deviation += (Math.abs(ms - this.#mean) - this.#deviation) / 16
    this.#mean += (ms - this.#mean) / 16
  }
}

function isSampled(id: Uint8Array): boolean {
  return (id[0] ?? 0) % SAMPLE === 0
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')
}
