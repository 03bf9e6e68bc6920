import { BrowserError } from './browser-error.ts'
import { readBounded } from './read-bounded.ts'

const MEDIA_TYPE = 'application/dns-message'
/** The longest DNS message (RFC 1035 section 4.2.2: its length has two bytes). */
const ANSWER_BYTES_MAX = 65_535
/** How long an address may take to answer. */
export const DNS_ANSWER_MS = 3_000

/** Carries one DNS message there and its answer back; what comes back is believed by nobody. */
export type AskDns = (query: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>

/**
 * Asks over HTTPS (RFC 8484) at this address, by POST. What it gives throws BrowserError `unreachable`,
 * also where there is no answer within {@link DNS_ANSWER_MS}; the signal's reason.
 */
export function dnsOverHttps(address: string): AskDns {
  return async (query, signal) => {
    const refuse = (reason: string, cause?: unknown) =>
      new BrowserError('unreachable', `Cannot ask ${address}: ${reason}`, { cause })
    signal?.throwIfAborted()
    const late = AbortSignal.timeout(DNS_ANSWER_MS)
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE },
        body: Uint8Array.from(query),
        credentials: 'omit',
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      })
      if (!response.ok) throw refuse(`it answered ${response.status}`)
      const answer = await readBounded(response, ANSWER_BYTES_MAX)
      if (answer === undefined) {
        throw refuse(`its answer has over ${ANSWER_BYTES_MAX} bytes, the limit`)
      }
      return answer
    } catch (cause) {
      signal?.throwIfAborted()
      if (late.aborted) throw refuse(`no answer within ${DNS_ANSWER_MS} ms`, cause)
      // What fetch throws where no server answers.
      if (!(cause instanceof TypeError)) throw cause
      throw refuse(cause.message, cause)
    }
  }
}

/** Where a relay answers about zones: `/dns-query` beside its WebSocket. */
export function relayDnsAddress(url: string): string {
  return new URL('/dns-query', url.replace(/^ws/, 'http')).href
}
