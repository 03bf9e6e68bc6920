import { formatTime } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }

/** A span in seconds: a number, or numbers with units as in `1h30m`. @throws DnsError `record` */
export function parseSeconds(text: string): number {
  const seconds = readSeconds(text)
  if (seconds === undefined) {
    throw new DnsError('record', `Cannot read ${JSON.stringify(text)} as seconds below 2^32`)
  }
  return seconds
}

/** The same, or undefined if the text is no span. */
export function readSeconds(text: string): number | undefined {
  if (text.length > 30 || !/^([0-9]+|([0-9]+[smhdw])+)$/i.test(text)) return undefined
  let seconds = 0
  for (const [, number, unit = 's'] of text.matchAll(/([0-9]+)([smhdw])?/gi)) {
    seconds += Number(number) * secondsOf[unit.toLowerCase()]!
  }
  return seconds < 2 ** 32 ? seconds : undefined
}

/** Seconds since 1970 as the `YYYYMMDDHHmmSS` of a signature (RFC 4034 section 3.2). */
export function formatMoment(seconds: number): string {
  return formatTime(seconds * 1_000)
    .slice(0, 19)
    .replaceAll(/[-T:]/g, '')
}

/** Such a time, or plain seconds since 1970. @throws DnsError `record` */
export function parseMoment(text: string): number {
  if (/^[0-9]{1,10}$/.test(text)) return parseSeconds(text)
  const parts = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$/.exec(text)
  if (parts !== null) {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
      .slice(1)
      .map(Number)
    const seconds = ((daysBefore(year, month) + day - 1) * 24 + hour) * 3_600 + minute * 60 + second
    // The 31st of June comes back as another day.
    if (seconds >= 0 && seconds < 2 ** 32 && formatMoment(seconds) === text) return seconds
  }
  throw new DnsError('record', `Cannot read ${JSON.stringify(text)} as a time of 1970 to 2106`)
}

/** Days from 1970 to the first of a month, in years that begin in March. */
function daysBefore(year: number, month: number): number {
  const years = month <= 2 ? year - 1 : year
  const monthFromMarch = (month + 9) % 12
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  return years * 365 + leapDays + Math.floor((153 * monthFromMarch + 2) / 5) - 719_468
}
