import type { Run, Violation } from './check.ts'

/** A call ends with its message's lifespan, but for so much. */
const CALL_MS_MAX = 3_000

/** No decision blames ourselves, no reader of ours is too slow, and every call comes to an end. */
export function findFaults({ history, lives }: Run): readonly Violation[] {
  const found: Violation[] = []
  for (const { what } of history.of('broken')) found.push({ rule: 'fault', what, about: [] })
  for (const { node, code, id } of history.of('decided')) {
    if (code !== 'own-fault') continue
    found.push({ rule: 'fault', what: `${node} has a fault of its own`, about: [id ?? ''] })
  }
  for (const { life, count } of history.of('lost')) {
    found.push({ rule: 'fault', what: `${life} lost ${count} of its own queue`, about: [life] })
  }
  const ended = new Set<string>()
  for (const entry of history.entries) {
    const isEnd = entry.kind === 'handed' || entry.kind === 'unsaid' || entry.kind === 'done'
    if (isEnd) ended.add(entry.label)
  }
  const end = history.entries.at(-1)?.at ?? 0
  for (const { at, label, life, lifespanMs } of lives.said.values()) {
    const speaker = lives.all.get(life)
    if (speaker?.until !== Infinity || ended.has(label) || at + lifespanMs + CALL_MS_MAX > end)
      continue
    found.push({
      rule: 'fault',
      what: `${label} was said and never came to an end`,
      about: [label],
    })
  }
  return found
}
