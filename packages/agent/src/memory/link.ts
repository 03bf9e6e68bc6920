import type { Clock } from '../clock.ts'
import { OUTBOUND_BYTES_MAX } from '../transport.ts'

/** How a memory network behaves. */
export interface MemoryConditions {
  /** Every delivery is a call of this clock; nothing happens between its calls. */
  readonly clock: Clock
  /** Uniform in [0, 1); a seeded one makes a run repeatable. */
  readonly random: () => number
  /** The least and the most time that anything takes from one node to the next. */
  readonly latencyMs: readonly [number, number]
  /** The chance, 0 to 1, that a message on a topic is lost at one hop. Channels lose nothing. */
  readonly loss: number
}

/**
 * One direction of a connection in memory: in order, like TCP, and bounded by
 * {@link OUTBOUND_BYTES_MAX} bytes under way.
 */
export class MemoryPipe {
  readonly #conditions: MemoryConditions
  #arrival = 0
  #bytes = 0
  #open = true

  constructor(conditions: MemoryConditions) {
    this.#conditions = conditions
  }

  /** Whether as many more bytes may be put under way. */
  hasRoom(bytes: number): boolean {
    return this.#open && this.#bytes + bytes <= OUTBOUND_BYTES_MAX
  }

  /**
   * Calls `arrive` one latency later, after all that was carried before; never, if the pipe is cut
   * by then. `arrive` gets `release`, to be called when the bytes no longer wait at the other side.
   */
  carry(bytes: number, arrive: (release: () => void) => void): void {
    if (!this.#open) return
    const { clock, random, latencyMs } = this.#conditions
    const [least, most] = latencyMs
    const time = clock.now() + least + Math.floor(random() * (most - least + 1))
    this.#arrival = Math.max(this.#arrival, time)
    this.#bytes += bytes
    clock.at(this.#arrival, () => {
      if (this.#open) arrive(() => (this.#bytes -= bytes))
    })
  }

  /** Loses what is under way, and takes nothing more. */
  cut(): void {
    this.#open = false
  }
}
