import type { Clock } from '../clock.ts'
import { OUTBOUND_BYTES_MAX } from '../transport.ts'

/** How good the way between two nodes is. */
export interface LinkConditions {
  /** The least and the most time that anything takes from one node to the next. */
  readonly latencyMs: readonly [number, number]
  /** The chance, 0 to 1, that a message on a topic is lost at one hop. Channels lose nothing. */
  readonly loss: number
  /** The chance, 0 to 1, that a message on a topic arrives twice. */
  readonly repeats: number
  /**
   * The chance, 0 to 1, that a packet is lost. A connection sends it again {@link RESEND_MS} later,
   * and everything behind it waits: loss shows as delay.
   */
  readonly packetLoss: number
}

/** What a memory network runs on. */
export interface MemoryConditions {
  /** Every delivery is a call of this clock; nothing happens between its calls. */
  readonly clock: Clock
  /** Uniform in [0, 1); a seeded one makes a run repeatable. */
  readonly random: () => number
  /** How good the way from one node to another is now. */
  readonly link: (from: string, to: string) => LinkConditions
}

/** The least time after which TCP sends a lost packet again (Linux); doubled for each further loss. */
export const RESEND_MS = 200

/** A packet that was lost so often in a row arrives: at 5 % loss, one in 160,000 would be longer. */
const RESENDS_MAX = 3

/**
 * One direction of a connection in memory: in order, like TCP, and bounded by
 * {@link OUTBOUND_BYTES_MAX} bytes under way.
 */
export class MemoryPipe {
  readonly #conditions: MemoryConditions
  readonly #link: () => LinkConditions
  /** What is under way, the first to arrive first. */
  readonly #underWay: (() => void)[] = []
  #isStalled = false
  /** Arrivals that were due while nothing passed. */
  #due = 0
  #arrival = 0
  #bytes = 0
  #open = true

  constructor(conditions: MemoryConditions, link: () => LinkConditions) {
    this.#conditions = conditions
    this.#link = link
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
    const { clock } = this.#conditions
    this.#arrival = Math.max(this.#arrival, clock.now() + this.#delay())
    this.#bytes += bytes
    this.#underWay.push(() => arrive(() => (this.#bytes -= bytes)))
    clock.at(this.#arrival, () => this.#arrive())
  }

  /** Lets nothing arrive until {@link resume}; what is sent meanwhile waits, as a sender's does. */
  stall(): void {
    this.#isStalled = true
  }

  /** Lets everything pass again, what waits first and in its order. */
  resume(): void {
    this.#isStalled = false
    const { clock } = this.#conditions
    const due = this.#due
    this.#due = 0
    if (due === 0) return
    this.#arrival = Math.max(this.#arrival, clock.now() + this.#delay())
    for (let count = 0; count < due; count++) clock.at(this.#arrival, () => this.#arrive())
  }

  /** Loses what is under way, and takes nothing more. */
  cut(): void {
    this.#open = false
    this.#underWay.length = 0
  }

  /** The first that is under way arrives, whichever call this was: nothing overtakes. */
  #arrive(): void {
    if (this.#isStalled) this.#due++
    else this.#underWay.shift()?.()
  }

  #delay(): number {
    const { random } = this.#conditions
    const { latencyMs, packetLoss } = this.#link()
    const [least, most] = latencyMs
    let delay = least + Math.floor(random() * (most - least + 1))
    if (packetLoss === 0) return delay
    for (let sent = 0; sent < RESENDS_MAX && random() < packetLoss; sent++) {
      delay += RESEND_MS * 2 ** sent
    }
    return delay
  }
}
