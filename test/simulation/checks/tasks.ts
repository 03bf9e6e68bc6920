import type { Run, Violation } from './check.ts'
import type { Life } from './lives.ts'

/**
 * A task that was handed over reaches whoever it is for, over crashes of either side, and never comes
 * again once it is done; attempts count from 1, each higher than the one before.
 */
export function findTaskFaults(run: Run): readonly Violation[] {
  return [...findRepeats(run), ...findForgotten(run)]
}

function findRepeats({ history }: Run): readonly Violation[] {
  const found: Violation[] = []
  const attempts = new Map<string, number>()
  const done = new Set<string>()
  for (const entry of history.entries) {
    if (entry.kind !== 'took' && entry.kind !== 'did') continue
    const key = `${entry.by} ${entry.label}`
    if (entry.kind === 'did') {
      done.add(key)
      continue
    }
    const blame = (what: string) =>
      void found.push({ rule: 'task', what, about: [entry.label, entry.life] })
    if (done.has(key)) blame(`${entry.life} was handed ${entry.label} again, which was done`)
    const last = attempts.get(key) ?? 0
    if (entry.attempt <= last) {
      blame(`${entry.life} was handed ${entry.label} twice, as attempt ${entry.attempt}`)
    }
    attempts.set(key, entry.attempt)
  }
  return found
}

/** Whoever is there at the end has got every task that is for it, in whichever life. */
function findForgotten({ plan, history, lives }: Run): readonly Violation[] {
  const took = new Set(history.of('took').map(({ by, label }) => `${by} ${label}`))
  const present = new Map<string, Life>()
  for (const life of lives.all.values()) if (life.until === Infinity) present.set(life.agent, life)
  const names = new Set(plan.agents.map(({ name }) => name))
  const found: Violation[] = []
  for (const { label, expected } of history.of('handed')) {
    const { by = '', topic = '', at = 0 } = lives.said.get(label) ?? {}
    if (!present.has(by) || lives.revokedAt(by) !== undefined) continue
    for (const receiver of expected) {
      // Who left meanwhile, or came back, is expected by a sender that has not heard of it.
      const life = present.get(receiver)
      const isThere = topic === receiver || wasThere(life, topic, at)
      const isOwed = isThere && names.has(receiver) && lives.revokedAt(receiver) === undefined
      if (!isOwed || took.has(`${receiver} ${label}`)) continue
      const what = `${receiver} was never handed task ${label} of ${by}`
      found.push({ rule: 'task', what, about: [label] })
    }
  }
  return found
}

/**
 * Whether it has been in the group since then; a new life joins anew what it was in before. One that
 * left and came back gets what is sent again, which may be after the run.
 */
function wasThere(life: Life | undefined, topic: string, at: number): boolean {
  const joined = life?.joined.get(topic)
  if (life === undefined || joined === undefined) return false
  return joined < at || (life.from > at && !life.left.has(topic))
}
