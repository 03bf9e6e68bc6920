import { DnsError } from '../dns-error.ts'
import { ALIASES_MAX } from '../limits.ts'
import type { DnsName } from '../wire/dns-name.ts'
import { readTarget } from '../wire/rdata.ts'
import type { DnsRecord } from '../wire/record.ts'
import { TYPE, typeName } from '../wire/record-type.ts'
import { type Found, findAnswer } from './find-answer.ts'
import type { HeldSet } from './secure-zone.ts'
import { Needed, Refused, Unsecured } from './outcome.ts'
import { RecordBag } from './record-bag.ts'
import type {
  Asked,
  Bogus,
  Incomplete,
  Secure,
  Validation,
  ValidationContext,
} from './validation.ts'
import { Work } from './work.ts'
import { anchorFor } from './zone-keys.ts'

/** Types that a question may have and a record of a zone has not, or that are no answer. */
const notAsked: ReadonlySet<number> = new Set([
  TYPE.OPT,
  TYPE.RRSIG,
  TYPE.NXNAME,
  TYPE.TSIG,
  TYPE.IXFR,
  TYPE.AXFR,
  TYPE.ANY,
])

/**
 * Decides what records prove of a name and type, from the anchors alone (RFC 4035 section 5, RFC
 * 5155, RFC 6840, RFC 9824). The records may come from any number of answers, in any order: who
 * carried them does not matter. The same function serves a resolver, which adds what is
 * `incomplete` and calls again, and a proof that is checked offline, for which incomplete means
 * unproven ({@link unproven}).
 *
 * Costs some 0.15 ms a signature; the work is bounded by limits.ts and counted before it is done.
 * @throws DnsError `argument` for a type that no zone has records of
 */
export async function validate(
  asked: Asked,
  records: readonly DnsRecord[],
  context: ValidationContext,
): Promise<Validation> {
  if (notAsked.has(asked.type)) {
    throw new DnsError('argument', `Cannot validate ${typeName(asked.type)}: no zone holds it`)
  }
  let work: Work | undefined
  try {
    work = new Work(new RecordBag(records), context)
    return await follow(work, asked)
  } catch (cause) {
    return verdictOn(cause, asked, { work, context })
  }
}

/**
 * What an incomplete validation comes to when nothing more can be asked: an answer without its
 * proof is no answer.
 */
export function unproven(incomplete: Incomplete): Bogus {
  const [need] = incomplete.needs
  const what = need === undefined ? 'it' : `${typeName(need.type)} of ${need.name}`
  return {
    state: 'bogus',
    reason: need?.type === TYPE.DNSKEY ? 'no-key' : 'bad-denial',
    message: `Cannot prove ${what}: neither signed records nor a proof that there are none`,
    steps: incomplete.steps,
  }
}

/** Follows aliases to their end. Each stands in its own zone, maybe below another anchor. */
async function follow(work: Work, asked: Asked): Promise<Secure> {
  const aliases: Found[] = []
  let { name } = asked
  for (;;) {
    work.name = name
    const found = await findAnswer(work, { name, type: asked.type })
    if (found.target === undefined) return secure(work, name, { found, aliases })
    work.note(found.zone.name, `${name} is an alias of ${found.target}`, 'holds')
    aliases.push(found)
    name = found.target
    // Loops end here as well.
    if (aliases.length > ALIASES_MAX) {
      const count = `over ${ALIASES_MAX} aliases, the last leads to ${name}`
      throw new Refused('alias', `Cannot follow ${asked.name}: ${count}`)
    }
  }
}

function secure(
  work: Work,
  name: DnsName,
  options: { readonly found: Found; readonly aliases: readonly Found[] },
): Secure {
  const { found, aliases } = options
  const { now } = work.context
  const all = [found, ...aliases]
  const answers = all.flatMap(({ held, noCloser }) => [...held, ...noCloser])
  const used = new Set([...answers, ...all.flatMap(({ zone }) => zone.held)])
  const expiresAt = Math.min(...[...used].map(({ expiration }) => expiration))
  const untilExpired = Math.floor((expiresAt - now) / 1_000)
  const records = found.kind === 'positive' ? found.held.flatMap((held) => signedTtl(held)) : []
  return {
    state: 'secure',
    answer: found.kind === 'nodata' || found.kind === 'nxdomain' ? found.kind : 'positive',
    zone: found.zone.name,
    anchor: found.zone.anchor,
    name,
    records,
    ttlSeconds: Math.min(untilExpired, ...answers.map(ttlOf)),
    signedAt: Math.max(...found.held.map(({ inception }) => inception)),
    expiresAt,
    wildcard: all.some(({ wildcard }) => wildcard),
    used: [...used].flatMap(recordsOf),
    steps: work.steps,
  }
}

/** RFC 4035 section 5.3.3: whoever carried the records may lower a TTL, not raise it. */
function ttlOf({ set, signature }: HeldSet): number {
  const { record, rrsig } = signature
  return Math.min(rrsig.originalTtl, record.ttl, ...set.records.map(({ ttl }) => ttl))
}

function signedTtl(held: HeldSet): DnsRecord[] {
  const ttl = ttlOf(held)
  return held.set.records.map((record) => ({ ...record, ttl }))
}

/** The set and its one signature, with the TTL that was signed: the same bytes from any cache. */
function recordsOf({ set, signature }: HeldSet): DnsRecord[] {
  const ttl = signature.rrsig.originalTtl
  return [...set.records, signature.record].map((record) => ({ ...record, ttl }))
}

function verdictOn(
  cause: unknown,
  asked: Asked,
  options: { readonly work: Work | undefined; readonly context: ValidationContext },
): Validation {
  const { work, context } = options
  const steps = work?.steps ?? []
  if (cause instanceof Needed) return { state: 'incomplete', needs: distinct(cause.needs), steps }
  if (cause instanceof Unsecured) {
    const records = work === undefined ? [] : plainAnswer(work.bag, asked)
    const name = work?.name ?? asked.name
    return { state: 'insecure', name, below: cause.below, records, steps }
  }
  const refused = cause instanceof DnsError ? new Refused('malformed', cause.message) : cause
  if (!(refused instanceof Refused)) throw cause
  const { reason, message } = refused
  const zone = anchorFor(context.anchors, asked.name) ?? asked.name
  return {
    state: 'bogus',
    reason,
    message,
    steps: [...steps, { zone, what: message, outcome: 'fails' }],
  }
}

/** The records as they stand, aliases followed, with nobody's word for them. */
function plainAnswer(bag: RecordBag, asked: Asked): readonly DnsRecord[] {
  let { name } = asked
  for (let count = 0; count <= ALIASES_MAX; count++) {
    const set = bag.find(name, asked.type)
    if (set !== undefined) return set.records
    const [alias] = bag.find(name, TYPE.CNAME)?.records ?? []
    const target = alias === undefined ? undefined : tryReadTarget(alias)
    if (target === undefined) return []
    name = target
  }
  return []
}

function tryReadTarget({ type, data }: DnsRecord): DnsName | undefined {
  try {
    return readTarget(type, data)
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}

function distinct(needs: readonly Asked[]): readonly Asked[] {
  return needs.filter(
    (need, index) =>
      needs.findIndex(({ name, type }) => name === need.name && type === need.type) === index,
  )
}
