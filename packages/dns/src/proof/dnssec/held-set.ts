import { DnsError } from '../dns-error.ts'
import { KEYS_PER_TAG_MAX } from '../limits.ts'
import type { DnsName } from '../wire/dns-name.ts'
import { TYPE, typeName } from '../wire/record-type.ts'
import { signedData, signedLabels } from './canonical.ts'
import { Refused } from './outcome.ts'
import type { Signature, SignedSet } from './record-bag.ts'
import type { HeldSet, ZoneKey } from './secure-zone.ts'
import type { BogusReason } from './validation.ts'
import type { Work } from './work.ts'

/** Types that mean the name which they stand at: never an expansion of a wildcard. */
const neverExpanded: ReadonlySet<number> = new Set([
  TYPE.DNSKEY,
  TYPE.DS,
  TYPE.SOA,
  TYPE.NS,
  TYPE.DNAME,
  // RFC 6840 section 4.1 and 5: an expanded denial would deny names that it was not made for.
  TYPE.NSEC,
  TYPE.NSEC3,
])

/**
 * Finds the signature by one of these keys of a zone that holds over a set (RFC 4035 section 5.3).
 * What costs nothing is checked first.
 * @throws Refused with the reason of the signature that came furthest
 */
export async function holdSet(
  work: Work,
  set: SignedSet,
  signers: { readonly zone: DnsName; readonly keys: readonly ZoneKey[] },
): Promise<HeldSet> {
  const before = work.held.get(set)
  if (before?.zone === signers.zone) return before
  const { zone, keys } = signers
  const what = `${typeName(set.type)} of ${set.name}`
  let failure = new Refused('unsigned', `Cannot trust ${what}: no signature stands beside it`)
  for (const signature of set.signatures) {
    const { rrsig } = signature
    const times = timesOf(signature, work.context.now)
    const fault = faultOf(set, signature, zone) ?? faultOfTimes(times, work.context.now)
    if (fault !== undefined) {
      failure = further(failure, fault[0], `Cannot trust ${what}: ${fault[1]}`)
      continue
    }
    const candidates = keys.filter(
      (key) => key.keyTag === rrsig.keyTag && key.algorithm === rrsig.algorithm,
    )
    if (candidates.length > KEYS_PER_TAG_MAX) {
      const count = `${candidates.length} keys have tag ${rrsig.keyTag}`
      throw new Refused('budget', `Cannot check ${what}: ${count}, limit ${KEYS_PER_TAG_MAX}`)
    }
    if (await holdsByOne(work, set, signature, candidates)) {
      const expanded = rrsig.labels < signedLabels(set.name)
      if (expanded && neverExpanded.has(set.type)) {
        throw new Refused('wildcard', `Cannot use ${what}: it was expanded from a wildcard`)
      }
      const wildcardLabels = expanded ? rrsig.labels : undefined
      const held: HeldSet = { set, signature, zone, ...times, wildcardLabels }
      work.held.set(set, held)
      work.note(zone, `${what}, signed by key ${rrsig.keyTag}`, 'holds')
      return held
    }
    const why = `no key ${rrsig.keyTag} of ${zone} made its signature`
    failure = further(failure, 'bad-signature', `Cannot trust ${what}: ${why}`)
  }
  throw failure
}

/** Whether a key made the signature. */
async function holdsByOne(
  work: Work,
  set: SignedSet,
  signature: Signature,
  candidates: readonly ZoneKey[],
): Promise<boolean> {
  if (candidates.length === 0) return false
  const { rrsig } = signature
  let data: Uint8Array
  try {
    data = signedData(set.records, rrsig)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    throw new Refused('malformed', cause.message)
  }
  for (const { algorithm, publicKey } of candidates) {
    work.spend('signature checks')
    if (await work.context.crypto.verify(algorithm, publicKey, data, rrsig.signature)) return true
  }
  return false
}

type Fault = readonly [reason: BogusReason, why: string]

function faultOf(set: SignedSet, { rrsig }: Signature, zone: DnsName): Fault | undefined {
  // "The RRSIG RR's Signer's Name field MUST be the name of the zone that contains the RRset."
  if (rrsig.signer !== zone) {
    return ['wrong-signer', `its signer is ${rrsig.signer}, must be ${zone}`]
  }
  // "The number of labels in the RRset owner name MUST be greater than or equal to the value in
  // the RRSIG RR's Labels field." A wildcard cannot stand above its own zone either.
  const labels = signedLabels(set.name)
  if (rrsig.labels > labels || rrsig.labels < signedLabels(zone)) {
    return ['bad-signature', `its signature counts ${rrsig.labels} labels, the name has ${labels}`]
  }
  return undefined
}

interface Times {
  readonly inception: number
  readonly expiration: number
}

/** Both times in ms, taken as the moment nearest to now (serial numbers, RFC 4034 3.1.5). */
function timesOf({ rrsig }: Signature, now: number): Times {
  const seconds = Math.floor(now / 1_000)
  const nearest = (time: number) => (seconds + ((time - seconds) | 0)) * 1_000
  return { inception: nearest(rrsig.inception), expiration: nearest(rrsig.expiration) }
}

function faultOfTimes({ inception, expiration }: Times, now: number): Fault | undefined {
  if (now > expiration) return ['expired', `its signature ended ${now - expiration} ms ago`]
  if (now < inception) {
    return ['not-yet-valid', `its signature begins in ${inception - now} ms`]
  }
  return undefined
}

/** How far a signature came: of several that fail, people want to hear of the best. */
const furthest: readonly BogusReason[] = [
  'unsigned',
  'wrong-signer',
  'bad-signature',
  'not-yet-valid',
  'expired',
]

function further(before: Refused, reason: BogusReason, message: string): Refused {
  const later = furthest.indexOf(reason) > furthest.indexOf(before.reason)
  return later ? new Refused(reason, message) : before
}
