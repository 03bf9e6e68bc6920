import {
  CLASS,
  decodeMessage,
  DnsError,
  type DnsName,
  EMPTY_MESSAGE,
  encodeMessage,
  isAtOrBelowName,
  type Message,
  OPCODE,
  type Question,
  RCODE,
  TYPE,
} from '../proof.ts'
import { askServer } from './ask-server.ts'
import { FORWARD_MS_MAX, FORWARDED_MAX } from './limits.ts'
import type { Place } from './tcp-socket.ts'

/** A zone, and the server that answers for it. */
export interface ForwardedZone {
  readonly zone: DnsName
  readonly server: Place
}

/** What a forwarder did since it was opened. */
export interface ForwardCounts {
  /** Questions that its zone's server answered. */
  answered: number
  /** Questions about other zones, and what is no plain question. */
  refused: number
  /** Questions that came while {@link FORWARDED_MAX} were on their way. */
  shed: number
  /** Questions that the server did not answer in time. */
  failed: number
}

/**
 * Puts questions about its own zones to their servers, and no others: it is no open resolver. It has
 * no keys of a zone, so it can pass answers on, leave them out, and nothing else that a validator
 * would take.
 */
export class ZoneForwarder implements AsyncDisposable {
  readonly counts: ForwardCounts = { answered: 0, refused: 0, shed: 0, failed: 0 }
  readonly #zones: readonly ForwardedZone[]
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<Uint8Array>>()

  /** The longest zone counts for a name. */
  constructor(zones: readonly ForwardedZone[]) {
    this.#zones = zones.toSorted((left, right) => right.zone.length - left.zone.length)
  }

  /** Questions on their way. */
  get running(): number {
    return this.#running.size
  }

  /**
   * The answer to a query in wire form, or an error of its own in that form: REFUSED for other zones,
   * SERVFAIL where the server cannot be reached. Undefined for bytes that are no query.
   */
  async answer(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const query = readQuery(bytes)
    if (query === undefined) return undefined
    const [question] = query.questions
    const zone = question === undefined ? undefined : this.#zoneOf(query, question)
    if (question === undefined || zone === undefined) {
      this.counts.refused++
      return errorTo(query, query.opcode === OPCODE.QUERY ? RCODE.REFUSED : RCODE.NOTIMP)
    }
    if (this.#running.size >= FORWARDED_MAX || this.#closing.signal.aborted) {
      this.counts.shed++
      return errorTo(query, RCODE.SERVFAIL)
    }
    const asking = this.#forward(query, question, zone)
    this.#running.add(asking)
    try {
      return await asking
    } finally {
      this.#running.delete(asking)
    }
  }

  /** Ends what is on its way. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DnsError('unreachable', 'Cannot pass a question on: it is closed'))
    await Promise.all(this.#running)
  }

  #zoneOf(query: Message, { name, type, class: ofClass }: Question): ForwardedZone | undefined {
    const isPlain = query.opcode === OPCODE.QUERY && ofClass === CLASS.IN && !isTransfer(type)
    if (!isPlain || query.questions.length !== 1) return undefined
    return this.#zones.find(({ zone }) => isAtOrBelowName(name, zone))
  }

  /** A question of our own, so that nothing else of what the asker sent reaches the server. */
  async #forward(
    query: Message,
    { name, type }: Question,
    { server }: ForwardedZone,
  ): Promise<Uint8Array> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(FORWARD_MS_MAX)])
    try {
      const dnssecOk = query.edns?.dnssecOk === true
      const options = { transport: 'tcp', dnssecOk, signal } as const
      const { edns: _, ...answer } = await askServer({ name, type }, server, options)
      this.counts.answered++
      const edns = query.edns === undefined ? {} : { edns: { ...query.edns, options: [] } }
      return encodeMessage({ ...answer, ...edns, id: query.id, questions: query.questions })
    } catch (cause) {
      if (!(cause instanceof DnsError) && !signal.aborted) throw cause
      this.counts.failed++
      return errorTo(query, RCODE.SERVFAIL)
    }
  }
}

function readQuery(bytes: Uint8Array): Message | undefined {
  try {
    const query = decodeMessage(bytes)
    return query.response ? undefined : query
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}

/** Whole zones, and what only speaks of messages. */
function isTransfer(type: number): boolean {
  return type === TYPE.AXFR || type === TYPE.IXFR
}

function errorTo({ id, opcode, questions }: Message, rcode: number): Uint8Array {
  return encodeMessage({ ...EMPTY_MESSAGE, id, opcode, response: true, rcode, questions })
}
