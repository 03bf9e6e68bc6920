import type { IncomingMessage, ServerResponse } from 'node:http'
import { fromBase64url, TrustError } from '@ixj/trust'
import { decodeMessage, DnsError, RCODE, readSoa, TYPE } from '../proof.ts'
import { HTTPS_QUERY_BYTES_MAX } from './limits.ts'

const MEDIA_TYPE = 'application/dns-message'
/** Any page may ask: answers are public, and nothing of the browser goes into them. */
const CROSS_ORIGIN = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'content-type, accept',
  'access-control-max-age': '86400',
} as const

/**
 * Answers one request that came over HTTP (RFC 8484, GET and POST): with what `answer` says to the
 * query's bytes, or with the status that refuses it; undefined there is no message at all (400).
 */
export async function answerOverHttp(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (query: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>,
): Promise<void> {
  if (request.method === 'OPTIONS') return refuse(response, 204)
  const query = await queryOf(request)
  if (typeof query === 'number') return refuse(response, query)
  const reply = await answer(query)
  if (reply === undefined) return refuse(response, 400)
  response.writeHead(200, {
    ...CROSS_ORIGIN,
    'content-type': MEDIA_TYPE,
    'content-length': `${reply.length}`,
    'cache-control': cacheControl(reply),
  })
  response.end(reply)
}

/** The bytes of a query, or the status that refuses it. */
async function queryOf(request: IncomingMessage): Promise<Uint8Array | number> {
  if (request.method === 'POST') return await queryInBody(request)
  if (request.method !== 'GET') return 405
  const url = URL.parse(request.url ?? '/', 'http://localhost')
  return url === null ? 400 : queryInUrl(url)
}

/** An answer without a body, which pages of any origin may read. */
function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { ...CROSS_ORIGIN, 'content-length': '0' })
  response.end()
}

/** The bytes, or the status that refuses them. */
function queryInUrl(url: URL): Uint8Array | number {
  const text = url.searchParams.get('dns')
  if (text === null) return 400
  if (text.length > HTTPS_QUERY_BYTES_MAX) return 414
  try {
    return fromBase64url(text)
  } catch (cause) {
    if (cause instanceof TrustError) return 400
    throw cause
  }
}

async function queryInBody(request: IncomingMessage): Promise<Uint8Array | number> {
  if (request.headers['content-type'] !== MEDIA_TYPE) return 415
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length > HTTPS_QUERY_BYTES_MAX) return 413
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** RFC 8484 section 5.1: as long as the shortest-lived record may be kept; errors not at all. */
function cacheControl(reply: Uint8Array): string {
  const message = readReply(reply)
  if (message === undefined) return 'no-store'
  const { rcode, answers, authorities } = message
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 'no-store'
  const ttls = [...answers, ...authorities].map(({ type, ttl, data }) =>
    type === TYPE.SOA ? Math.min(ttl, readSoa(data).minimum) : ttl,
  )
  return ttls.length === 0 ? 'no-store' : `max-age=${Math.min(...ttls)}`
}

function readReply(reply: Uint8Array) {
  try {
    return decodeMessage(reply)
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}
