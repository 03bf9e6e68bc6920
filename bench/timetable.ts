import { committedResults } from './results.ts'

/** Seconds of a whole run, where no earlier run tells: a guess, and the patterns take longest. */
const UNKNOWN_SECONDS = 120
const UNKNOWN_SECONDS_OF: Readonly<Record<string, number>> = { patterns: 900 }
/** Of a whole run, as a quick one goes. */
const QUICK_PART = 0.1

/** Tells how long a run has gone, and how long it will, by how long benches took before. */
export class Timetable {
  readonly #expected = new Map<string, number>()
  readonly #took = new Map<string, number>()
  readonly #began = performance.now()
  #before = 0

  constructor(names: readonly string[], quick: boolean) {
    for (const name of names) {
      const last = committedResults(name)
      const whole = last?.seconds ?? UNKNOWN_SECONDS_OF[name] ?? UNKNOWN_SECONDS
      this.#expected.set(name, quick && last?.quick !== true ? whole * QUICK_PART : whole)
    }
  }

  /** A bench has ended: from here on it counts as long as it took. */
  ended(name: string): void {
    this.#expected.delete(name)
    const now = this.#seconds()
    this.#took.set(name, now - this.#before)
    this.#before = now
  }

  /** What each bench took, and all: `25:10 in all: patterns 21:03, births 00:13`. */
  summary(): string {
    const each = [...this.#took].map(([name, seconds]) => `${name} ${clockText(seconds)}`)
    return `${clockText(this.#seconds())} in all: ${each.join(', ')}`
  }

  /** How long it has gone, and how long it will: `02:10, about 23 min left`. */
  text(): string {
    const seconds = this.#seconds()
    const [current = 0, ...others] = this.#expected.values()
    const rest = others.reduce((sum, each) => sum + each, 0)
    const own = current - (seconds - this.#before)
    const left = rest + Math.max(0, own)
    const about = own < 0 ? 'more than' : 'about'
    return `${clockText(seconds)}, ${about} ${Math.ceil(left / 60)} min left`
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1_000
  }
}

function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 60), Math.floor(seconds % 60)]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}
