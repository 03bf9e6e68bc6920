import { randomBytes } from 'node:crypto'
import { below, keyOwner, keysOf, parseDnsName, type Secure, TYPE } from '@ixj/dns'
import type { Name } from '@ixj/names'
import { formatTime, toBase64url } from '@ixj/trust'
import { printable } from '../output.ts'
import { checkSignatureLife } from './check-zone.ts'
import {
  type Examination,
  type ExaminedZone,
  type Findings,
  note,
  spanText,
  well,
  wrong,
} from './finding.ts'

/** A removed key is kept by resolvers for its TTL; they keep nothing for longer than an hour. */
const KEY_TTL_SECONDS_MAX = 3_600

/** The keys that the domain publishes, and the hosts that these name. */
export async function* checkKeys(
  examination: Examination,
  { zone, isSecure }: ExaminedZone,
): Findings<readonly Name[]> {
  const { domain, resolver, now } = examination
  // What is not signed gives no key, and was told already.
  if (!isSecure) return []
  const owner = keyOwner(domain)
  const found = await resolver.resolve(owner, TYPE.TXT)
  if (found.state !== 'secure') {
    const message = 'message' in found ? printable(found.message) : 'it is not signed'
    yield wrong('keys', owner, {
      text: `its answer gives no key, ${found.state}: ${message}`,
      remedy: `see each step: ixj resolve ${domain}`,
    })
    return []
  }
  if (found.answer !== 'positive') {
    yield noKey(domain, parseDnsName(domain) === zone)
    return []
  }
  yield* readKeys(domain, found, now())
  yield* checkTtl(owner, found)
  yield checkSignatureLife(owner, found, now())
  const { keys, pending } = keysOf(domain, found, { now: now() })
  return [...new Set([...keys, ...pending].flatMap(({ hosts }) => hosts))]
}

function noKey(domain: Name, isZone: boolean) {
  const remedy = `publish one: ixj agent add ${domain}`
  if (!isZone) return wrong('keys', domain, { text: 'it has no key record (_ixjkey)', remedy })
  const text = 'the zone has no key of its own; names below it may have'
  return note('keys', domain, { text, remedy: `${remedy} --uses bind --lease never` })
}

function* readKeys(domain: Name, found: Secure, now: number) {
  const { keys, pending, reasons } = keysOf(domain, found, { now })
  for (const { key, uses, hosts } of keys) {
    const what = { sign: 'signs', bind: 'binds', both: 'signs and binds' }[uses]
    const where = hosts.length === 0 ? '' : `; hosts: ${hosts.join(', ')}`
    yield well('keys', domain, `key ${toBase64url(key)} counts, ${what}${where}`)
  }
  for (const { key, notBefore } of pending) {
    yield well('keys', domain, `key ${toBase64url(key)} counts from ${formatTime(notBefore)}`)
  }
  // Keys that are still to come are told as reasons, too: the last ones.
  const voids = reasons.slice(0, reasons.length - pending.length)
  for (const reason of voids) {
    yield wrong('keys', domain, {
      text: `a record does not count: ${printable(reason)}`,
      remedy: 'write it anew; ixj agent add, renew and rotate write records that count',
    })
  }
  if (keys.length === 0 && voids.length === 0) {
    yield wrong('keys', domain, {
      text: 'none of its keys counts yet',
      remedy: 'wait until the first one does, or publish one that counts now',
    })
  }
}

function* checkTtl(owner: string, { records }: Secure) {
  const ttl = records[0]?.ttl ?? 0
  if (ttl <= KEY_TTL_SECONDS_MAX) {
    yield well('ttl', owner, `resolvers keep its keys for ${spanText(ttl)}`)
    return
  }
  yield note('ttl', owner, {
    text: `resolvers keep its keys for ${spanText(ttl)}: a key that is removed stays that long`,
    remedy: `a TTL of ${spanText(KEY_TTL_SECONDS_MAX)} or less: ixj agent add --ttl`,
  })
}

/** Whether a name that nobody can have published has a key record. */
export async function* checkWildcard(
  { resolver }: Examination,
  { zone, isSecure }: ExaminedZone,
): Findings {
  if (!isSecure) return
  const nobody = below('_ixjkey', below(`ixj-${randomBytes(8).toString('hex')}`, zone))
  const found = await resolver.resolve(nobody, TYPE.TXT)
  if (found.state !== 'secure') return
  if (found.answer !== 'positive') {
    yield well('wildcard', zone, 'a name that nobody published has no key record')
    return
  }
  yield wrong('wildcard', zone, {
    text: 'a wildcard answers for the key record of any name; such keys count for nobody',
    remedy: `take the TXT at *.${zone} out of the zone`,
  })
}
