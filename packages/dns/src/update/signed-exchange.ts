import {
  decodeMessage,
  DnsError,
  encodeMessage,
  RCODE,
  UDP_BYTES_MAX,
  type Message,
} from '../proof.ts'
import { openDeadline } from '../resolver/deadline.ts'
import { signTsig, verifyTsig } from '../tsig.ts'
import { UPDATE_TCP_MS_MAX } from './limits.ts'
import { labelOf, type Primary } from './primary.ts'
import { checkTsigError } from './refusal.ts'
import { messagesOverTcp } from './tcp-messages.ts'
import { askOverUdp } from './udp-exchange.ts'

/** The answer to a signed message. */
export interface SignedAnswer {
  readonly message: Message
  /** A copy went out before: the server may have acted on that one already. */
  readonly repeated: boolean
}

/**
 * Sends a message with our signature and gives the answer once its signature holds. UDP carries
 * what fits into 1,232 bytes, TCP the rest, and whatever UDP did not settle.
 * @throws DnsError `tsig` (the answer's signature, or the server refuses ours), `refused` (an
 * unsigned refusal over TCP), `unreachable`, `limit` (over 64 KiB); the signal's reason
 */
export async function askSigned(
  message: Message,
  primary: Primary,
  options: { readonly signal?: AbortSignal; readonly tcp?: boolean } = {},
): Promise<SignedAnswer> {
  const { signal = new AbortController().signal, tcp = false } = options
  signal.throwIfAborted()
  const signed = signTsig(encodeMessage(message), { key: primary.key, now: primary.now() })
  let sent = 0
  if (!tcp && signed.bytes.length <= UDP_BYTES_MAX) {
    const take = (packet: Uint8Array) => takePacket(packet, { message, signed, primary })
    const outcome = await askOverUdp(signed.bytes, primary, { signal, take })
    if (outcome.answer !== undefined) {
      return { message: outcome.answer, repeated: outcome.sent > 1 }
    }
    sent = outcome.sent
  }
  const answer = await askOverTcp({ message, signed, primary }, signal)
  return { message: answer, repeated: sent > 0 }
}

interface Sent {
  readonly message: Message
  readonly signed: { readonly bytes: Uint8Array; readonly mac: Uint8Array }
  readonly primary: Primary
}

/** Only what the key signed is believed over UDP; a refusal without that is asked for over TCP. */
function takePacket(packet: Uint8Array, sent: Sent): Message | 'junk' | 'doubtful' {
  try {
    const answer = readReply(packet, sent.message)
    if (answer === undefined) return 'junk'
    verify(packet, answer, sent)
    return answer.truncated ? 'doubtful' : answer
  } catch (cause) {
    if (cause instanceof DnsError) return 'doubtful'
    throw cause
  }
}

async function askOverTcp(sent: Sent, outer: AbortSignal): Promise<Message> {
  const label = labelOf(sent.primary)
  const silent = () =>
    new DnsError('unreachable', `Cannot reach ${label}: no answer in ${UPDATE_TCP_MS_MAX} ms`)
  using deadline = openDeadline(outer, { ms: UPDATE_TCP_MS_MAX, reason: silent })
  for await (const bytes of messagesOverTcp(sent.signed.bytes, sent.primary, deadline.signal)) {
    const answer = readReply(bytes, sent.message)
    if (answer === undefined) {
      throw new DnsError('format', `Cannot use the answer of ${label}: it is to another message`)
    }
    // A server that does not know our key cannot sign what it says about that.
    if (answer.rcode === RCODE.NOTAUTH) checkTsigError(answer, label)
    if (answer.tsig === undefined && answer.rcode !== RCODE.NOERROR) return answer
    verify(bytes, answer, sent)
    return answer
  }
  throw new DnsError('unreachable', `Cannot reach ${label}: it sent no message`)
}

/** The message, or undefined if it is no reply to ours. @throws DnsError `format`, `limit` */
export function readReply(bytes: Uint8Array, sent: Message): Message | undefined {
  if (bytes.length < 12 || ((bytes[0]! << 8) | bytes[1]!) !== sent.id) return undefined
  const answer = decodeMessage(bytes)
  return answer.response && answer.opcode === sent.opcode ? answer : undefined
}

function verify(bytes: Uint8Array, answer: Message, { signed, primary }: Sent): void {
  const now = primary.now()
  verifyTsig(bytes, answer.tsig, { keys: [primary.key], now, priorMac: signed.mac })
  checkTsigError(answer, labelOf(primary))
}
