import type { DnsName, Resolver, Upstream, ZoneAnchor } from '@ixj/dns'
import type { Name } from '@ixj/names'
import type { AnchorSet } from '@ixj/trust'

/** What an examination looked at. */
export type Check =
  | 'anchor'
  | 'zone'
  | 'clock'
  | 'negative-ttl'
  | 'signature-life'
  | 'servers'
  | 'serial'
  | 'parent'
  | 'keys'
  | 'ttl'
  | 'hosts'
  | 'endpoints'
  | 'dnsaddr'
  | 'wildcard'

/** One thing that was found, in words. */
export interface Finding {
  /** `wrong`: it does not work, or not safely; `note`: it works, and could be better. */
  readonly level: 'ok' | 'note' | 'wrong'
  readonly check: Check
  /** The name, server or address that it is about. */
  readonly about: string
  readonly text: string
  /** What to do about it; none for what is well. */
  readonly remedy: string | null
}

/** Findings as they are made. */
export type Findings<Result = void> = AsyncGenerator<Finding, Result, undefined>

/** What an examination works with. */
export interface Examination {
  readonly domain: Name
  readonly resolver: Resolver
  readonly anchors: readonly ZoneAnchor[]
  /** All of the home, those with a key too. */
  readonly trust: AnchorSet
  readonly upstreams: readonly Upstream[]
  /** Whether the upstreams were said on the command line. */
  readonly serverGiven: boolean
  /** ms since the Unix epoch. */
  readonly now: () => number
}

/** The zone that answers for a domain, as far as it is known. */
export interface ExaminedZone {
  readonly zone: DnsName
  /** Whether what it says is signed, up to an anchor. */
  readonly isSecure: boolean
}

/** What is well. */
export function well(check: Check, about: string, text: string): Finding {
  return { level: 'ok', check, about, text, remedy: null }
}

/** What could be better. */
export function note(
  check: Check,
  about: string,
  words: { readonly text: string; readonly remedy: string },
): Finding {
  return { level: 'note', check, about, ...words }
}

/** What does not work, or not safely. */
export function wrong(
  check: Check,
  about: string,
  words: { readonly text: string; readonly remedy: string },
): Finding {
  return { level: 'wrong', check, about, ...words }
}

/** Seconds in the largest unit that says enough: `90 s`, `15 min`, `4 h`, `14 d`. */
export function spanText(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 120) return `${whole} s`
  if (whole < 7_200) return `${Math.round(whole / 60)} min`
  if (whole < 172_800) return `${Math.round(whole / 3_600)} h`
  return `${Math.round(whole / 86_400)} d`
}
