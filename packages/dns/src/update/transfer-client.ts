import {
  CLASS,
  DnsError,
  EMPTY_MESSAGE,
  encodeMessage,
  isAtOrBelowName,
  sameRecord,
  TYPE,
  type DnsName,
  type DnsRecord,
  type Message,
  RCODE,
} from '../proof.ts'
import { openDeadline } from '../resolver/deadline.ts'
import { signTsig, verifyTsig } from '../tsig.ts'
import {
  TRANSFER_BYTES_MAX,
  TRANSFER_MS_MAX,
  TRANSFER_RECORDS_MAX,
  UNSIGNED_MESSAGES_MAX,
} from './limits.ts'
import { labelOf, newId, type Primary } from './primary.ts'
import { checkRcode, checkTsigError } from './refusal.ts'
import { readReply } from './signed-exchange.ts'
import { messagesOverTcp } from './tcp-messages.ts'

/**
 * All records of a zone, the SOA first, as the primary has them: AXFR over TCP (RFC 5936), with
 * every byte under a signature (RFC 8945 section 5.3.1). What a server adds by itself, such as
 * signatures, is among them.
 * @throws DnsError `tsig`, `refused`, `unreachable`, `format`, `limit`; the signal's reason
 */
export async function transferZone(
  zone: DnsName,
  primary: Primary,
  options: { readonly signal?: AbortSignal } = {},
): Promise<readonly DnsRecord[]> {
  const label = labelOf(primary)
  const silent = () =>
    new DnsError('unreachable', `Cannot get ${zone} of ${label}: over ${TRANSFER_MS_MAX} ms`)
  const outer = options.signal ?? new AbortController().signal
  outer.throwIfAborted()
  using deadline = openDeadline(outer, { ms: TRANSFER_MS_MAX, reason: silent })
  const query = {
    ...EMPTY_MESSAGE,
    id: newId(primary),
    questions: [{ name: zone, type: TYPE.AXFR, class: CLASS.IN }],
  }
  const signed = signTsig(encodeMessage(query), { key: primary.key, now: primary.now() })
  const transfer = new Transfer(zone, primary, signed.mac)
  for await (const bytes of messagesOverTcp(signed.bytes, primary, deadline.signal)) {
    transfer.take(bytes, readReply(bytes, query))
    if (transfer.ended) break
  }
  return transfer.records
}

/** A transfer, message by message. */
class Transfer {
  readonly records: DnsRecord[] = []
  /** The SOA came for the second time, signed (RFC 5936 section 2.2). */
  ended = false
  readonly #zone: DnsName
  readonly #primary: Primary
  readonly #label: string
  #mac: Uint8Array
  #isFirst = true
  #unsigned: Uint8Array[] = []
  #bytes = 0

  constructor(zone: DnsName, primary: Primary, mac: Uint8Array) {
    this.#zone = zone
    this.#primary = primary
    this.#label = `${zone} of ${labelOf(primary)}`
    this.#mac = mac
  }

  take(bytes: Uint8Array, message: Message | undefined): void {
    if (message === undefined) throw this.#broken('a message is no part of it')
    this.#bytes += bytes.length
    if (this.#bytes > TRANSFER_BYTES_MAX) {
      throw new DnsError('limit', `Cannot get ${this.#label}: over ${TRANSFER_BYTES_MAX} bytes`)
    }
    const isSigned = this.#verify(bytes, message)
    let isLast = false
    for (const record of message.answers) {
      if (isLast) throw this.#broken('records follow on its last one')
      isLast = this.#add(record)
    }
    if (isLast && !isSigned) {
      throw new DnsError('tsig', `Cannot trust ${this.#label}: its last message is not signed`)
    }
    this.ended = isLast
  }

  /** Whether the message was signed: the first has to be, and each hundredth after it. */
  #verify(bytes: Uint8Array, message: Message): boolean {
    if (message.rcode === RCODE.NOTAUTH) checkTsigError(message, this.#label)
    if (message.tsig === undefined) {
      checkRcode(message, `Cannot get ${this.#label}`)
      if (this.#isFirst || this.#unsigned.length >= UNSIGNED_MESSAGES_MAX) {
        throw new DnsError('tsig', `Cannot trust ${this.#label}: a message is not signed`)
      }
      this.#unsigned.push(bytes)
      return false
    }
    const { mac } = verifyTsig(bytes, message.tsig, {
      keys: [this.#primary.key],
      now: this.#primary.now(),
      priorMac: this.#mac,
      timersOnly: !this.#isFirst,
      unsignedBefore: this.#unsigned,
    })
    checkTsigError(message, this.#label)
    checkRcode(message, `Cannot get ${this.#label}`)
    this.#mac = mac
    this.#isFirst = false
    this.#unsigned = []
    return true
  }

  /** Whether the record ends the transfer. */
  #add(record: DnsRecord): boolean {
    const first = this.records[0]
    const isSoa = record.type === TYPE.SOA
    if (first === undefined) {
      if (!isSoa || record.name !== this.#zone) throw this.#broken('its first record is no SOA')
    } else if (isSoa) {
      // Another one would be that of another version of the zone.
      if (!sameRecord(first, record)) throw this.#broken('its last SOA is not its first one')
      return true
    }
    if (record.class !== CLASS.IN || !isAtOrBelowName(record.name, this.#zone)) {
      throw this.#broken(`${record.name} is no part of the zone`)
    }
    if (this.records.length >= TRANSFER_RECORDS_MAX) {
      throw new DnsError('limit', `Cannot get ${this.#label}: over ${TRANSFER_RECORDS_MAX} records`)
    }
    this.records.push(record)
    return false
  }

  #broken(why: string): DnsError {
    return new DnsError('format', `Cannot get ${this.#label}: ${why}`)
  }
}
