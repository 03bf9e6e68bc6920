import {
  DnsError,
  type DnsName,
  type DnsRecord,
  decodeMessage,
  EMPTY_MESSAGE,
  encodeMessage,
  type Message,
  MESSAGE_BYTES_MAX,
  OPCODE,
  peekHeader,
  RCODE,
  readSoa,
  TYPE,
  UDP_BYTES_MAX,
} from '../proof.ts'
import type { TsigKey } from '../tsig.ts'
import { answerQuery, type ZoneTable } from './answer.ts'
import type { Cookies } from './cookies.ts'
import type { ServerCounters } from './counters.ts'
import { SIGNED_AHEAD_MAX, TRANSFERS_MAX } from './limits.ts'
import type { Limited, RateLimiter } from './rate-limiter.ts'
import { ReplayWindow } from './replay-window.ts'
import { reply } from './reply.ts'
import { isLaterSerial } from './serial.ts'
import { transferMessages } from './transfer.ts'
import {
  type Refused,
  refusedSignature,
  type Signed,
  tsigBytes,
  verifyRequest,
  withId,
} from './tsig-request.ts'
import { applyUpdate, UpdateRefused } from './update-message.ts'
import type { UpdateRights } from './update-policy.ts'
import type { ZoneStore } from './zone-store.ts'

/** Where a packet came from. */
export interface PacketSource {
  readonly transport: 'udp' | 'tcp' | 'https'
  readonly address: string
  /** Answers may go to somebody who did not ask: limits and cookies apply. */
  readonly guarded: boolean
}

/** What goes back: nothing, one message, one that takes a while, or a transfer. */
export type Reply = Uint8Array | Promise<Uint8Array> | AsyncIterable<Uint8Array> | undefined

/** What a handler works with. */
export interface PacketHandlerOptions {
  readonly zones: ZoneTable<ZoneStore>
  readonly keys: readonly TsigKey[]
  readonly rights: ReadonlyMap<DnsName, UpdateRights>
  readonly transferKeys: ReadonlySet<DnsName>
  readonly counters: ServerCounters
  readonly limiter: RateLimiter
  readonly cookies: Cookies
  readonly now: () => number
  readonly log: (line: string) => void
}

const HEADER_BYTES = 12
/** The least that UDP carries (RFC 1035 section 4.2.1). */
const PLAIN_UDP_BYTES_MAX = 512

/** One request, read and found to be what it says. */
interface Request {
  readonly query: Message
  readonly source: PacketSource
  readonly signed: Signed | undefined
}

/** Turns packets into answers; knows nothing of sockets. */
export class PacketHandler {
  readonly #options: PacketHandlerOptions
  readonly #counters: ServerCounters
  // For each key its own, so that whoever holds one cannot make another's updates seem old.
  readonly #replays: ReadonlyMap<DnsName, ReplayWindow>
  #transfers = 0

  constructor(options: PacketHandlerOptions) {
    this.#options = options
    this.#counters = options.counters
    this.#replays = new Map(options.keys.map(({ name }) => [name, new ReplayWindow()]))
  }

  /** Never throws, whatever the bytes are. */
  handle(packet: Uint8Array, source: PacketSource): Reply {
    try {
      const found = this.#handle(packet, source)
      if (!(found instanceof Promise)) return found
      return found.catch((error: unknown) => this.#fail(packet, error))
    } catch (error) {
      // A part of it that only its type reads has no such form.
      if (error instanceof DnsError) return this.#headerAlone(packet, RCODE.FORMERR)
      // A bug of ours; one packet must not end the service for all others.
      return this.#fail(packet, error)
    }
  }

  #handle(packet: Uint8Array, source: PacketSource): Reply {
    if (packet.length < HEADER_BYTES) return undefined
    const { opcode, response } = peekHeader(packet)
    // Two servers that answer each other's answers would never end.
    if (response) return undefined
    this.#counters.queries++
    const isKnown = opcode === OPCODE.QUERY || opcode === OPCODE.UPDATE
    const query = isKnown ? this.#read(packet) : undefined
    const limited = this.#limit(query, source)
    if (limited === 'drop') return undefined
    if (query === undefined) {
      return this.#headerAlone(packet, isKnown ? RCODE.FORMERR : RCODE.NOTIMP)
    }
    if (limited === 'cut') {
      const message = reply(query, { rcode: RCODE.NOERROR, truncated: true })
      return this.#send({ query, source, signed: undefined }, message)
    }
    if (limited === 'malformed') return this.#headerAlone(packet, RCODE.FORMERR)
    return this.#checkSignature(packet, query, source)
  }

