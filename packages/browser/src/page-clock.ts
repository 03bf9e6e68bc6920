import type { Clock } from '@ixj/agent'

/** The longest delay of a timer in browsers; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * The clock of the machine, in a page or a worker. Browsers let the timers of a page in the
 * background fire once a second or less; a worker's are left alone.
 */
export const pageClock: Clock = {
  now: () => Date.now(),
  at: (time, run) => {
    let timer: ReturnType<typeof setTimeout>
    const arm = (): void => {
      const delay = Math.max(0, time - Date.now())
      timer = delay > TIMER_MS_MAX ? setTimeout(arm, TIMER_MS_MAX) : setTimeout(run, delay)
    }
    arm()
    return () => clearTimeout(timer)
  },
}
