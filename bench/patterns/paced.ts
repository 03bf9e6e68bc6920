import { makeBody } from './body.ts'
import type { AgentNumber, Run } from './cast.ts'
import type { Player } from './player.ts'
import { preciseNow } from './tally.ts'

/** Timers wake up to so much late; what is later than that is the contender's own doing. */
const TIMER_MS = 1

/**
 * One sender's messages of a run, each when it is due, whether those before it are through or not.
 * `offset` from 0 to 1 sets senders apart, so that they do not all speak at the same instant.
 */
export async function sendPaced(
  player: Player,
  run: Run,
  { from, offset, beganAt }: { from: AgentNumber; offset: number; beganAt: number },
): Promise<void> {
  const apartMs = 1_000 / (run.perSecond ?? 1)
  await eachWhenDue(run.count, beganAt + offset * apartMs, apartMs, async (index, dueAt) => {
    const body = makeBody({ run: run.number, sender: from, index, dueAt }, run.bodyBytes)
    await player.send({ run, from, count: 1, body: () => body })
  })
}

/** Does `one` so many times, that far apart; told when it was due, or when a timer could wake. */
export async function eachWhenDue(
  count: number,
  firstAt: number,
  apartMs: number,
  one: (index: number, dueAt: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const due = firstAt + index * apartMs
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - preciseNow())))
      await one(index, Math.min(preciseNow(), due + TIMER_MS))
    }),
  )
}
