import { PRESENCE_LOST_MS } from '@ixj/agent'
import type { Run, Violation } from './check.ts'

/** At the end all members of a group agree on who is there, and they are right. */
export function findDisagreement({ history, lives }: Run): readonly Violation[] {
  const found: Violation[] = []
  const all = [...lives.all.values()]
  for (const { at, life, topic, members } of history.of('roster')) {
    const listener = lives.all.get(life)
    if (listener === undefined || lives.revoked.has(listener.agent)) continue
    const there = all.filter(
      ({ until, agent, joined }) =>
        until === Infinity && joined.has(topic) && !lives.revoked.has(agent),
    )
    const missing = there.filter(({ agent }) => !members.includes(agent)).map(({ agent }) => agent)
    // Who crashed is missed for a while, and so is who was revoked or left without saying so.
    const recent = all.filter(
      ({ until, agent }) => until + PRESENCE_LOST_MS > at || lives.revoked.has(agent),
    )
    const ghosts = members.filter((name) => !recent.some(({ agent }) => agent === name))
    if (missing.length === 0 && ghosts.length === 0) continue
    const what = `${life} misses ${missing.join(', ') || 'nobody'} in ${topic}, and sees ${ghosts.join(', ') || 'nobody'} who is gone`
    found.push({ rule: 'convergence', what, about: [life, ...missing, ...ghosts] })
  }
  return found
}
