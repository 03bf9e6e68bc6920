import { GAP_WAIT_MS } from '@ixj/agent'
import { SKEW_MS } from '@ixj/trust'
import type { Run, Violation } from './check.ts'

/** A revocation is known everywhere within this, where nothing stands in its way. */
const REVOKED_MS = 5_000

/** After trouble, connections are made again first. */
const RECONNECT_MS = 5_000

/** Nothing is delivered when what authorised it has ended, or was revoked long enough ago. */
export function findUnauthorised(run: Run): readonly Violation[] {
  const { history, lives } = run
  const ends = new Map<string, number>()
  for (const { agent, notAfter } of history.of('bound')) ends.set(agent, notAfter)
  const quiet = quietTimes(run)
  const found: Violation[] = []
  for (const { at, by, label, sender, localTime } of history.of('heard')) {
    // What was accepted in time may wait in its stream for what comes before it.
    const end = (ends.get(sender) ?? Infinity) + SKEW_MS + GAP_WAIT_MS
    if (localTime > end) {
      const late = localTime - end
      const what = `${by} heard ${label} ${late} ms after all that ${sender} was bound for`
      found.push({ rule: 'authority', what, about: [label, sender] })
    }
    const revoked = lives.revokedAt(sender)
    if (revoked === undefined || at <= revoked) continue
    const since = Math.max(revoked + REVOKED_MS, quiet(at) + RECONNECT_MS + REVOKED_MS)
    if (at > since + GAP_WAIT_MS) {
      const what = `${by} heard ${label} ${at - revoked} ms after ${sender} was revoked`
      found.push({ rule: 'authority', what, about: [label, sender] })
    }
  }
  return found
}

/** Gives, for a time, since when nothing has stood in anybody's way; Infinity: something does. */
function quietTimes({ history }: Run): (at: number) => number {
  const changes: { readonly at: number; readonly since: number }[] = [{ at: 0, since: 0 }]
  let parted = 0
  const down = new Set<string>()
  for (const entry of history.entries) {
    if (entry.kind === 'healed') {
      parted = 0
      down.clear()
    } else if (entry.kind !== 'trouble') {
      continue
    } else if (entry.what === 'part') {
      parted++
    } else if (entry.what === 'mend') {
      parted--
    } else if (entry.what === 'crash' || entry.what === 'close') {
      for (const node of entry.nodes) down.add(node)
    } else if (entry.what === 'open') {
      for (const node of entry.nodes) down.delete(node)
    } else if (entry.what !== 'cut') {
      continue
    }
    const isQuiet = parted === 0 && down.size === 0
    changes.push({ at: entry.at, since: isQuiet ? entry.at : Infinity })
  }
  return (at) => changes.findLast((change) => change.at <= at)?.since ?? 0
}
