import type { Violation, Run } from './check.ts'

/** Whatever was delivered, its sender said: there, to this receiver, in these words. */
export function findForgeries({ history, lives }: Run): readonly Violation[] {
  const found: Violation[] = []
  const blame = (what: string, ...about: readonly string[]) =>
    void found.push({ rule: 'forgery', what, about })
  for (const { label, body, by, sender, topic } of history.of('heard')) {
    const said = lives.said.get(label)
    if (said === undefined || said.by !== sender || said.topic !== topic) {
      blame(`${by} heard ${label} from ${sender} on ${topic}, who never said it there`, label)
    } else if (said.body !== body) {
      blame(`${by} heard ${label} with another body`, label)
    } else if (said.to !== null && !said.to.includes(by)) {
      blame(`${by} heard ${label}, which was not for it`, label)
    }
  }
  for (const { label, by, body } of history.of('answered')) {
    if (body !== answerTo(label, by)) blame(`${by} is said to have answered "${body}"`, label)
    const asked = history.of('heard').some((heard) => heard.label === label && heard.by === by)
    if (!asked) blame(`${by} answered ${label}, which it was never asked`, label)
  }
  return found
}

/** What every agent here answers. */
export function answerTo(label: string, by: string): string {
  return `${label} answered by ${by}`
}
