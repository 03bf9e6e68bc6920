import {
  below,
  CLASS,
  type DnsName,
  type DnsRecord,
  isAtOrBelowName,
  type Message,
  NAME_BYTES_MAX,
  OPCODE,
  parentOf,
  type Question,
  RCODE,
  readTarget,
  TYPE,
  wireOfName,
} from '../proof.ts'
import { denyCloserName, denyName, denyOtherTypes, negativeTtl } from './denial.ts'
import { ALIASES_MAX } from './limits.ts'
import { isMetaType } from './record-rules.ts'
import { reply } from './reply.ts'
import type { Rrset } from './rrset.ts'
import { findType, type ZoneContent, type ZoneNode } from './zone-content.ts'
import type { ZoneSigner } from './zone-signer.ts'

/** A zone that answers. */
export interface ServedZone {
  readonly zone: DnsName
  readonly content: ZoneContent
  readonly signer: ZoneSigner
}

/** The zones of a server, by name. */
export type ZoneTable<Zone extends ServedZone = ServedZone> = ReadonlyMap<DnsName, Zone>

/**
 * The answer to a query: a function of the query, the zones and the time. Nothing of the transport
 * is in it: the answer may be too large for UDP, and has no cookie and no transaction signature.
 */
export function answerQuery(
  query: Message,
  zones: ZoneTable,
  options: { readonly now: number },
): Message {
  const { edns } = query
  const [question] = query.questions
  if (edns !== undefined && edns.version > 0) return reply(query, { rcode: RCODE.BADVERS })
  if (query.opcode !== OPCODE.QUERY) return reply(query, { rcode: RCODE.NOTIMP })
  // RFC 9619: a query has one question. NXNAME cannot be asked for (RFC 9824 section 3.4).
  if (question === undefined || question.type === TYPE.NXNAME) {
    return reply(query, { rcode: RCODE.FORMERR })
  }
  if (question.class !== CLASS.IN || (isMetaType(question.type) && question.type !== TYPE.ANY)) {
    return reply(query, { rcode: question.class === CLASS.IN ? RCODE.NOTIMP : RCODE.REFUSED })
  }
  const zone = zoneFor(zones, question)
  if (zone === undefined) return reply(query, { rcode: RCODE.REFUSED })
  const answer = new Answer(zone, {
    now: options.now,
    signed: edns?.dnssecOk === true,
    compactOk: edns?.compactOk === true,
  })
  answer.answer(question)
  return reply(query, answer)
}

/** The nearest zone above a name; for DS, the parent's side if it is here (RFC 4035 3.1.4.1). */
function zoneFor(zones: ZoneTable, { name, type }: Question): ServedZone | undefined {
  const nearest = nearestZone(zones, name)
  if (nearest === undefined || type !== TYPE.DS || nearest.zone !== name || name === '.') {
    return nearest
  }
  return nearestZone(zones, parentOf(name)) ?? nearest
}

/** The zone of the table that a name lies in; undefined if there is none. */
export function nearestZone<Zone extends ServedZone>(
  zones: ZoneTable<Zone>,
  name: DnsName,
): Zone | undefined {
  for (let at = name; ; at = parentOf(at)) {
    const zone = zones.get(at)
    if (zone !== undefined || at === '.') return zone
  }
}

interface AnswerOptions {
  readonly now: number
  /** DO: with signatures and denials. */
  readonly signed: boolean
  /** CO: a compact denial may say NXDOMAIN (RFC 9824 section 5.1). */
  readonly compactOk: boolean
}

/** What one zone says to one question. */
class Answer {
  rcode: number = RCODE.NOERROR
  authoritative = true
  readonly answers: DnsRecord[] = []
  readonly authorities: DnsRecord[] = []
  readonly additionals: DnsRecord[] = []
  readonly #served: ServedZone
  readonly #content: ZoneContent
  readonly #options: AnswerOptions

  constructor(served: ServedZone, options: AnswerOptions) {
    this.#served = served
    this.#content = served.content
    this.#options = options
  }

  /** RFC 1034 section 4.3.2, with the changes of RFC 4035 section 3.1 and RFC 4592. */
  answer({ name, type }: Question): void {
    const seen = new Set<DnsName>()
    for (let at = name; ;) {
      const target = this.#step(at, type)
      // An alias that leaves the zone, comes back to itself or goes on for long ends the answer.
      if (target === undefined || !isAtOrBelowName(target, this.#content.zone)) return
      seen.add(at)
      if (seen.has(target) || seen.size > ALIASES_MAX) return
      at = target
    }
  }

  /** Adds what one name says; gives the alias to go on with. */
  #step(name: DnsName, type: number): DnsName | undefined {
    const { cut, encloser, node } = this.#find(name)
    if (cut !== undefined && !(cut === name && type === TYPE.DS)) {
      // Only a name asked for leads to a child zone; an alias that points into it ends the answer.
      if (this.answers.length === 0) this.#refer(cut)
      return undefined
    }
    if (node !== undefined) {
      return this.#fromNode({ name, type, rrsets: node.rrsets, isCut: cut === name })
    }
    const wildcard = this.#wildcardAt(encloser)
    if (wildcard === undefined) return this.#denyName(name, type)
    return this.#fromNode({ name, type, rrsets: wildcard.rrsets, isCut: false, encloser })
  }

  /** Walks from a name up to the zone's own. */
  #find(name: DnsName): {
    /** The highest delegation at or above the name. */
    readonly cut: DnsName | undefined
    /** The nearest name at or above it that exists. */
    readonly encloser: DnsName
    readonly node: ZoneNode | undefined
  } {
    const { zone } = this.#content
    const node = this.#content.node(name)
    let cut: DnsName | undefined
    let encloser: DnsName | undefined
    for (let at = name; at !== zone; at = parentOf(at)) {
      const found = at === name ? node : this.#content.node(at)
      if (found === undefined) continue
      encloser ??= at
      if (findType(found.rrsets, TYPE.NS) !== undefined) cut = at
    }
    return { cut, encloser: encloser ?? zone, node }
  }

