import {
  type Asked,
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
import { ForwardedAnswers } from './forwarded-answers.ts'
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
  /** Questions that were answered from what was kept, or together with others that were the same. */
  shared: number
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
 * would take. Answers are kept for a minute at most, and never for longer than their TTLs and
 * signatures last.
 */
export class ZoneForwarder implements AsyncDisposable {
  readonly counts: ForwardCounts = { answered: 0, shared: 0, refused: 0, shed: 0, failed: 0 }
  readonly #zones: readonly ForwardedZone[]
  readonly #now: () => number
  readonly #closing = new AbortController()
  readonly #kept = new ForwardedAnswers()
  /** What is on its way: undefined where the server does not answer. */
  readonly #running = new Map<string, Promise<Message | undefined>>()

  /** The longest zone counts for a name. */
  constructor(zones: readonly ForwardedZone[], options: { readonly now?: () => number } = {}) {
    this.#zones = zones.toSorted((left, right) => right.zone.length - left.zone.length)
    this.#now = options.now ?? Date.now
  }

  /** Questions on their way. */
  get running(): number {
    return this.#running.size
  }

  /**
   * The answer to a query in wire form, or an error of its own in that form: REFUSED for other zones,
   * SERVFAIL where the server cannot be reached. Undefined for bytes that are no query. What is kept
   * of it is charged to the asker.
   */
  async answer(bytes: Uint8Array, asker: string): Promise<Uint8Array | undefined> {
    const query = readQuery(bytes)
    if (query === undefined) return undefined
    const [question] = query.questions
    const zone = question === undefined ? undefined : this.#zoneOf(query, question)
    if (question === undefined || zone === undefined) {
      this.counts.refused++
      return errorTo(query, query.opcode === OPCODE.QUERY ? RCODE.REFUSED : RCODE.NOTIMP)
    }
    const { server } = zone
    const answer = await this.#find(question, { server, dnssecOk: isSigned(query), asker })
    if (answer === undefined) return errorTo(query, RCODE.SERVFAIL)
    const edns = query.edns === undefined ? {} : { edns: { ...query.edns, options: [] } }
    return encodeMessage({ ...answer, ...edns, id: query.id, questions: query.questions })
  }

  /** Ends what is on its way. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DnsError('unreachable', 'Cannot pass a question on: it is closed'))
    await Promise.all(this.#running.values())
  }

  #zoneOf(query: Message, { name, type, class: ofClass }: Question): ForwardedZone | undefined {
    const isPlain = query.opcode === OPCODE.QUERY && ofClass === CLASS.IN && !isTransfer(type)
    if (!isPlain || query.questions.length !== 1) return undefined
    return this.#zones.find(({ zone }) => isAtOrBelowName(name, zone))
  }

  /** What is kept, or on its way already, else what the server says; undefined if it does not. */
  async #find(asked: Asked, by: Asking): Promise<Message | undefined> {
    const key = `${asked.name} ${asked.type} ${by.dnssecOk}`
    const known = this.#kept.get(key, this.#now()) ?? this.#running.get(key)
    if (known !== undefined) {
      this.counts.shared++
      return await known
    }
    if (this.#running.size >= FORWARDED_MAX || this.#closing.signal.aborted) {
      this.counts.shed++
      return undefined
    }
    const asking = this.#ask(asked, by, key)
    this.#running.set(key, asking)
    try {
      return await asking
    } finally {
      this.#running.delete(key)
    }
  }

  /** A question of our own, so that nothing else of what the asker sent reaches the server. */
  async #ask(asked: Asked, by: Asking, key: string): Promise<Message | undefined> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(FORWARD_MS_MAX)])
    try {
      const options = { transport: 'tcp', dnssecOk: by.dnssecOk, signal } as const
      const { edns: _, ...answer } = await askServer(asked, by.server, options)
      this.#kept.set(key, answer, { asker: by.asker, now: this.#now() })
      this.counts.answered++
      return answer
    } catch (cause) {
      if (!(cause instanceof DnsError) && !signal.aborted) throw cause
      this.counts.failed++
      return undefined
    }
  }
}

/** Whom a question is put to, and for whom. */
interface Asking {
  readonly server: Place
  readonly dnssecOk: boolean
  readonly asker: string
}

/** Whether the asker wants signatures. */
function isSigned({ edns }: Message): boolean {
  return edns?.dnssecOk === true
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
