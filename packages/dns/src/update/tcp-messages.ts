import { DnsError } from '../proof.ts'
import { onAbort } from '../resolver/deadline.ts'
import { openTcp } from '../resolver/tcp-socket.ts'
import { labelOf, type Primary } from './primary.ts'

/**
 * Sends one message over a TCP connection of its own and yields each message that comes back (RFC
 * 1035 section 4.2.2). It does not end by itself: the reader knows the last one.
 * @throws DnsError `unreachable` if the connection fails or ends; the signal's reason
 */
export async function* messagesOverTcp(
  bytes: Uint8Array,
  primary: Primary,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  signal.throwIfAborted()
  const socket = openTcp(primary.server)
  const detach = onAbort(signal, () => socket.destroy(signal.reason as Error))
  try {
    // Length and message in one write (RFC 7766 section 8).
    socket.write(Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length), bytes]))
    let received = Buffer.alloc(0)
    for await (const part of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, part])
      while (received.length >= 2) {
        const end = 2 + received.readUInt16BE(0)
        if (received.length < end) break
        yield Uint8Array.from(received.subarray(2, end))
        received = received.subarray(end)
      }
    }
    throw unreachable(primary, 'it ended the connection')
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    if (cause instanceof DnsError || !(cause instanceof Error)) throw cause
    throw unreachable(primary, cause.message, cause)
  } finally {
    detach()
    socket.destroy()
  }
}

function unreachable(primary: Primary, why: string, cause?: Error): DnsError {
  const message = `Cannot reach ${labelOf(primary)}: ${why}`
  return new DnsError('unreachable', message, cause === undefined ? {} : { cause })
}
