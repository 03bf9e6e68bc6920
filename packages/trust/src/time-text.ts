const MS_OF_SECOND = 1_000
const MS_OF_MINUTE = 60_000
const MS_OF_HOUR = 3_600_000
const MS_OF_DAY = 86_400_000

/** The time left until an end, rounded down: `60 s left`, `5 min left`, `ended 3 h ago`. */
export function formatTimeLeft(notAfter: number, now: number): string {
  if (notAfter === Infinity) return 'no end'
  return notAfter >= now
    ? `${formatDuration(notAfter - now)} left`
    : `ended ${formatDuration(now - notAfter)} ago`
}

/**
 * The UTC day of a time in ms since the Unix epoch, as `2026-11-01`: the days since 1970 counted in
 * the proleptic Gregorian calendar (ISO 8601), in years that start in March, eras of 400 years.
 */
export function formatDate(time: number): string {
  // 719,468 days lie between 0000-03-01 and 1970-01-01.
  const days = Math.floor(time / MS_OF_DAY) + 719_468
  const era = Math.floor(days / 146_097)
  const dayOfEra = days - era * 146_097
  const leapDays =
    Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const yearStart = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  const dayOfYear = dayOfEra - yearStart
  // Months from March: 31, 30, 31, 30, 31 days and again, 153 in five.
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
}

/**
 * A time in ms since the Unix epoch as `2026-11-23T09:32:39.203Z` (RFC 3339), or as the bare number
 * where it is none: a clock that fails must still be shown.
 */
export function formatTime(time: number): string {
  if (!Number.isSafeInteger(time) || time < 0) return String(time)
  const ofDay = time % MS_OF_DAY
  const [hours, minutes] = [
    Math.floor(ofDay / MS_OF_HOUR),
    Math.floor((ofDay % MS_OF_HOUR) / MS_OF_MINUTE),
  ]
  const seconds = Math.floor((ofDay % MS_OF_MINUTE) / MS_OF_SECOND)
  const clock = `${pad(hours, 2)}:${pad(minutes, 2)}:${pad(seconds, 2)}`
  return `${formatDate(time)}T${clock}.${pad(ofDay % MS_OF_SECOND, 3)}Z`
}

function formatDuration(ms: number): string {
  if (ms < 2 * MS_OF_MINUTE) return `${Math.floor(ms / MS_OF_SECOND)} s`
  if (ms < 2 * MS_OF_HOUR) return `${Math.floor(ms / MS_OF_MINUTE)} min`
  return `${Math.floor(ms / MS_OF_HOUR)} h`
}

/** A number with zeros before it, at least that wide. */
export function pad(number: number, width: number): string {
  return String(number).padStart(width, '0')
}
