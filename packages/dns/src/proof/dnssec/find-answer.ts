import { DnsError } from '../dns-error.ts'
import {
  type DnsName,
  fromLabels,
  isAtOrBelowName,
  labelCount,
  labelsOf,
  parentOf,
  parseDnsName,
  ROOT,
} from '../wire/dns-name.ts'
import { readTarget } from '../wire/rdata.ts'
import { TYPE, typeName } from '../wire/record-type.ts'
import { denyingZones, findDenial, holdDenial, holdNoCloser } from './denial.ts'
import { addNeeds, descend, namesBetween, secureZone } from './descent.ts'
import { holdSet } from './held-set.ts'
import { isCut, tryReadNsec } from './nsec.ts'
import { Needed, Refused, Unsecured } from './outcome.ts'
import type { SignedSet } from './record-bag.ts'
import type { HeldSet, SecureZone } from './secure-zone.ts'
import type { Asked } from './validation.ts'
import type { Work } from './work.ts'
import { anchorFor, signerOf } from './zone-keys.ts'

/** What the zone of a name says of it and a type. */
export interface Found {
  readonly kind: 'positive' | 'alias' | 'nodata' | 'nxdomain'
  readonly zone: SecureZone
  /** The RRset, or the records of the denial. */
  readonly held: readonly HeldSet[]
  /** The proof that a wildcard could be expanded. */
  readonly noCloser: readonly HeldSet[]
  readonly wildcard: boolean
  /** Where an alias leads. */
  readonly target?: DnsName
}

/**
 * Finds what is said of a name and type, without following aliases.
 * @throws Refused, Needed, Unsecured
 */
export async function findAnswer(work: Work, asked: Asked): Promise<Found> {
  const { name, type } = asked
  // A DS stands above the cut (RFC 4035 section 2.4); nothing stands above the root.
  if (type === TYPE.DS && name === ROOT) throw new Unsecured(undefined)
  const lowest = type === TYPE.DS ? parentOf(name) : name
  const anchor = anchorFor(work.context.anchors, lowest)
  if (anchor === undefined) throw new Unsecured(undefined)
  const set = work.bag.find(name, type)
  if (isSigned(set)) return { ...(await holdAnswer(work, set, lowest)), kind: 'positive' }
  const cname = type === TYPE.CNAME ? undefined : work.bag.find(name, TYPE.CNAME)
  if (isSigned(cname)) {
    const found = await holdAnswer(work, cname, lowest)
    return { ...found, kind: 'alias', target: targetOf(cname) }
  }
  for (const owner of [anchor, ...namesBetween(anchor, name).slice(0, -1)]) {
    const dname = owner === name ? undefined : work.bag.find(owner, TYPE.DNAME)
    if (!isSigned(dname)) continue
    const found = await holdAnswer(work, dname, owner)
    return { ...found, kind: 'alias', target: renamed(name, owner, targetOf(dname)) }
  }
  return (await holdAbsence(work, asked, lowest)) ?? explainNothing(work, asked, lowest)
}

function isSigned(set: SignedSet | undefined): set is SignedSet {
  return set !== undefined && set.signatures.length > 0
}

async function holdAnswer(
  work: Work,
  set: SignedSet,
  lowest: DnsName,
): Promise<Omit<Found, 'kind'>> {
  const zone = await secureZone(work, signerOf(work, set, lowest))
  // A DNSKEY set rests on the key that the zone above names, not on any of its own.
  const held = await holdSet(work, set, { zone: zone.name, keys: zone.keys })
  if (set.type !== TYPE.NSEC) await refuseBelowCut(work, zone, lowest)
  const { wildcardLabels } = held
  const noCloser =
    wildcardLabels === undefined ? [] : await holdNoCloser(work, zone, { ...held, wildcardLabels })
  return { zone, held: [held], noCloser, wildcard: wildcardLabels !== undefined }
}

