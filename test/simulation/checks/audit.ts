import { REPEATS_MS } from '@ixj/audit'
import type { Run, Violation } from './check.ts'

/**
 * Each decision about a bundle has one record, made before anything of the bundle is delivered;
 * repeats of one refusal may be counted in one.
 */
export function findUnrecorded(run: Run): readonly Violation[] {
  return [...findAccepted(run), ...findRefused(run), ...findUndecided(run)]
}

/** Accepted bundles: one record for each decision, by id. */
function findAccepted({ history }: Run): readonly Violation[] {
  const balance = new Map<string, { node: string; id: string; count: number }>()
  const count = (node: string, id: string, by: number) => {
    const entry = balance.get(`${node} ${id}`) ?? { node, id, count: 0 }
    entry.count += by
    balance.set(`${node} ${id}`, entry)
  }
  for (const { node, code, id } of history.of('decided')) {
    if (code === null && id !== null) count(node, id, 1)
  }
  for (const { node, code, id } of history.of('recorded')) {
    if (code === null && id !== null) count(node, id, -1)
  }
  return [...balance.values()]
    .filter((entry) => entry.count !== 0)
    .map(({ node, id, count: by }) => {
      const what = `${node} accepted bundle ${id.slice(0, 16)} ${by > 0 ? 'without a record' : 'in a record alone'}`
      return { rule: 'audit', what, about: [id] } as const
    })
}

/**
 * Refused bundles: as many in records as in decisions. A crash loses what was still counted, and what
 * still waits when a node closes is refused when nobody hears decisions any more.
 */
function findRefused({ history }: Run): readonly Violation[] {
  const ended = new Set(
    history
      .of('trouble')
      .flatMap(({ what, nodes }) => (what === 'crash' || what === 'close' ? nodes : [])),
  )
  const decided = new Map<string, { settled: number; all: number }>()
  const recorded = new Map<string, number>()
  // What was counted in the last moments has no record yet.
  const settledAt = (history.entries.at(-1)?.at ?? 0) - 2 * REPEATS_MS
  for (const { at, node, code } of history.of('decided')) {
    if (code === null || code === 'duplicate') continue
    const entry = decided.get(`${node} ${code}`) ?? { settled: 0, all: 0 }
    entry.all += 1
    if (at < settledAt) entry.settled += 1
    decided.set(`${node} ${code}`, entry)
  }
  for (const { node, code, count } of history.of('recorded')) {
    if (code === null) continue
    recorded.set(`${node} ${code}`, (recorded.get(`${node} ${code}`) ?? 0) + count)
  }
  const found: Violation[] = []
  for (const key of new Set([...decided.keys(), ...recorded.keys()])) {
    const { settled, all } = decided.get(key) ?? { settled: 0, all: 0 }
    const records = recorded.get(key) ?? 0
    if (ended.has(key.split(' ')[0]!) || (settled <= records && records <= all)) continue
    const what = `${key}: ${all} refusals, ${records} in records`
    found.push({ rule: 'audit', what, about: [] })
  }
  return found
}

/** Whatever was delivered was decided and recorded before, at that node. */
function findUndecided({ history, lives }: Run): readonly Violation[] {
  const bundles = new Map<string, string>()
  for (const { node, code, id, messages } of history.of('decided')) {
    for (const message of code === null ? messages : []) bundles.set(`${node} ${message}`, `${id}`)
  }
  const recorded = new Set<string>()
  const found: Violation[] = []
  for (const entry of history.entries) {
    if (entry.kind === 'recorded' && entry.code === null) recorded.add(`${entry.node} ${entry.id}`)
    if (entry.kind !== 'heard') continue
    const node = lives.all.get(entry.life)?.node ?? 'nowhere'
    if (recorded.has(`${node} ${bundles.get(`${node} ${entry.id}`)}`)) continue
    const what = `${entry.by} heard ${entry.label} before ${node} had recorded that it accepts it`
    found.push({ rule: 'audit', what, about: [entry.label] })
  }
  return found
}
