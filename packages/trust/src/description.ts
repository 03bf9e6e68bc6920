import { isBelow, type Name, type Pattern, patternBase } from '@ixj/names'
import type { Authority } from './authority.ts'
import { toBase64url } from './bytes.ts'
import { valueOf } from './conditions.ts'
import type { Grant } from './grant.ts'
import type { NameChain } from './name-chain.ts'

const MS_OF_SECOND = 1_000
const MS_OF_MINUTE = 60_000
const MS_OF_HOUR = 3_600_000
const MS_OF_DAY = 86_400_000

/** Who controls a name, in lines for an explanation: the names up to the anchor, and the anchor. */
export function describeNameChain(chain: NameChain, now: number): string[] {
  const names = [chain.name, ...chain.links.toReversed().map(({ statement }) => statement.issuer)]
  const { name, addedAt, addedBy } = chain.anchor
  const details = [addedAt === undefined ? [] : [formatDate(addedAt)], addedBy ?? []].flat()
  const added = details.length === 0 ? '' : ` (${details.join(', ')})`
  const end = chain.links.length === 0 ? [] : [`bindings: ${formatTimeLeft(chain.notAfter, now)}`]
  return [names.join(' ← '), `anchor: ${name}, from your trust store${added}`, ...end]
}

/** Which key it is, in lines for an explanation: the whole key, and who bound it. */
export function describeKey(chain: NameChain): string[] {
  const leaf = chain.links.at(-1)
  const source =
    leaf === undefined ? 'a key of the anchor itself' : `bound by ${leaf.statement.issuer}`
  return [`ed25519 ${toBase64url(chain.key)}, ${source}`]
}

/**
 * What authority there is, in lines for an explanation: the root's issuer, then each subject with
 * what it may do. Names below the issuer or its anchor are shown without that part.
 */
export function describeAuthority(authority: Authority, now: number): string[] {
  const { chain, issuers } = authority
  const [root] = chain
  if (root === undefined) throw new Error('An authority has no grant')
  const parts = chain.map(({ statement }, index) => {
    const organisation = issuers[index]?.anchor.name ?? statement.issuer
    const left = index === chain.length - 1 ? [formatTimeLeft(authority.notAfter, now)] : []
    const details = [statement.actions.join(', '), ...describeLimits(statement, organisation)]
    return `${shortSubject(statement, organisation)} (${[...details, ...left].join('; ')})`
  })
  return [[root.statement.issuer, ...parts].join(' → ')]
}

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

function describeLimits(grant: Grant, organisation: Name): string[] {
  const { conditions, mayDelegate } = grant
  const hours = valueOf(conditions, 'hours') as readonly [number, number] | undefined
  const perSecond = valueOf(conditions, 'messagesPerSecond') as number | undefined
  const bytes = valueOf(conditions, 'bytesPerMessage') as number | undefined
  const priority = valueOf(conditions, 'maxPriority') as number | undefined
  return [
    hours === undefined ? [] : [`${formatMinute(hours[0])} to ${formatMinute(hours[1])} UTC`],
    perSecond === undefined ? [] : [`${perSecond} messages/s`],
    bytes === undefined ? [] : [`${bytes} bytes a message`],
    priority === undefined ? [] : [`priority up to ${priority}`],
    mayDelegate === false ? [] : [`may delegate to ${shortPatterns(mayDelegate, organisation)}`],
  ].flat()
}

/**
 * The subject without the part that its issuer, or else the organisation, has in common with it.
 */
function shortSubject({ subject, issuer }: Grant, organisation: Name): string {
  const base = patternBase(subject)
  // A pattern keeps its end: what it leaves open must not be mistaken.
  if (subject !== (base as string)) return shortPatterns([subject], organisation)
  const above = [issuer, organisation].find((name) => isBelow(base, name))
  return above === undefined ? base : base.slice(0, -above.length - 1)
}

function shortPatterns(patterns: readonly Pattern[], organisation: Name): string {
  const short = patterns.map((pattern) =>
    isBelow(patternBase(pattern), organisation)
      ? `${pattern.slice(0, -organisation.length - 1)}…`
      : pattern,
  )
  return short.join(', ')
}

function formatDuration(ms: number): string {
  if (ms < 2 * MS_OF_MINUTE) return `${Math.floor(ms / MS_OF_SECOND)} s`
  if (ms < 2 * MS_OF_HOUR) return `${Math.floor(ms / MS_OF_MINUTE)} min`
  return `${Math.floor(ms / MS_OF_HOUR)} h`
}

function formatMinute(minute: number): string {
  return `${pad(Math.floor(minute / 60), 2)}:${pad(minute % 60, 2)}`
}

function pad(number: number, width: number): string {
  return String(number).padStart(width, '0')
}
