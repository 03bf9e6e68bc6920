import { concatBytes } from '@ixj/trust'
import { NSEC3_ITERATIONS_MAX } from '../limits.ts'
import { toBase32hex } from '../text/base-encodings.ts'
import { below, type DnsName, parentOf, wireOfName } from '../wire/dns-name.ts'
import { TYPE } from '../wire/record-type.ts'
import { type Nsec3, OPT_OUT } from '../wire/rdata.ts'
import { denialAt, type Denial, hidesBelow } from './nsec.ts'
import { type Nsec3At, parametersOf } from './nsec3-record.ts'
import { Refused } from './outcome.ts'
import type { SignedSet } from './record-bag.ts'
import type { Work } from './work.ts'

/**
 * The hash of a name (RFC 5155 section 5), as the first label of the record that it belongs to.
 * @throws Refused `budget` for more than {@link NSEC3_ITERATIONS_MAX} rounds. RFC 9276 section 3.2
 * lets a validator call such a zone insecure instead. We do not: the name would lose its keys
 * either way, and "insecure" is a word that others may act on.
 */
export async function hashName(work: Work, name: DnsName, nsec3: Nsec3): Promise<string> {
  const { iterations, salt } = nsec3
  if (iterations > NSEC3_ITERATIONS_MAX) {
    const count = `${iterations} rounds of NSEC3, limit ${NSEC3_ITERATIONS_MAX}`
    throw new Refused('budget', `Cannot hash ${name}: ${count}`)
  }
  const key = `${parametersOf(nsec3)} ${name}`
  const known = work.hashes.get(key)
  if (known !== undefined) return known
  work.spend('hash rounds', iterations + 1)
  let hash = wireOfName(name)
  for (let round = 0; round <= iterations; round++) {
    hash = await work.context.crypto.digest('sha1', concatBytes(hash, salt))
  }
  const text = toBase32hex(hash)
  work.hashes.set(key, text)
  return text
}

/**
 * What the NSEC3 records of a zone prove of a name and type (RFC 5155 section 8); undefined:
 * nothing. Signatures are not checked yet.
 * @throws Refused `budget`
 */
export async function denyWithNsec3(
  work: Work,
  nsec3s: readonly Nsec3At[],
  asked: { readonly zone: DnsName; readonly name: DnsName; readonly type: number },
): Promise<Denial | undefined> {
  const { zone, name, type } = asked
  const encloser = await closestEncloser(work, nsec3s, { zone, name })
  if (encloser === undefined) return undefined
  const { match, closer } = encloser
  if (closer === undefined) {
    const kind = denialAt(match.nsec3.types, type)
    if (kind === undefined) return undefined
    return { kind, sets: [match.set], wildcard: false, optOut: false }
  }
  const cover = await covering(work, nsec3s, closer)
  if (cover === undefined) return undefined
  const optOut = (cover.nsec3.flags & OPT_OUT) !== 0
  const sets = [match.set, cover.set]
  // RFC 5155 section 8.6: no DS, and perhaps a delegation that the zone did not care to sign.
  if (type === TYPE.DS && optOut) {
    return { kind: 'delegation', sets: unique(sets), wildcard: false, optOut }
  }
  const wildcard = below('*', encloser.name)
  const own = await matching(work, nsec3s, wildcard)
  if (own !== undefined) {
    if (denialAt(own.nsec3.types, type) !== 'nodata') return undefined
    return { kind: 'nodata', sets: unique([...sets, own.set]), wildcard: true, optOut }
  }
  const none = await covering(work, nsec3s, wildcard)
  if (none === undefined) return undefined
  return { kind: 'nxdomain', sets: unique([...sets, none.set]), wildcard: false, optOut }
}

/** The NSEC3 which proves that no name `closer` exists (RFC 5155 section 8.8). */
export async function noCloserWithNsec3(
  work: Work,
  nsec3s: readonly Nsec3At[],
  closer: DnsName,
): Promise<Nsec3At | undefined> {
  return covering(work, nsec3s, closer)
}

interface Encloser {
  readonly name: DnsName
  readonly match: Nsec3At
  /** The name one label longer, which must not exist; undefined where the name itself exists. */
  readonly closer: DnsName | undefined
}

/** The longest name at or above `name` that has an NSEC3 (RFC 5155 section 8.3). */
async function closestEncloser(
  work: Work,
  nsec3s: readonly Nsec3At[],
  options: { readonly zone: DnsName; readonly name: DnsName },
): Promise<Encloser | undefined> {
  let closer: DnsName | undefined
  for (let at = options.name; ; at = parentOf(at)) {
    const match = await matching(work, nsec3s, at)
    if (match !== undefined) {
      // A cut or a DNAME says nothing of what is below it.
      if (closer !== undefined && hidesBelow(match.nsec3.types)) return undefined
      return { name: at, match, closer }
    }
    if (at === options.zone) return undefined
    closer = at
  }
}

async function matching(
  work: Work,
  nsec3s: readonly Nsec3At[],
  name: DnsName,
): Promise<Nsec3At | undefined> {
  const [first] = nsec3s
  if (first === undefined) return undefined
  const hash = await hashName(work, name, first.nsec3)
  return nsec3s.find((candidate) => candidate.hash === hash)
}

async function covering(
  work: Work,
  nsec3s: readonly Nsec3At[],
  name: DnsName,
): Promise<Nsec3At | undefined> {
  const [first] = nsec3s
  if (first === undefined) return undefined
  const hash = await hashName(work, name, first.nsec3)
  return nsec3s.find((candidate) => isBetween(candidate, hash))
}

/** Whether a hash lies strictly inside a span; the last span goes around the end. */
function isBetween({ hash: owner, next }: Nsec3At, hash: string): boolean {
  if (owner < next) return owner < hash && hash < next
  return hash !== owner && (owner < hash || hash < next)
}

function unique(sets: readonly SignedSet[]): readonly SignedSet[] {
  return [...new Set(sets)]
}
