import { explanationOf } from '@ixj/agent'
import type { Decision } from '@ixj/agent'
import type { Explanation } from '@ixj/trust'
import { FLOWS_KEPT_MAX, RATE_SECONDS } from './limits.ts'
import { type Pattern, PATTERNS, patternOf } from './pattern.ts'
import { RateMeter } from './rate-meter.ts'

/** A decision that can be looked at. */
export interface Flow {
  /** Rises by one with each. */
  readonly number: number
  readonly at: number
  readonly about: Decision['about']
  readonly pattern: Pattern | null
  readonly code: string | null
  readonly verdict: Decision['verdict']
  readonly action: string
  readonly topic: string
  readonly sender: string
  explain(): Explanation
}

/** What the page itself has open, by which the pattern of a message is told. */
export interface OpenTopics {
  readonly groups: ReadonlySet<string>
  readonly gathered: ReadonlySet<string>
  readonly isAsking: boolean
}

/** The decisions of this node: the last of them one by one, all of them as rates. */
export class FlowLog {
  readonly rates: Readonly<Record<Pattern, RateMeter>> = {
    '1×1': new RateMeter(RATE_SECONDS),
    '1×N': new RateMeter(RATE_SECONDS),
    'N×1': new RateMeter(RATE_SECONDS),
    'N×N': new RateMeter(RATE_SECONDS),
  }
  readonly refused = new RateMeter(RATE_SECONDS)
  /** What came again by a second way, or too late to be news: nobody's fault, and told as a figure. */
  copies = 0
  readonly #totals = new Map<string, number>()
  #flows: Flow[] = []
  #number = 0
  #accepted = 0

  /** The last of them, the newest first. */
  get flows(): readonly Flow[] {
    return this.#flows.toReversed()
  }

  /** How many bundles were accepted since the page was opened. */
  get accepted(): number {
    return this.#accepted
  }

  /** Refusals since the page was opened, by code, the most first. */
  get refusals(): readonly (readonly [code: string, count: number])[] {
    return [...this.#totals].toSorted((left, right) => right[1] - left[1])
  }

  /** Takes a decision in. Presence that was accepted is no message, and is left out. */
  add(decision: Decision, open: OpenTopics): void {
    const { at, about, code, verdict } = decision
    if (about !== 'bundle' && code === null) return
    if (code === 'duplicate' || code === 'superseded') {
      this.copies += 1
      return
    }
    const explanation = explanationOf(decision)
    const { action, topic, sender } = explanation
    // What could not be read is part of no pattern.
    const isRead = about === 'bundle' && topic !== 'unreadable'
    const pattern = isRead ? patternOf(explanation, open) : null
    if (code !== null) {
      this.refused.add(at)
      this.#totals.set(code, (this.#totals.get(code) ?? 0) + 1)
    } else if (pattern !== null) {
      this.#accepted += 1
      this.rates[pattern].add(at)
    }
    this.#number += 1
    const explain = () => explanation
    const number = this.#number
    this.#flows.push({ number, at, about, pattern, code, verdict, action, topic, sender, explain })
    if (this.#flows.length > FLOWS_KEPT_MAX * 2) this.#flows = this.#thinned()
  }

  /** What was refused is rare and stays longest, so that a flood of poses does not push it out. */
  #thinned(): Flow[] {
    const refused = this.#flows.filter(({ code }) => code !== null).slice(-FLOWS_KEPT_MAX / 2)
    const rare = this.#flows
      .filter(({ code, pattern }) => code === null && pattern !== 'N×N')
      .slice(-FLOWS_KEPT_MAX / 4)
    const common = this.#flows
      .filter(({ code, pattern }) => code === null && pattern === 'N×N')
      .slice(-FLOWS_KEPT_MAX / 4)
    return [...refused, ...rare, ...common].toSorted((left, right) => left.number - right.number)
  }
}

/** All rates at one moment. */
export function ratesOf(
  log: FlowLog,
  now: number,
): readonly {
  readonly pattern: Pattern
  readonly perSecond: number
  readonly series: readonly number[]
}[] {
  return PATTERNS.map((pattern) => ({
    pattern,
    perSecond: log.rates[pattern].perSecond(now),
    series: log.rates[pattern].series(now),
  }))
}
