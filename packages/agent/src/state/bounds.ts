import { AgentError } from '../agent-error.ts'
import type { Clock } from '../clock.ts'
import { STATE_BOUNDS_MAX } from '../limits.ts'
import type { OffsetRange } from '../pipeline/clock-offset.ts'
import { isRegister } from './register-update.ts'
import type { HeldRegister } from './held-register.ts'
import type { Registers } from './registers.ts'
import { Soonest } from './soonest.ts'

/** What bounds are watched with. */
export interface BoundsContext {
  readonly clock: Clock
  readonly registers: Registers
  range(held: HeldRegister): OffsetRange
  /** A register broke its bound, or keeps it again. */
  changed(kind: 'stale' | 'fresh', held: HeldRegister): void
}

/** How old registers may be for one member, and which of them are older. */
export class Bounds {
  readonly #context: BoundsContext
  /** By register, or by the beginning of its name with a `*` behind. */
  readonly #bounds = new Map<string, number>()
  /** Registers that are older than they may be, by {@link keyOf}. */
  readonly #stale = new Set<string>()
  readonly #soonest: Soonest

  constructor(context: BoundsContext) {
    this.#context = context
    this.#soonest = new Soonest(context.clock, () => this.look())
  }

  /**
   * Sets a bound for a register, or for all whose name begins so: `pose`, `arm/*`, `*`. Infinity
   * takes it back.
   * @throws AgentError `argument`
   */
  set(pattern: string, maxAgeMs: number): void {
    const stem = pattern.endsWith('*') ? pattern.slice(0, -1) : pattern
    if (!(isRegister(stem) || pattern === '*')) {
      throw new AgentError('argument', `Cannot bound "${pattern}": it names no register`)
    }
    if (!(maxAgeMs > 0)) {
      throw new AgentError('argument', `Cannot bound ${pattern} to ${maxAgeMs} ms: the least is 1`)
    }
    if (!this.#bounds.has(pattern) && this.#bounds.size >= STATE_BOUNDS_MAX) {
      throw new AgentError('argument', `Cannot set another bound: the limit is ${STATE_BOUNDS_MAX}`)
    }
    if (maxAgeMs === Infinity) this.#bounds.delete(pattern)
    else this.#bounds.set(pattern, maxAgeMs)
    this.look()
  }

  /** How old a register may be: the bound of its own name, else of the longest beginning. */
  maxAgeMs(register: string): number {
    const exact = this.#bounds.get(register)
    if (exact !== undefined) return exact
    let best: string | undefined
    for (const pattern of this.#bounds.keys()) {
      const isWider = best !== undefined && pattern.length <= best.length
      if (!pattern.endsWith('*') || isWider) continue
      if (register.startsWith(pattern.slice(0, -1))) best = pattern
    }
    return best === undefined ? Infinity : (this.#bounds.get(best) ?? Infinity)
  }

  /** Looks at one register that was set. */
  lookAt(held: HeldRegister): void {
    if (this.#bounds.size === 0 && this.#stale.size === 0) return
    const maxAgeMs = this.maxAgeMs(held.register)
    const key = keyOf(held)
    // By the most that its age may be: what may be too old is too old.
    const end = held.asOf + this.#context.range(held).low + maxAgeMs
    if (end < this.#context.clock.now()) {
      if (this.#stale.has(key)) return
      this.#stale.add(key)
      this.#context.changed('stale', held)
      return
    }
    if (this.#stale.delete(key)) this.#context.changed('fresh', held)
    if (end !== Infinity) this.#soonest.by(end + 1)
  }

  /** Looks at all of them: time has passed, a bound was set, or more is known of clocks. */
  look(): void {
    if (this.#bounds.size === 0 && this.#stale.size === 0) return
    for (const held of this.#context.registers.all()) this.lookAt(held)
  }

  /** A register is gone; another of its name begins anew. */
  gone(held: HeldRegister): void {
    this.#stale.delete(keyOf(held))
  }

  close(): void {
    this.#soonest.close()
    this.#stale.clear()
  }
}

function keyOf({ sender, register }: HeldRegister): string {
  return `${sender} ${register}`
}
