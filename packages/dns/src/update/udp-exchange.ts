import { onAbort } from '../resolver/deadline.ts'
import { UPDATE_UDP_JUNK_MAX, UPDATE_UDP_WAITS_MS } from './limits.ts'
import type { Primary } from './primary.ts'
import { lineTo } from './udp-line.ts'

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
  primary: Primary,
  options: { readonly signal: AbortSignal; readonly take: TakePacket<Answer> },
): Promise<UdpOutcome<Answer>> {
  const { signal, take } = options
  const line = lineTo(primary)
  let sent = 0
  let timer: NodeJS.Timeout | undefined
  const undo: (() => void)[] = []
  try {
    const answer = await new Promise<Answer | undefined>((resolve, reject) => {
      let junk = 0
      const send = () => {
        const wait = UPDATE_UDP_WAITS_MS[sent]
        if (wait === undefined) return resolve(undefined)
        sent++
        timer = setTimeout(send, wait)
        line.send(bytes).catch(reject)
      }
      const isTooMuch = () => ++junk >= UPDATE_UDP_JUNK_MAX
      undo.push(onAbort(signal, () => reject(signal.reason as Error)))
      undo.push(
        line.listen({
          id: (bytes[0]! << 8) | bytes[1]!,
          packet: (packet) => {
            const taken = take(packet)
            if (taken === 'junk' && !isTooMuch()) return
            resolve(typeof taken === 'string' ? undefined : taken)
          },
          junk: () => {
            if (isTooMuch()) resolve(undefined)
          },
          failed: () => resolve(undefined),
        }),
      )
      if (!signal.aborted) send()
    })
    return { answer, sent }
  } finally {
    for (const each of undo) each()
    clearTimeout(timer)
  }
}
