import type { Run, Violation } from './check.ts'

/**
 * What one life of a sender says in one way is heard in the order in which it was said; what came
 * too late for that is marked as late.
 */
export function findDisorder({ history, lives }: Run): readonly Violation[] {
  const found: Violation[] = []
  const last = new Map<string, { readonly number: number; readonly label: string }>()
  for (const heard of history.of('heard')) {
    const said = lives.said.get(heard.label)
    if (said === undefined || heard.late || heard.class !== 'event') continue
    const to = said.to?.join(' ') ?? 'all'
    const lane = [heard.life, said.life, heard.sender, said.topic, said.action, to].join('|')
    const number = numberOf(heard.label)
    const before = last.get(lane)
    if (before !== undefined && before.number > number) {
      const what = `${heard.life} heard ${heard.label} after ${before.label}`
      found.push({ rule: 'order', what, about: [heard.label, before.label] })
    }
    last.set(lane, { number, label: heard.label })
  }
  return found
}

/** Labels of one sender are numbered as they are said. */
function numberOf(label: string): number {
  return Number(/\d+$/.exec(label)?.[0] ?? 0)
}
