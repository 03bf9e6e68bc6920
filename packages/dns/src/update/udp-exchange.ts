import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { onAbort } from '../resolver/deadline.ts'
import { UPDATE_UDP_JUNK_MAX, UPDATE_UDP_WAITS_MS } from './limits.ts'
import type { Primary } from './primary.ts'

/** What came back over UDP, and how often the message went out. */
export interface UdpOutcome<Answer> {
  readonly answer: Answer | undefined
  readonly sent: number
}

/** How packets are taken: as the answer, as one of no use, or as a reason to ask over TCP. */
export type TakePacket<Answer> = (packet: Uint8Array) => Answer | 'junk' | 'doubtful'

/**
 * Sends bytes, again while nothing comes, and takes the first packet that is the answer. What UDP
 * cannot settle (silence, an error, a doubtful packet that a spoofer may have sent) is left to TCP:
 * the answer is undefined then. @throws the signal's reason
 */
export async function askOverUdp<Answer extends object>(
  bytes: Uint8Array,
  server: Primary['server'],
  options: { readonly signal: AbortSignal; readonly take: TakePacket<Answer> },
): Promise<UdpOutcome<Answer>> {
  const { signal, take } = options
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  let sent = 0
  let timer: NodeJS.Timeout | undefined
  let detach = () => {}
  try {
    const answer = await new Promise<Answer | undefined>((resolve, reject) => {
      let junk = 0
      const send = () => {
        const wait = UPDATE_UDP_WAITS_MS[sent]
        if (wait === undefined) return resolve(undefined)
        sent++
        socket.send(bytes)
        timer = setTimeout(send, wait)
      }
      detach = onAbort(signal, () => reject(signal.reason as Error))
      socket.on('error', () => resolve(undefined))
      socket.on('message', (packet) => {
        const taken = take(Uint8Array.from(packet))
        if (taken === 'junk' && ++junk < UPDATE_UDP_JUNK_MAX) return
        resolve(typeof taken === 'string' ? undefined : taken)
      })
      // Connected: the system drops packets from elsewhere, and says when nobody listens.
      socket.connect(server.port, server.address, () => {
        if (!signal.aborted) send()
      })
    })
    return { answer, sent }
  } finally {
    detach()
    clearTimeout(timer)
    await closed(socket)
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve())
  })
}
