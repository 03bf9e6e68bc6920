import type { Run, Violation } from './check.ts'

/** Nobody hears a message twice in one life, or two messages for one place of a stream. */
export function findDuplicates({ history, lives }: Run): readonly Violation[] {
  const found: Violation[] = []
  const heard = new Set<string>()
  const places = new Map<string, string>()
  for (const { label, life, class: messageClass } of history.of('heard')) {
    // A task comes again until it is done, and says so.
    if (messageClass === 'task') continue
    const key = `${life} ${label}`
    if (heard.has(key)) {
      found.push({ rule: 'duplicate', what: `${life} heard ${label} twice`, about: [label] })
    }
    heard.add(key)
    const place = lives.said.get(label)?.place
    if (place === undefined) continue
    const other = places.get(`${life} ${place}`)
    if (other !== undefined && other !== label) {
      const what = `${life} heard both ${other} and ${label}, which are for one place`
      found.push({ rule: 'duplicate', what, about: [label, other] })
    }
    places.set(`${life} ${place}`, label)
  }
  return found
}
