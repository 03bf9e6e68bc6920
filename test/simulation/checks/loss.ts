import type { EntryOf } from '../history.ts'
import type { Run, Violation } from './check.ts'
import type { Life } from './lives.ts'

/** Who joined so lately is not owed yet: rights and routes take their time. */
const JOINING_MS = 3_000

/**
 * What was stored and handed over reaches all who were owed it, since everything heals and comes to
 * rest within the time for which things are kept; that a gap was told before is no excuse.
 */
export function findLosses(run: Run): readonly Violation[] {
  const { history, lives } = run
  const handed = new Set(history.of('handed').map(({ label }) => label))
  const heard = new Set(history.of('heard').map(({ label, life }) => `${life} ${label}`))
  const missing = new Map<string, string[]>()
  for (const said of lives.said.values()) {
    const isOwed = said.action === 'publish' && handed.has(said.label)
    if (!isOwed || lives.revokedAt(said.by) !== undefined || isRetired(said, run)) continue
    for (const life of lives.all.values()) {
      if (!isOwedTo(said, life, run) || heard.has(`${life.id} ${said.label}`)) continue
      missing.set(life.id, [...(missing.get(life.id) ?? []), said.label])
    }
  }
  return [...missing].map(([life, labels]) => {
    const what = `${life} never heard ${labels.slice(0, 5).join(', ')}${labels.length > 5 ? ` and ${labels.length - 5} more` : ''}`
    return { rule: 'loss', what, about: [labels[0] ?? '', life] } as const
  })
}

/** A sub-agent that has closed is revoked by its parent, and with it what it said. */
function isRetired({ life, by }: EntryOf<'said'>, { plan, lives }: Run): boolean {
  if (plan.agents.some(({ name }) => name === by)) return false
  return lives.all.get(life)?.until !== Infinity
}

function isOwedTo(said: EntryOf<'said'>, life: Life, { lives }: Run): boolean {
  if (
    life.agent === said.by ||
    life.until !== Infinity ||
    lives.revokedAt(life.agent) !== undefined
  ) {
    return false
  }
  const since = said.topic === life.agent ? life.from : life.joined.get(said.topic)
  if (since === undefined || since + JOINING_MS > said.at) return false
  return said.to === null || said.to.includes(life.agent)
}
