import { DnsError } from '../dns-error.ts'
import { below, type DnsName, isAtOrBelowName, parentOf } from '../wire/dns-name.ts'
import { orderKeyOf } from '../wire/order-key.ts'
import { type Nsec, readNsec } from '../wire/rdata.ts'
import { TYPE } from '../wire/record-type.ts'
import type { SignedSet } from './record-bag.ts'

/** What a denial proves, once the signatures of its records hold. */
export interface Denial {
  /** `delegation`: there is no DS, and there is a cut: what is below is not signed. */
  readonly kind: 'nodata' | 'nxdomain' | 'delegation'
  /** The records whose signatures have to hold. */
  readonly sets: readonly SignedSet[]
  /** It says so of a wildcard, which stands for the name. */
  readonly wildcard: boolean
  /** Unsigned delegations may hide in the span of an NSEC3 that it rests on. */
  readonly optOut: boolean
}

/** One NSEC of a zone, read. */
export interface NsecAt {
  readonly set: SignedSet
  readonly owner: DnsName
  readonly nsec: Nsec
  /** Places of the owner and of the next name in the order of the zone. */
  readonly ownerKey: string
  readonly nextKey: string
}

/** Bits that mean something for a denial at a name: those of NSEC and NSEC3 alike. */
export function denialAt(types: readonly number[], type: number): Denial['kind'] | undefined {
  const has = (wanted: number) => types.includes(wanted)
  // RFC 9824 section 3: the name was made up for the answer, and says of itself that it is not.
  if (has(TYPE.NXNAME)) {
    const others = types.filter(
      (one) => one !== TYPE.NXNAME && one !== TYPE.RRSIG && one !== TYPE.NSEC,
    )
    return others.length === 0 ? 'nxdomain' : undefined
  }
  // The set exists, or an alias stands for it: this denies nothing.
  if (has(type) || has(TYPE.CNAME)) return undefined
  const cut = isCut(types)
  // RFC 4035 section 5.2: a DS is denied by the zone above the cut, never by the child's own top.
  if (type === TYPE.DS) return has(TYPE.SOA) ? undefined : cut ? 'delegation' : 'nodata'
  // RFC 6840 section 4.1: the zone above a cut says nothing about the data of the child.
  return cut ? undefined : 'nodata'
}

/** Whether a zone says of a name that another zone begins there. */
export function isCut(types: readonly number[]): boolean {
  return types.includes(TYPE.NS) && !types.includes(TYPE.SOA)
}

/** Whether what stands at a name hides everything below it: a cut or a DNAME (RFC 6840 4.1). */
export function hidesBelow(types: readonly number[]): boolean {
  return types.includes(TYPE.DNAME) || isCut(types)
}

/** The NSEC records that a zone may have signed. */
export function readNsecs(sets: readonly SignedSet[], zone: DnsName): NsecAt[] {
  const found: NsecAt[] = []
  for (const set of sets) {
    if (!isAtOrBelowName(set.name, zone)) continue
    if (!set.signatures.some(({ rrsig }) => rrsig.signer === zone)) continue
    const nsec = tryReadNsec(set)
    // At a cut, the zone above and the child have one each; the child's alone has the SOA.
    if (nsec?.types.includes(TYPE.SOA) === (set.name === zone)) {
      const ownerKey = orderKeyOf(set.name)
      found.push({ set, owner: set.name, nsec, ownerKey, nextKey: orderKeyOf(nsec.next) })
    }
  }
  return found
}

/** What an NSEC says; undefined if it cannot be read: then it denies nothing. */
export function tryReadNsec({ records: [record] }: SignedSet): Nsec | undefined {
  try {
    return record && readNsec(record.data)
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}

/**
 * What the NSEC records of a zone prove of a name and type (RFC 4035 section 5.4); undefined:
 * nothing. Signatures are not checked yet.
 */
export function denyWithNsec(
  nsecs: readonly NsecAt[],
  asked: { readonly zone: DnsName; readonly name: DnsName; readonly type: number },
): Denial | undefined {
  const { zone, name, type } = asked
  const match = nsecs.find(({ owner }) => owner === name)
  if (match !== undefined) {
    const kind = denialAt(match.nsec.types, type)
    return kind === undefined
      ? undefined
      : { kind, sets: [match.set], wildcard: false, optOut: false }
  }
  const cover = covering(nsecs, zone, name)
  if (cover === undefined) return undefined
  // The next name lies below: this one exists, and has no records of its own.
  if (isAtOrBelowName(cover.nsec.next, name)) {
    return { kind: 'nodata', sets: [cover.set], wildcard: false, optOut: false }
  }
  const wildcard = below('*', closestEncloser(name, cover))
  const own = nsecs.find(({ owner }) => owner === wildcard)
  if (own !== undefined) {
    const kind = denialAt(own.nsec.types, type)
    // A cut at a wildcard has no meaning (RFC 4592 section 4.2).
    if (kind !== 'nodata') return undefined
    return { kind, sets: unique([cover.set, own.set]), wildcard: true, optOut: false }
  }
  const none = covering(nsecs, zone, wildcard)
  if (none === undefined) return undefined
  // The wildcard exists without records of its own, since names lie below it (RFC 4592 2.2.2).
  if (isAtOrBelowName(none.nsec.next, wildcard)) {
    const sets = unique([cover.set, none.set])
    return { kind: 'nodata', sets, wildcard: true, optOut: false }
  }
  return { kind: 'nxdomain', sets: unique([cover.set, none.set]), wildcard: false, optOut: false }
}

/**
 * The NSEC which proves that no name at or below `closer` exists, so that a wildcard above it could
 * be expanded (RFC 4035 section 5.3.4).
 */
export function noCloserWithNsec(
  nsecs: readonly NsecAt[],
  options: { readonly zone: DnsName; readonly closer: DnsName },
): SignedSet | undefined {
  const cover = covering(nsecs, options.zone, options.closer)
  if (cover === undefined || isAtOrBelowName(cover.nsec.next, options.closer)) return undefined
  return cover.set
}

/** The NSEC in whose span a name lies; the last one of a zone points back to its top. */
function covering(nsecs: readonly NsecAt[], zone: DnsName, name: DnsName): NsecAt | undefined {
  const key = orderKeyOf(name)
  return nsecs.find(({ owner, nsec, ownerKey, nextKey }) => {
    if (ownerKey >= key || (nsec.next !== zone && key >= nextKey)) return false
    return !(isAtOrBelowName(name, owner) && hidesBelow(nsec.types))
  })
}

/** The longest name above `name` that the two ends of a span show to exist. */
function closestEncloser(name: DnsName, { owner, nsec }: NsecAt): DnsName {
  let at = parentOf(name)
  while (!isAtOrBelowName(owner, at) && !isAtOrBelowName(nsec.next, at)) at = parentOf(at)
  return at
}

function unique(sets: readonly SignedSet[]): readonly SignedSet[] {
  return [...new Set(sets)]
}
