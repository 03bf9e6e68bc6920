import {
  addressOf,
  askServer,
  DnsError,
  type DnsName,
  type DnsRecord,
  parentOf,
  readTarget,
  ROOT,
  type Resolver,
  TYPE,
} from '@ixj/dns'
import type { Place } from '../zones/zone-arguments.ts'
import { addressesOf, ownUpstreams, placeOf, recordsOf } from './check-servers.ts'
import { type Examination, type Findings, note, well, wrong } from './finding.ts'

/** The servers of the zone above together have this long, in ms; people wait for it. */
const REFERRAL_MS_MAX = 5_000
/** Servers of the zone above that are asked before it is taken for silent. */
const SERVERS_ASKED_MAX = 4

/** What the zone above tells those who come from the root. */
interface Referral {
  readonly parent: DnsName
  readonly names: readonly DnsName[]
  /** Addresses of those names, as far as it gives any. */
  readonly glue: readonly DnsRecord[]
}

/**
 * Whether the zone above sends resolvers to the servers that the zone names itself (RFC 1034 section
 * 4.2.2: both have to say the same), and to addresses that they have.
 */
export async function* checkDelegation(examination: Examination, zone: DnsName): Findings {
  const { resolver } = examination
  const referral = await findReferral(examination, zone)
  if (referral === undefined) return
  const own = namesIn(recordsOf(await resolver.resolve(zone, TYPE.NS)), zone)
  const { parent, names } = referral
  const strangers = names.filter((name) => !own.includes(name))
  const missing = own.filter((name) => !names.includes(name))
  if (strangers.length > 0) {
    yield wrong('parent', zone, {
      text: `${parent} sends those who ask to ${strangers.join(', ')}, which the zone does not name`,
      remedy: `have ${parent} name the servers of ixj zone export ${zone}, or add these to the zone`,
    })
  }
  if (missing.length > 0) {
    yield note('parent', zone, {
      text: `${parent} does not name ${missing.join(', ')}, so nobody is sent there`,
      remedy: `have ${parent} name all its servers, or take it out of the NS records of the zone`,
    })
  }
  const moved = yield* compareAddresses(resolver, referral)
  if (strangers.length + missing.length + moved > 0) return
  yield well('parent', zone, `${parent} names the same servers: ${names.join(', ')}`)
}

/** How many names the zone above has at addresses that they do not have. */
async function* compareAddresses(
  resolver: Resolver,
  { parent, names, glue }: Referral,
): Findings<number> {
  let moved = 0
  for (const name of names) {
    const given = glue.filter((record) => record.name === name).flatMap(addressOf)
    const real = given.length === 0 ? [] : await addressesOf(resolver, name)
    const stale = given.filter((address) => !real.includes(address))
    if (stale.length === 0) continue
    moved++
    yield wrong('parent', name, {
      text: `${parent} has it at ${stale.join(', ')}, it is at ${real.join(', ') || 'no address'}`,
      remedy: `give ${parent} its new address (glue)`,
    })
  }
  return moved
}

/** What the nearest zone above says; undefined if it cannot be asked, or serves the zone as well. */
async function findReferral(
  examination: Examination,
  zone: DnsName,
): Promise<Referral | undefined> {
  const signal = AbortSignal.timeout(REFERRAL_MS_MAX)
  try {
    const found = await findParent(examination, { zone, signal })
    if (found === undefined) return undefined
    for (const place of found.places.slice(0, SERVERS_ASKED_MAX)) {
      // oxlint-disable-next-line no-await-in-loop -- The next one is asked only if this one fails.
      const records = await askReferral(place, { zone, signal })
      const names = namesIn(records, zone)
      if (names.length > 0) return { parent: found.parent, names, glue: records }
    }
    return undefined
  } catch (cause) {
    if (signal.aborted) return undefined
    throw cause
  }
}

async function findParent(
  examination: Examination,
  { zone, signal }: { readonly zone: DnsName; readonly signal: AbortSignal },
): Promise<{ readonly parent: DnsName; readonly places: readonly Place[] } | undefined> {
  const { resolver } = examination
  for (let parent = parentOf(zone); parent !== ROOT; parent = parentOf(parent)) {
    // oxlint-disable-next-line no-await-in-loop -- From the nearest one up.
    const names = namesIn(recordsOf(await resolver.resolve(parent, TYPE.NS, { signal })), parent)
    if (names.length === 0) continue
    const own = ownUpstreams(examination, parent)
    // oxlint-disable-next-line no-await-in-loop -- The loop ends here.
    const addresses = await Promise.all(names.map((name) => addressesOf(resolver, name)))
    return { parent, places: addresses.flat().map((address) => placeOf(address, own)) }
  }
  return undefined
}

/**
 * A referral is not authoritative: what is comes from the zone itself, on a server that has both,
 * and says nothing of what the zone above would say.
 */
async function askReferral(
  place: Place,
  { zone, signal }: { readonly zone: DnsName; readonly signal: AbortSignal },
): Promise<readonly DnsRecord[]> {
  try {
    const asked = { name: zone, type: TYPE.NS }
    const answer = await askServer(asked, place, { transport: 'udp', signal })
    return answer.authoritative ? [] : [...answer.authorities, ...answer.additionals]
  } catch (cause) {
    // It is silent, or what it says cannot be read: the next one may do better.
    if (cause instanceof DnsError) return []
    throw cause
  }
}

function namesIn(records: readonly DnsRecord[], zone: DnsName): readonly DnsName[] {
  return records
    .filter(({ name, type }) => name === zone && type === TYPE.NS)
    .flatMap(({ type, data }) => readTarget(type, data))
}
