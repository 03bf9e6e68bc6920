import { type DnsName, lastLabels, labelCount, readSoa, TYPE, writeNsec } from '../proof.ts'
import { nameAfterAllBelow, nameBefore, nextName } from './name-order.ts'
import { makeRrset, type Rrset } from './rrset.ts'
import type { ZoneContent } from './zone-content.ts'

/** Types that every signed name has. */
export const SIGNED = [TYPE.RRSIG, TYPE.NSEC] as const

/** How long a denial may be kept (RFC 9077 section 3): the smaller of the SOA's TTL and minimum. */
export function negativeTtl(soa: Rrset): number {
  return Math.min(soa.ttl, readSoa(soa.records[0]!.data).minimum)
}

/** The types of a name that its own zone has: at a delegation, not what belongs to the child. */
export function deniedTypes(rrsets: readonly Rrset[], isCut: boolean): readonly number[] {
  const types = rrsets.map(({ type }) => type)
  return isCut ? types.filter((type) => type === TYPE.NS || type === TYPE.DS) : types
}

/**
 * That a name has no other types than these: an NSEC that covers nothing but itself (RFC 9824
 * section 3.1).
 */
export function denyOtherTypes(
  content: ZoneContent,
  name: DnsName,
  options: { readonly rrsets: readonly Rrset[]; readonly isCut: boolean; readonly ttl: number },
): Rrset {
  const types = [...deniedTypes(options.rrsets, options.isCut), ...SIGNED]
  return nsec(name, { next: nextName(name, content.zone), types, ttl: options.ttl })
}

/** That a name does not exist, in compact form (RFC 9824 section 3.2). */
export function denyName(content: ZoneContent, name: DnsName, ttl: number): Rrset {
  const types = [...SIGNED, TYPE.NXNAME]
  return nsec(name, { next: nextName(name, content.zone), types, ttl })
}

/**
 * That nothing stands between a name that a wildcard answers for and the wildcard's parent: a
 * validator wants to see that no closer name is there (RFC 4035 section 5.3.4).
 */
export function denyCloserName(
  content: ZoneContent,
  name: DnsName,
  options: { readonly encloser: DnsName; readonly ttl: number },
): Rrset {
  const closer = lastLabels(name, labelCount(options.encloser) + 1)
  const owner = nameBefore(closer)
  const types = [...content.rrsetsAt(owner).map(({ type }) => type), ...SIGNED]
  return nsec(owner, { next: nameAfterAllBelow(closer, content.zone), types, ttl: options.ttl })
}

function nsec(
  name: DnsName,
  { next, types, ttl }: { next: DnsName; types: readonly number[]; ttl: number },
): Rrset {
  return makeRrset({ name, type: TYPE.NSEC, ttl, data: [writeNsec(next, types)] })
}
