import type { History } from './history.ts'

/** What was owed of events and tasks in a run, what of it came, and when the others came. */
export interface Arrivals {
  readonly owed: number
  readonly missing: number
  /** From the call of the sender to the reader, rising. */
  readonly delaysMs: readonly number[]
  /** When the last came. */
  readonly lastAt: number
}

/** Counts a run in which all members of one group are there from beginning to end. */
export function arrivalsOf(history: History): Arrivals {
  const members = history.of('opened').map(({ agent }) => agent)
  const handed = new Map(history.of('handed').map((entry) => [entry.label, entry.expected]))
  const heard = new Map(
    history.of('heard').map((entry) => [`${entry.by} ${entry.label}`, entry.at]),
  )
  const healedAt = history.of('healed')[0]?.at ?? Infinity
  const arrived: { readonly at: number; readonly delayMs: number }[] = []
  let owed = 0
  for (const { at, by, label, to } of history.of('said')) {
    // The last words of a run are said for the checks alone.
    const expected = handed.get(label)
    if (at > healedAt || expected === undefined) continue
    for (const member of to === null ? members : expected) {
      if (member === by) continue
      owed += 1
      const came = heard.get(`${member} ${label}`)
      if (came !== undefined) arrived.push({ at: came, delayMs: came - at })
    }
  }
  return {
    owed,
    missing: owed - arrived.length,
    delaysMs: arrived.map(({ delayMs }) => delayMs).toSorted((left, right) => left - right),
    lastAt: Math.max(0, ...arrived.map(({ at }) => at)),
  }
}
