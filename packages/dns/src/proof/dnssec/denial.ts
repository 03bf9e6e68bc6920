import { type DnsName, isAtOrBelowName, lastLabels } from '../wire/dns-name.ts'
import { OPT_OUT } from '../wire/rdata.ts'
import { TYPE } from '../wire/record-type.ts'
import { holdSet } from './held-set.ts'
import { type Denial, denyWithNsec, noCloserWithNsec } from './nsec.ts'
import { denyWithNsec3, noCloserWithNsec3 } from './nsec3.ts'
import { Refused, Unsecured } from './outcome.ts'
import type { SignedSet } from './record-bag.ts'
import type { HeldSet, SecureZone } from './secure-zone.ts'
import type { Work } from './work.ts'
import { anchorFor } from './zone-keys.ts'

/** What is denied, and the zone that denies it. */
export interface Denied {
  readonly zone: DnsName
  readonly name: DnsName
  readonly type: number
}

/**
 * What the records of a zone prove of a name and type, by NSEC or NSEC3; undefined: nothing. Their
 * signatures still have to be checked: {@link holdDenial}.
 * @throws Refused `budget`
 */
export async function findDenial(work: Work, denied: Denied): Promise<Denial | undefined> {
  const nsecs = work.nsecsOf(denied.zone)
  const nsec3s = work.nsec3sOf(denied.zone)
  return denyWithNsec(nsecs, denied) ?? (await denyWithNsec3(work, nsec3s, denied))
}

/** Checks the signatures of a denial. @throws Refused */
export async function holdDenial(
  work: Work,
  zone: SecureZone,
  denial: Denial,
): Promise<readonly HeldSet[]> {
  return holdSets(work, zone, denial.sets)
}

/**
 * The proof that a wildcard could be expanded, since no name closer than it exists (RFC 4035
 * section 5.3.4, RFC 5155 section 8.8).
 * @throws Refused `bad-denial` without one, Unsecured where an unsigned delegation may be closer
 */
export async function holdNoCloser(
  work: Work,
  zone: SecureZone,
  held: HeldSet & { readonly wildcardLabels: number },
): Promise<readonly HeldSet[]> {
  const { name } = held.set
  const closer = lastLabels(name, held.wildcardLabels + 1)
  const nsecs = work.nsecsOf(zone.name)
  const byNsec = noCloserWithNsec(nsecs, { zone: zone.name, closer })
  if (byNsec !== undefined) return holdSets(work, zone, [byNsec])
  const nsec3s = work.nsec3sOf(zone.name)
  const byNsec3 = await noCloserWithNsec3(work, nsec3s, closer)
  if (byNsec3 === undefined) {
    const why = `nothing proves that ${closer} does not exist`
    throw new Refused('bad-denial', `Cannot expand a wildcard to ${name}: ${why}`)
  }
  const sets = await holdSets(work, zone, [byNsec3.set])
  if ((byNsec3.nsec3.flags & OPT_OUT) !== 0) throw new Unsecured(zone.name)
  return sets
}

/**
 * The zones whose NSEC or NSEC3 stand in the bag and may deny names at or below `lowest`, the
 * deepest first.
 */
export function denyingZones(work: Work, lowest: DnsName): readonly DnsName[] {
  const anchor = anchorFor(work.context.anchors, lowest)
  if (anchor === undefined) return []
  const zones = new Set<DnsName>()
  for (const set of [...work.bag.single(TYPE.NSEC), ...work.bag.single(TYPE.NSEC3)]) {
    for (const { signer } of set.signatures.map(({ rrsig }) => rrsig)) {
      if (isAtOrBelowName(lowest, signer) && isAtOrBelowName(signer, anchor)) zones.add(signer)
    }
  }
  // Of names above one name, the longer is the deeper.
  return [...zones].toSorted((left, right) => right.length - left.length)
}

async function holdSets(
  work: Work,
  zone: SecureZone,
  sets: readonly SignedSet[],
): Promise<readonly HeldSet[]> {
  const held: HeldSet[] = []
  for (const set of sets) held.push(await holdSet(work, set, { zone: zone.name, keys: zone.keys }))
  return held
}