  #read(packet: Uint8Array): Message | undefined {
    try {
      return decodeMessage(packet)
    } catch (cause) {
      if (cause instanceof DnsError) return undefined
      throw cause
    }
  }

  /** Before any other work: whether the sender may be somebody else. */
  #limit(query: Message | undefined, { transport, address, guarded }: PacketSource) {
    if (!guarded) return 'send'
    const now = this.#options.now()
    const verdict = this.#options.cookies.check(query?.edns, address, now)
    if (verdict === 'malformed') return 'malformed'
    if (transport !== 'udp' || verdict === 'valid') return 'send'
    const limited: Limited = this.#options.limiter.take(address, now)
    if (limited !== 'send') this.#counters.rateLimited++
    return limited
  }

  #checkSignature(packet: Uint8Array, query: Message, source: PacketSource): Reply {
    if (query.tsig === undefined) return this.#dispatch({ query, source, signed: undefined })
    const { keys, now } = this.#options
    const verified = verifyRequest(packet, query, { keys, now: now() })
    if (verified.kind === 'signed') return this.#dispatch({ query, source, signed: verified })
    this.#counters.refused++
    if (verified.kind === 'malformed') return this.#headerAlone(packet, RCODE.FORMERR)
    return this.#refuseSignature(query, verified)
  }

  #refuseSignature(query: Message, refused: Refused): Uint8Array {
    this.#count(RCODE.NOTAUTH)
    const { edns: _, ...plain } = reply(query, { rcode: RCODE.NOTAUTH })
    return refusedSignature(encodeMessage(plain), refused, this.#options.now())
  }

  #dispatch(request: Request): Reply {
    const { query, source } = request
    if (query.opcode === OPCODE.UPDATE) return this.#update(request)
    const type = query.questions[0]?.type
    if (type === TYPE.AXFR || type === TYPE.IXFR) return this.#transfer(request)
    const now = this.#options.now()
    const answer = answerQuery(query, this.#options.zones, { now })
    if (source.guarded && answer.edns !== undefined) {
      const options = this.#options.cookies.option(query.edns, source.address, now)
      return this.#send(request, { ...answer, edns: { ...answer.edns, options } })
    }
    return this.#send(request, answer)
  }

  /** RFC 2136 section 3; the signature comes first, so that strangers learn nothing. */
  #update(request: Request): Reply {
    const { query, signed, source } = request
    const refuse = (rcode: number) => this.#send(request, reply(query, { rcode }))
    const [zone] = query.questions
    if (zone === undefined || zone.type !== TYPE.SOA) return refuse(RCODE.FORMERR)
    const rights = signed === undefined ? undefined : this.#options.rights.get(signed.key.name)
    if (signed === undefined || rights === undefined || source.transport === 'https') {
      return refuse(RCODE.REFUSED)
    }
    const store = this.#options.zones.get(zone.name)
    if (store === undefined) return refuse(RCODE.NOTAUTH)
    const replays = this.#replays.get(signed.key.name)!
    const once = replays.once(signed, this.#options.now(), async () => {
      const rcode = await this.#carryOut(store, query, rights)
      return this.#send(request, reply(query, { rcode }))
    })
    if (once !== undefined) return once.then((bytes) => withId(bytes, query.id))
    return this.#refuseSignature(query, { kind: 'refused', rcode: RCODE.BADTIME, by: signed })
  }

  async #carryOut(store: ZoneStore, query: Message, rights: UpdateRights): Promise<number> {
    try {
      await store.change((draft) => applyUpdate(draft, query, rights))
      this.#counters.updates++
      this.#signAhead(store, query.authorities)
      return RCODE.NOERROR
    } catch (cause) {
      if (cause instanceof UpdateRefused) return cause.rcode
      // A full disk, or too much at once: the sender may try again.
      if (!(cause instanceof DnsError)) this.#report(cause)
      return RCODE.SERVFAIL
    }
  }

  /** Whoever publishes a key asks for it next: a few are signed once the update's answer is out. */
  #signAhead(store: ZoneStore, records: readonly DnsRecord[]): void {
    if (records.length > SIGNED_AHEAD_MAX) return
    setImmediate(() => {
      try {
        for (const { name, type } of records) {
          const rrset = store.content.rrset(name, type)
          if (rrset !== undefined) store.signer.signature(rrset, this.#options.now())
        }
      } catch (error) {
        // Nobody waits for this; a bug of ours must not end the service.
        this.#report(error)
      }
    })
  }

  #transfer(request: Request): Reply {
    const { query, signed, source } = request
    const refuse = (rcode: number) => this.#send(request, reply(query, { rcode }))
    const [question] = query.questions
    if (signed === undefined || source.transport === 'https') return refuse(RCODE.REFUSED)
    const { name: key } = signed.key
    // Whoever may change the zone itself may read it; no key of one zone reads another by that.
    const { name } = question!
    const isOwners = this.#options.rights.get(key)?.allows(name, name, TYPE.SOA) === true
    if (!isOwners && !this.#options.transferKeys.has(key)) return refuse(RCODE.REFUSED)
    const zone = this.#options.zones.get(name)
    if (zone === undefined) return refuse(RCODE.NOTAUTH)
    const isIncremental = question!.type === TYPE.IXFR
    // RFC 1995 section 2: whoever has this serial needs no more than to hear it.
    const theirs = query.authorities.find(({ type }) => type === TYPE.SOA)
    if (isIncremental && theirs === undefined) return refuse(RCODE.FORMERR)
    const isCurrent = isIncremental && !isLaterSerial(zone.serial, readSoa(theirs!.data).serial)
    if (isCurrent || (isIncremental && source.transport === 'udp')) {
      const soa = zone.content.rrset(zone.zone, TYPE.SOA)
      const answers = soa?.records ?? []
      return this.#send(request, reply(query, { rcode: 0, authoritative: true, answers }))
    }
    if (source.transport === 'udp') return refuse(RCODE.FORMERR)
    if (this.#transfers >= TRANSFERS_MAX) return refuse(RCODE.REFUSED)
    return this.#transferAll(zone, query, signed)
  }

  async *#transferAll(zone: ZoneStore, query: Message, signed: Signed): AsyncGenerator<Uint8Array> {
    this.#transfers++
    this.#count(RCODE.NOERROR)
    try {
      const { now } = this.#options
      let previous: Signed = signed
      let timersOnly = false
      const sign = (message: Uint8Array): Uint8Array => {
        const { bytes, mac } = previous.sign(message, { now: now(), timersOnly })
        // Each message is bound to the one before it (RFC 8945 section 5.3.1).
        previous = previous.after(mac)
        timersOnly = true
        return bytes
      }
      yield* transferMessages(zone, query, { now, sign })
    } finally {
      this.#transfers--
    }
  }

  /** Encodes an answer for its transport, and signs it if the request was. */
  #send({ query, source, signed }: Request, message: Message): Uint8Array {
    this.#count(message.rcode)
    const bytesMax = bytesMaxOf(query, source) - (signed === undefined ? 0 : tsigBytes(signed.key))
    let bytes = encodeMessage(message)
    if (bytes.length > bytesMax) {
      this.#counters.truncated++
      const { edns } = message
      const cut = {
        ...reply(query, { rcode: message.rcode, truncated: true }),
        ...(edns && { edns }),
      }
      bytes = encodeMessage(cut)
    }
    if (signed === undefined) return bytes
    return signed.sign(bytes, { now: this.#options.now() }).bytes
  }

  /** For requests that cannot be read further than their header. */
  #headerAlone(packet: Uint8Array, rcode: number): Uint8Array {
    const { id, opcode } = peekHeader(packet)
    this.#count(rcode)
    return encodeMessage({ ...EMPTY_MESSAGE, id, opcode, response: true, rcode })
  }

  #count(rcode: number): void {
    const { answers } = this.#counters
    answers.set(rcode, (answers.get(rcode) ?? 0) + 1)
    if (rcode === RCODE.REFUSED) this.#counters.refused++
  }

  #fail(packet: Uint8Array, error: unknown): Uint8Array {
    this.#report(error)
    return this.#headerAlone(packet, RCODE.SERVFAIL)
  }

  #report(error: unknown): void {
    this.#counters.failures++
    this.#options.log(`Cannot answer: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

function bytesMaxOf({ edns }: Message, { transport }: PacketSource): number {
  if (transport !== 'udp') return MESSAGE_BYTES_MAX
  // RFC 6891 section 6.2.5: less than 512 means 512.
  const asked = Math.max(edns?.udpBytes ?? PLAIN_UDP_BYTES_MAX, PLAIN_UDP_BYTES_MAX)
  return Math.min(asked, UDP_BYTES_MAX)
}