  #wildcardAt(encloser: DnsName): ZoneNode | undefined {
    if (wireOfName(encloser).length + 2 > NAME_BYTES_MAX) return undefined
    const node = this.#content.node(below('*', encloser))
    return node === undefined || node.rrsets.length === 0 ? undefined : node
  }

  #fromNode(found: {
    readonly name: DnsName
    readonly type: number
    readonly rrsets: readonly Rrset[]
    readonly isCut: boolean
    /** If a wildcard below this name answers. */
    readonly encloser?: DnsName
  }): DnsName | undefined {
    const { name, type, rrsets, isCut, encloser } = found
    const alias = isCut ? undefined : findType(rrsets, TYPE.CNAME)
    // RFC 8482 section 4.1: one RRset is enough for ANY.
    const wanted = type === TYPE.ANY ? (alias ?? rrsets[0]) : findType(rrsets, type)
    const rrset = wanted ?? alias
    if (type === TYPE.NSEC || type === TYPE.RRSIG || rrset === undefined) {
      const ttl = negativeTtl(this.#soa())
      const denial = denyOtherTypes(this.#content, name, { rrsets, isCut, ttl })
      this.#denied(denial, type)
      return undefined
    }
    this.#add(this.answers, rrset, { owner: name })
    if (encloser !== undefined && this.#options.signed) {
      const ttl = negativeTtl(this.#soa())
      const denial = denyCloserName(this.#content, name, { encloser, ttl })
      this.#add(this.authorities, denial, { once: true })
    }
    if (wanted !== undefined) return undefined
    return readTarget(TYPE.CNAME, rrset.records[0]!.data)
  }

  /** There is no such name. Without DO that is NXDOMAIN; with it, a name with no types. */
  #denyName(name: DnsName, type: number): undefined {
    const { signed, compactOk } = this.#options
    if (!signed || compactOk) this.rcode = RCODE.NXDOMAIN
    const denial = denyName(this.#content, name, negativeTtl(this.#soa()))
    this.#denied(denial, type)
  }

  /** The denial says that there is an NSEC here: to who asks for that, it is the answer. */
  #denied(denial: Rrset, type: number): void {
    if (type === TYPE.NSEC) {
      this.rcode = RCODE.NOERROR
      return this.#add(this.answers, denial, { once: true })
    }
    if (type === TYPE.RRSIG) {
      this.rcode = RCODE.NOERROR
      this.answers.push(this.#served.signer.signOnce(denial, this.#options.now))
      return
    }
    const soa = this.#soa()
    this.#add(this.authorities, soa, { ttl: negativeTtl(soa) })
    if (this.#options.signed) this.#add(this.authorities, denial, { once: true })
  }

  /** RFC 4035 section 3.1.4: the child's servers, and whether its keys are named here. */
  #refer(cut: DnsName): void {
    this.authoritative = false
    const rrsets = this.#content.rrsetsAt(cut)
    const servers = findType(rrsets, TYPE.NS)!
    // What the child is the authority for is not signed here (RFC 4035 section 2.2).
    this.authorities.push(...servers.records)
    const ds = findType(rrsets, TYPE.DS)
    if (ds !== undefined) {
      if (this.#options.signed) this.#add(this.authorities, ds, {})
    } else if (this.#options.signed) {
      const ttl = negativeTtl(this.#soa())
      const denial = denyOtherTypes(this.#content, cut, { rrsets, isCut: true, ttl })
      this.#add(this.authorities, denial, { once: true })
    }
    for (const { data } of servers.records) this.#addGlue(readTarget(TYPE.NS, data))
  }

  #addGlue(server: DnsName): void {
    if (!isAtOrBelowName(server, this.#content.zone)) return
    for (const type of [TYPE.A, TYPE.AAAA]) {
      const rrset = this.#content.rrset(server, type)
      if (rrset !== undefined) this.additionals.push(...rrset.records)
    }
  }

  #add(
    section: DnsRecord[],
    rrset: Rrset,
    how: {
      /** The name that a wildcard's records take. */
      readonly owner?: DnsName
      /** Less than was signed. */
      readonly ttl?: number
      /** Its signature is not worth keeping. */
      readonly once?: boolean
    },
  ): void {
    const { owner = rrset.name, ttl = rrset.ttl, once = false } = how
    const { signer } = this.#served
    section.push(...rrset.recordsFor(owner, ttl))
    if (!this.#options.signed) return
    const { now } = this.#options
    const signature = once ? signer.signOnce(rrset, now) : signer.signature(rrset, now)
    section.push({ ...signature, name: owner, ttl })
  }

  #soa(): Rrset {
    const soa = this.#content.rrset(this.#content.zone, TYPE.SOA)
    if (soa === undefined) throw new Error(`Zone ${this.#content.zone} has no SOA`)
    return soa
  }
}