async function holdAbsence(work: Work, asked: Asked, lowest: DnsName): Promise<Found | undefined> {
  for (const name of denyingZones(work, lowest)) {
    const denial = await findDenial(work, { ...asked, zone: name })
    if (denial === undefined) continue
    const zone = await secureZone(work, name)
    const held = await holdDenial(work, zone, denial)
    await refuseBelowCut(work, zone, lowest)
    // RFC 5155 section 9.2: the span may hide an unsigned delegation, so nothing is certain.
    if (denial.optOut) throw new Unsecured(name)
    const kind = denial.kind === 'delegation' ? 'nodata' : denial.kind
    const what = kind === 'nodata' ? `no ${typeName(asked.type)} at` : 'there is no'
    work.note(name, `${what} ${asked.name}`, 'absent')
    return { kind, zone, held, noCloser: [], wildcard: denial.wildcard }
  }
  return undefined
}

/** Nothing signed was found: that is right only below a delegation without security. */
async function explainNothing(work: Work, asked: Asked, lowest: DnsName): Promise<never> {
  const { name, type } = asked
  const plain = work.bag.find(name, type) ?? work.bag.find(name, TYPE.CNAME)
  const needs: Asked[] = plain === undefined ? [asked] : []
  const zone = await addNeeds(needs, descend(work, lowest))
  if (zone === undefined || plain === undefined) throw new Needed(needs)
  const what = `${typeName(plain.type)} of ${name}`
  throw new Refused('unsigned', `Cannot trust ${what}: ${zone.name} is signed, and this is not`)
}

/**
 * A zone has no say below its own delegations: refuses where one is proven between the zone that
 * signed and the name.
 */
async function refuseBelowCut(work: Work, zone: SecureZone, lowest: DnsName): Promise<void> {
  for (const at of namesBetween(zone.name, lowest)) {
    for (const cut of cutsAt(work, at)) {
      const claimed = cut.signatures.some(({ rrsig }) => rrsig.signer === zone.name)
      if (claimed && (await holds(work, cut, zone))) {
        const why = `${zone.name} signed it, and delegates ${at}`
        throw new Refused('wrong-signer', `Cannot trust the answer for ${lowest}: ${why}`)
      }
    }
  }
}

/** Records at a name that say, if they hold, that it is the top of another zone. */
function cutsAt(work: Work, name: DnsName): readonly SignedSet[] {
  const ds = work.bag.find(name, TYPE.DS)
  const nsecs = work.bag
    .single(TYPE.NSEC)
    .filter((set) => set.name === name && isCut(tryReadNsec(set)?.types ?? []))
  return ds === undefined ? nsecs : [ds, ...nsecs]
}

async function holds(work: Work, set: SignedSet, zone: SecureZone): Promise<boolean> {
  try {
    await holdSet(work, set, { zone: zone.name, keys: zone.keys })
    return true
  } catch (cause) {
    // A set that does not hold proves no cut: anybody can add one.
    if (cause instanceof Refused && cause.reason !== 'budget') return false
    throw cause
  }
}

function targetOf(set: SignedSet): DnsName {
  const [record] = set.records
  // RFC 2181 section 10.1, RFC 6672 section 2.4: a name has one alias.
  if (record === undefined || set.records.length > 1) {
    throw new Refused('alias', `Cannot follow ${set.name}: it has ${set.records.length} aliases`)
  }
  return readTarget(set.type, record.data)
}

/** The name that a DNAME makes of a name below its owner (RFC 6672 section 2.2). */
function renamed(name: DnsName, owner: DnsName, target: DnsName): DnsName {
  if (!isAtOrBelowName(name, owner)) throw new Error(`${name} is not below ${owner}`)
  const labels = labelsOf(name).slice(0, labelCount(name) - labelCount(owner))
  try {
    return parseDnsName(fromLabels([...labels, ...labelsOf(target)]))
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    throw new Refused('alias', `Cannot follow ${name}: below ${target} it is too long`)
  }
}
