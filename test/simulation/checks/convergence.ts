import { PRESENCE_LOST_MS } from '@ixj/agent'
import type { Run, Violation } from './check.ts'

/** At the end all members of a group agree on who is there, and are right, and on shared state. */
export function findDisagreement(run: Run): readonly Violation[] {
  return [...findWrongRosters(run), ...findUnequalStates(run)]
}

function findUnequalStates({ history, lives }: Run): readonly Violation[] {
  const byTopic = new Map<string, Map<string, string[]>>()
  const end = history.of('digest').at(-1)?.at
  for (const { at, life, topic, digest } of history.of('digest')) {
    if (at !== end) continue
    const agent = lives.all.get(life)?.agent
    if (agent === undefined || lives.revokedAt(agent) !== undefined) continue
    const views = byTopic.get(topic) ?? new Map<string, string[]>()
    views.set(digest, [...(views.get(digest) ?? []), life])
    byTopic.set(topic, views)
  }
  return [...byTopic]
    .filter(([, views]) => views.size > 1)
    .map(([topic, views]) => {
      const some = [...views.values()].map(([life]) => life ?? '')
      const what = `${views.size} states are seen of ${topic}, by ${some.join(', ')}`
      return { rule: 'convergence', what, about: some } as const
    })
}

function findWrongRosters({ history, lives }: Run): readonly Violation[] {
  const found: Violation[] = []
  const all = [...lives.all.values()]
  const end = history.of('roster').at(-1)?.at
  for (const { at, life, topic, members } of history.of('roster')) {
    if (at !== end) continue
    const listener = lives.all.get(life)
    if (listener === undefined || lives.revokedAt(listener.agent) !== undefined) continue
    const there = all.filter(
      ({ until, agent, joined }) =>
        until === Infinity && joined.has(topic) && lives.revokedAt(agent) === undefined,
    )
    const missing = there.filter(({ agent }) => !members.includes(agent)).map(({ agent }) => agent)
    // Who crashed is missed for a while, and so is who was revoked or left without saying so.
    const recent = all.filter(
      ({ until, agent }) => until + PRESENCE_LOST_MS > at || lives.revokedAt(agent) !== undefined,
    )
    const ghosts = members.filter((name) => !recent.some(({ agent }) => agent === name))
    if (missing.length === 0 && ghosts.length === 0) continue
    const what = `${life} misses ${missing.join(', ') || 'nobody'} in ${topic}, and sees ${ghosts.join(', ') || 'nobody'} who is gone`
    found.push({ rule: 'convergence', what, about: [life, ...missing, ...ghosts] })
  }
  return found
}
