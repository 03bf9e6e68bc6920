import type { Name } from '@ixj/names'
import { reasonOf } from '../abort-reason.ts'
import { AgentError } from '../agent-error.ts'
import type { Clock } from '../clock.ts'
import type { Asked, Pending, Reply } from './pending.ts'

/**
 * Sends a request and waits for the one reply, until its lifespan ends.
 * @throws AgentError `no-answer`, `unreachable`; the signal's reason; what `send` throws
 */
export async function askOne(
  send: (asked: (correlation: Uint8Array) => void) => Promise<number>,
  wait: { readonly to: Name; readonly until: number; readonly signal?: AbortSignal | undefined },
  context: { readonly clock: Clock; readonly pending: Pending },
): Promise<Reply> {
  const { clock, pending } = context
  const { to, until, signal } = wait
  signal?.throwIfAborted()
  let end = () => {}
  try {
    return await new Promise<Reply>((resolve, reject) => {
      let forget: (() => void) | undefined
      let ended = false
      const cancel = clock.at(until, () => {
        const code = forget === undefined ? 'unreachable' : 'no-answer'
        reject(new AgentError(code, `Cannot get an answer of ${to}: the request's lifespan ended`))
      })
      const abort = () => reject(reasonOf(signal))
      signal?.addEventListener('abort', abort, { once: true })
      const asked: Asked = { accepts: (name) => name === to, until, reply: resolve }
      end = () => {
        ended = true
        cancel()
        forget?.()
        signal?.removeEventListener('abort', abort)
      }
      // A bundle that is made after the end is of a request that nobody waits for.
      const sealed = (correlation: Uint8Array) => {
        if (!ended) forget = pending.add(correlation, asked)
      }
      send(sealed).catch(reject)
    })
  } finally {
    end()
  }
}
