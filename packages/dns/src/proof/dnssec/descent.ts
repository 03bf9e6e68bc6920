import { type DnsName, parentOf, ROOT } from '../wire/dns-name.ts'
import { TYPE } from '../wire/record-type.ts'
import { findDenial, holdDenial } from './denial.ts'
import { holdSet } from './held-set.ts'
import { Needed, Refused, Unsecured } from './outcome.ts'
import type { HeldSet, SecureZone } from './secure-zone.ts'
import type { Asked } from './validation.ts'
import type { Work } from './work.ts'
import { anchorFor, entryKeys, keysThrough, signerOf, usableDs } from './zone-keys.ts'

/**
 * The keys of a zone: from the anchor that it is, or from its DS in the zone above, and so on up.
 * @throws Refused, Needed, Unsecured
 */
export async function secureZone(work: Work, name: DnsName): Promise<SecureZone> {
  const known = work.zones.get(name)
  if (known !== undefined) return known
  const anchor = anchorFor(work.context.anchors, name)
  if (anchor === undefined) throw new Unsecured(undefined)
  const zone = name === anchor ? await anchoredZone(work, name) : await delegatedZone(work, name)
  work.zones.set(name, zone)
  return zone
}

async function anchoredZone(work: Work, name: DnsName): Promise<SecureZone> {
  const set = work.bag.find(name, TYPE.DNSKEY)
  if (set === undefined) throw new Needed([{ name, type: TYPE.DNSKEY }])
  const entry = await entryKeys(work, set, work.anchorOf(name))
  const { keys, held } = await keysThrough(work, set, { entry, what: 'the anchor' })
  return { name, keys, held: [held], anchor: name }
}

async function delegatedZone(work: Work, name: DnsName): Promise<SecureZone> {
  const set = work.bag.find(name, TYPE.DNSKEY)
  const needs: Asked[] = set === undefined ? [{ name, type: TYPE.DNSKEY }] : []
  const parent = await addNeeds(needs, parentThrough(work, name))
  if (set === undefined || parent === undefined) throw new Needed(needs)
  const { zone, ds } = parent
  const entry = await entryKeys(work, set, ds.set.records)
  const { keys, held } = await keysThrough(work, set, { entry, what: `its DS in ${zone.name}` })
  return { name, keys, held: [held, ds, ...zone.held], anchor: zone.anchor }
}

/** The zone above, found by who signed the DS, and the DS of its child that we can use. */
async function parentThrough(
  work: Work,
  name: DnsName,
): Promise<{ readonly zone: SecureZone; readonly ds: HeldSet }> {
  const set = work.bag.find(name, TYPE.DS)
  if (set === undefined) {
    // To ask for it at once saves steps; what the way down needs is asked as well, since above a
    // zone that is not delegated with security the answer would never come.
    const needs: Asked[] = [{ name, type: TYPE.DS }]
    if ((await addNeeds(needs, descend(work, name))) === undefined) throw new Needed(needs)
    throw new Refused('wrong-signer', `Cannot trust ${name} to sign: no zone delegates to it`)
  }
  // The DS stands in the zone above the cut, and only that zone may sign it (RFC 4035 5.2).
  const signer = signerOf(work, set, parentOf(name))
  const zone = await secureZone(work, signer)
  const ds = await holdSet(work, set, { zone: signer, keys: zone.keys })
  // RFC 4035 section 5.2, RFC 6840 section 5.2: a zone whose every DS has an algorithm or a digest
  // that we do not know counts as unsigned. Its parent signed that, so nobody else can say so.
  if (!set.records.some((record) => usableDs(record) !== undefined)) {
    work.note(signer, `the DS of ${name} has no algorithm that is checked here`, 'unsigned')
    throw new Unsecured(signer)
  }
  return { zone, ds }
}

/**
 * Walks from the anchor down to a name, a label at a time, and answers the lowest zone above it or
 * at it whose keys are known.
 * @throws Unsecured at a delegation without security; Refused, Needed
 */
export async function descend(work: Work, name: DnsName): Promise<SecureZone> {
  const anchor = anchorFor(work.context.anchors, name)
  if (anchor === undefined) throw new Unsecured(undefined)
  let zone = await secureZone(work, anchor)
  for (const at of namesBetween(anchor, name)) {
    if (work.bag.find(at, TYPE.DS) !== undefined) {
      zone = await secureZone(work, at)
      continue
    }
    const denial = await findDenial(work, { zone: zone.name, name: at, type: TYPE.DS })
    if (denial === undefined) throw new Needed([{ name: at, type: TYPE.DS }])
    await holdDenial(work, zone, denial)
    if (denial.kind === 'delegation') {
      work.note(zone.name, `delegates ${at} without a DS`, 'unsigned')
      throw new Unsecured(zone.name)
    }
    work.note(zone.name, `${at} is no zone of its own`, 'absent')
  }
  return zone
}

/** Waits for a search; what it needs is added, to be asked at once with the rest. */
export async function addNeeds<Result>(
  needs: Asked[],
  search: Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await search
  } catch (cause) {
    if (!(cause instanceof Needed)) throw cause
    needs.push(...cause.needs)
    return undefined
  }
}

/** The names from below a zone down to a name, the highest first. */
export function namesBetween(zone: DnsName, name: DnsName): readonly DnsName[] {
  const names: DnsName[] = []
  for (let at = name; at !== zone && at !== ROOT; at = parentOf(at)) names.push(at)
  return names.toReversed()
}
