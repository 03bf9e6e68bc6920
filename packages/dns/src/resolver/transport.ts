import { CLASS, decodeMessage, DnsError, OPCODE, type Asked, type Message } from '../proof.ts'

/** Carries a query to one server and its answer back. */
export interface Transport extends AsyncDisposable {
  /** Where it asks, for people. */
  readonly label: string
  /**
   * Resolves to bytes that claim to be the answer, under the query's id.
   * @throws DnsError `unreachable`; the signal's reason once that is aborted
   */
  ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

/** How a packet stands to a query. */
export type Fit =
  /** Its answer: id and question are the same byte by byte. */
  | 'answer'
  /** The right id alone: a server that does not keep the spelling, or a lucky guess. */
  | 'doubtful'
  | 'junk'

/**
 * Whether a packet answers a query. The spelling of the name counts: it is chance that somebody who
 * does not see the query has to guess too (draft-vixie-dnsext-dns0x20).
 */
export function fitOf(query: Uint8Array, packet: Uint8Array): Fit {
  const isReply = packet.length >= 12 && (packet[2]! & 0xf8) === 0x80
  if (!isReply || packet[0] !== query[0] || packet[1] !== query[1]) return 'junk'
  const end = questionEnd(query)
  if (packet.length < end) return 'doubtful'
  for (let at = 4; at < end; at++) {
    // The counts of records differ; the count of questions must not.
    if ((at < 6 || at >= 12) && packet[at] !== query[at]) return 'doubtful'
  }
  return 'answer'
}

/** Where the one question of a query of ours ends; its name is never compressed. */
function questionEnd(query: Uint8Array): number {
  let at = 12
  while (query[at] !== 0) at += query[at]! + 1
  return at + 5
}

/** TC: what came was cut off (RFC 1035 section 4.1.1). */
export function isTruncated(packet: Uint8Array): boolean {
  return (packet[2]! & 0x02) !== 0
}

/**
 * Reads the answer to a question. Whether it has our spelling is for UDP to look at: elsewhere a
 * server that does not keep it does no harm.
 * @throws DnsError `unreachable` if it is to another question, or unreadable
 */
export function readAnswer(asked: Asked, bytes: Uint8Array, label: string): Message {
  let message: Message
  try {
    message = decodeMessage(bytes)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    const why = `Cannot use the answer of ${label}: ${cause.message}`
    throw new DnsError('unreachable', why, { cause })
  }
  const { name, type, class: ofClass } = message.questions[0] ?? {}
  const isOurs = name === asked.name && type === asked.type && ofClass === CLASS.IN
  if (message.response && message.opcode === OPCODE.QUERY && isOurs) return message
  throw new DnsError('unreachable', `Cannot use the answer of ${label}: it is to another question`)
}
