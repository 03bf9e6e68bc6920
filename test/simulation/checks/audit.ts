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
  const balance = new Map<string, number>()
  const count = (key: string, by: number) => balance.set(key, (balance.get(key) ?? 0) + by)
  for (const { node, code } of history.of('decided')) {
    if (code !== null && code !== 'duplicate') count(`${node} ${code}`, 1)
  }
  for (const { node, code, count: by } of history.of('recorded')) {
    if (code !== null) count(`${node} ${code}`, -by)
  }
  return [...balance]
    .filter(([key, by]) => by !== 0 && !ended.has(key.split(' ')[0]!))
    .map(([key, by]) => {
      const what = `${key}: ${Math.abs(by)} refusals ${by > 0 ? 'without a record' : 'in records alone'}`
      return { rule: 'audit', what, about: [] } as const
    })
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
