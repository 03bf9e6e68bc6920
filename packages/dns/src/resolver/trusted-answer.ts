import {
  CLASS,
  DnsError,
  RCODE,
  readRrsig,
  readTarget,
  ROOT,
  signedLabels,
  TYPE,
  type Asked,
  type DnsName,
  type DnsRecord,
  type Message,
  type Resolution,
  type ValidationStep,
} from '../proof.ts'
import { exchange, type RandomBytes } from './exchange.ts'
import { coveredType } from './record-bag.ts'
import type { ServerList } from './upstreams.ts'

/** Aliases that are followed in one answer. */
const ALIASES_MAX = 8

/**
 * Lets a resolver on this machine validate, and believes its AD bit (RFC 4035 section 3.2.3). Such
 * an answer has no `used`: nobody can check it again, and no key chain can be made of it.
 */
export async function askTrusted(
  asked: Asked,
  list: ServerList,
  options: { readonly signal: AbortSignal; readonly random: RandomBytes; readonly now: number },
): Promise<Resolution> {
  try {
    const message = await exchange(asked, list, { ...options, validator: 'theirs' })
    return readTrusted(asked, message, options.now)
  } catch (cause) {
    // Unreachable, or an alias or signature that cannot be read.
    if (!(cause instanceof DnsError)) throw cause
    return { state: 'unreachable', message: cause.message, steps: [] }
  }
}

function readTrusted(asked: Asked, message: Message, now: number): Resolution {
  const name = endOfAliases(asked.name, message.answers)
  const own = message.answers.filter((record) => record.name === name)
  const records = own.filter(({ type }) => type === asked.type)
  const step: ValidationStep = {
    zone: ROOT,
    what: 'AD bit of the resolver on this machine',
    outcome: message.authenticData ? 'holds' : 'unsigned',
  }
  if (!message.authenticData) {
    return { state: 'insecure', name, below: undefined, records, steps: [step] }
  }
  const all = [...message.answers, ...message.authorities]
  const signatures = own
    .filter((record) => record.type === TYPE.RRSIG && coveredType(record) === asked.type)
    .map(({ data }) => readRrsig(data))
  const ttlSeconds = Math.min(...all.map(({ ttl }) => ttl))
  return {
    state: 'secure',
    answer:
      records.length > 0 ? 'positive' : message.rcode === RCODE.NXDOMAIN ? 'nxdomain' : 'nodata',
    zone: signatures[0]?.signer ?? ROOT,
    anchor: ROOT,
    name,
    records,
    ttlSeconds: all.length === 0 ? 0 : ttlSeconds,
    // The times of the signatures are the resolver's to check; these are when it said so.
    signedAt: now,
    expiresAt: now + (all.length === 0 ? 0 : ttlSeconds * 1_000),
    // Fewer labels than the name has: the resolver expanded a wildcard (RFC 4035 section 5.3.4).
    wildcard: signatures.some(({ labels }) => labels < signedLabels(name)),
    used: [],
    steps: [step],
  }
}

function endOfAliases(name: DnsName, answers: readonly DnsRecord[]): DnsName {
  let end = name
  for (let count = 0; count < ALIASES_MAX; count++) {
    const alias = answers.find(
      (record) => record.name === end && record.type === TYPE.CNAME && record.class === CLASS.IN,
    )
    if (alias === undefined) return end
    end = readTarget(TYPE.CNAME, alias.data)
  }
  return end
}
