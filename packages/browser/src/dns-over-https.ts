import { BrowserError } from './browser-error.ts'

const MEDIA_TYPE = 'application/dns-message'

/** Carries one DNS message there and its answer back; what comes back is believed by nobody. */
export type AskDns = (query: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>

/** Asks over HTTPS (RFC 8484) at this address, by POST. What it gives throws BrowserError `unreachable`. */
export function dnsOverHttps(address: string): AskDns {
  return async (query, signal) => {
    const refuse = (reason: string, cause?: unknown) =>
      new BrowserError('unreachable', `Cannot ask ${address}: ${reason}`, { cause })
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE },
        body: Uint8Array.from(query),
        ...(signal === undefined ? {} : { signal }),
      })
      if (!response.ok) throw refuse(`it answered ${response.status}`)
      return new Uint8Array(await response.arrayBuffer())
    } catch (cause) {
      // What fetch throws where no server answers.
      if (!(cause instanceof TypeError)) throw cause
      throw refuse(cause.message, cause)
    }
  }
}
