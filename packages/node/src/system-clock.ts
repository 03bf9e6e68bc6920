import type { Clock } from '@ixj/agent'

/** The longest delay of a timer in Node; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * The clock of the machine. Its calls keep the process alive until they are made or cancelled: a
 * node that waits for something does not end by itself, and one that was disposed of waits for
 * nothing.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  at: (time, run) => {
    let timer: NodeJS.Timeout
    const arm = (): void => {
      const delay = Math.max(0, time - Date.now())
      timer = delay > TIMER_MS_MAX ? setTimeout(arm, TIMER_MS_MAX) : setTimeout(run, delay)
    }
    arm()
    return () => clearTimeout(timer)
  },
}
