import { SKEW_MS } from './limits.ts'
import { formatTime } from './time-text.ts'
import { TrustError } from './trust-error.ts'

/** A stretch of time in ms since the Unix epoch, both ends included. */
export interface Period {
  readonly notBefore: number
  readonly notAfter: number
}

/** Whether the period holds at this time, widened by {@link SKEW_MS} at both ends. */
export function holdsAt({ notBefore, notAfter }: Period, now: number): boolean {
  return now >= notBefore - SKEW_MS && now <= notAfter + SKEW_MS
}

/**
 * Checks that the period holds at this time, widened by {@link SKEW_MS} at both ends;
 * docs/protocol.md, section "Statements". `tried` begins the message, as "Cannot use grant".
 * @throws TrustError `expired`, `not-yet-valid`
 */
export function checkPeriod(period: Period, now: number, tried: string): void {
  const { notBefore, notAfter } = period
  const clock = `now is ${formatTime(now)}, skew ${SKEW_MS} ms`
  if (now > notAfter + SKEW_MS) {
    throw new TrustError('expired', `${tried}: expired at ${formatTime(notAfter)}, ${clock}`)
  }
  // Written so that a clock that gives NaN refuses.
  if (!(now >= notBefore - SKEW_MS && now <= notAfter + SKEW_MS)) {
    throw new TrustError('not-yet-valid', `${tried}: valid from ${formatTime(notBefore)}, ${clock}`)
  }
}
