import type { EntryOf } from '../history.ts'
import type { Run, Violation } from './check.ts'
import type { Life } from './lives.ts'

/** Who joined so lately is not owed yet: rights and routes take their time. */
const JOINING_MS = 3_000

/** Whatever was handed over reaches all who were owed it, or they are told of a gap. */
export function findLosses(run: Run): readonly Violation[] {
  const { history, lives } = run
  const handed = new Set(
    history.of('handed').flatMap(({ label, peers }) => (peers > 0 ? [label] : [])),
  )
  const heard = new Set(history.of('heard').map(({ label, life }) => `${life} ${label}`))
  const gaps = gapsTold(run)
  const first = new Map<string, number>()
  for (const { at, label, life, topic } of history.of('heard')) {
    const key = `${life} ${lives.said.get(label)?.life} ${topic}`
    if (!first.has(key)) first.set(key, at)
  }
  const missing = new Map<string, EntryOf<'said'>[]>()
  for (const said of lives.said.values()) {
    if (said.action !== 'publish' || !handed.has(said.label) || !isOwed(said, run)) continue
    for (const life of lives.all.values()) {
      if (!isOwedTo(said, life, run) || heard.has(`${life.id} ${said.label}`)) continue
      if (!((first.get(`${life.id} ${said.life} ${said.topic}`) ?? Infinity) < said.at)) continue
      const stream = streamOf(life.id, said.by, said.topic)
      const list = missing.get(stream) ?? []
      missing.set(stream, [...list, said])
    }
  }
  return [...missing].flatMap(([stream, lost]) => {
    const told = gaps.get(stream) ?? 0
    if (told >= lost.length) return []
    const labels = lost.map(({ label }) => label)
    const [life, , topic] = stream.split('|')
    const what = `${life} never heard ${labels.join(', ')} on ${topic}, and was told of ${told} gaps`
    return [{ rule: 'loss', what, about: [...labels, life ?? ''] } as const]
  })
}

/** How many messages each life was told to have missed, by sender and topic. */
function gapsTold({ history }: Run): ReadonlyMap<string, number> {
  const told = new Map<string, number>()
  for (const { life, sender, topic, gap } of history.of('heard')) {
    const stream = streamOf(life, sender, topic)
    told.set(stream, (told.get(stream) ?? 0) + gap)
  }
  return told
}

function streamOf(life: string, sender: string, topic: string): string {
  return `${life}|${sender}|${topic}`
}

/** A sender whose life has ended repairs nothing, and one that was revoked is not to be heard. */
function isOwed({ life, by }: EntryOf<'said'>, { lives }: Run): boolean {
  return lives.all.get(life)?.until === Infinity && !lives.revoked.has(by)
}

function isOwedTo(said: EntryOf<'said'>, life: Life, { lives }: Run): boolean {
  if (life.agent === said.by || life.until !== Infinity || lives.revoked.has(life.agent))
    return false
  const since = said.topic === life.agent ? life.from : life.joined.get(said.topic)
  if (since === undefined || since + JOINING_MS > said.at) return false
  return said.to === null || said.to.includes(life.agent)
}
