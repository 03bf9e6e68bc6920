import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { fromBase64url, TrustError } from '@ixj/trust'
import { decodeMessage, DnsError, RCODE, readSoa, TYPE } from '../proof.ts'
import type { ServerCounters } from './counters.ts'
import { CONNECTIONS_MAX, HTTPS_QUERY_BYTES_MAX, HTTPS_STREAMS_MAX, IDLE_MS_MAX } from './limits.ts'
import type { PacketHandler } from './packet-handler.ts'

/** Where queries over HTTPS are answered (RFC 8484), for browsers too. */
export interface HttpsOptions {
  readonly address: string
  /** 0: a free one. */
  readonly port: number
  /** PEM; without key and certificate it is plain HTTP, for a proxy on the same machine. */
  readonly key?: string
  readonly certificate?: string
  /** Default `/dns-query`. */
  readonly path?: string
}

/** What a listener works with. */
export interface HttpsListenerOptions extends HttpsOptions {
  readonly handler: PacketHandler
  readonly counters: ServerCounters
  readonly guarded: boolean
}

const MEDIA_TYPE = 'application/dns-message'
/** Any page may ask: answers are public, and nothing of the browser goes into them. */
const CROSS_ORIGIN = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'content-type, accept',
  'access-control-max-age': '86400',
} as const

/** Answers over HTTP/2 and HTTP/1.1 until disposed of. */
export class HttpsListener implements AsyncDisposable {
  readonly #server: Server
  readonly #options: HttpsListenerOptions
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, options: HttpsListenerOptions) {
    this.#server = server
    this.#options = options
    server.maxConnections = CONNECTIONS_MAX
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    // HTTP/2 gives its requests this form, too.
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // A request that ends early says nothing about the server.
      request.on('error', () => undefined)
      response.on('error', () => undefined)
      this.#answer(request, response).catch(() => {
        // Mostly a client that has gone; whatever it is, it ends this request alone.
        options.counters.connectionsCut++
        response.destroy()
      })
    })
    server.on('error', () => undefined)
  }

  /** Rejects with the system's error if the port is taken. */
  static async open(options: HttpsListenerOptions): Promise<HttpsListener> {
    const server = makeServer(options)
    server.listen({ port: options.port, host: options.address, ipv6Only: true })
    await once(server, 'listening')
    return new HttpsListener(server, options)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = this.#options.path ?? '/dns-query'
    const url = URL.parse(request.url ?? '/', 'http://localhost')
    if (url?.pathname !== path) return refuse(response, 404)
    if (request.method === 'OPTIONS') return refuse(response, 204)
    const query =
      request.method === 'GET'
        ? queryInUrl(url)
        : request.method === 'POST'
          ? await queryInBody(request)
          : 405
    if (typeof query === 'number') return refuse(response, query)
    const { handler, guarded } = this.#options
    const address = request.socket.remoteAddress ?? '::'
    const reply = handler.handle(query, { transport: 'https', address, guarded })
    if (!(reply instanceof Uint8Array)) return refuse(response, 400)
    response.writeHead(200, {
      ...CROSS_ORIGIN,
      'content-type': MEDIA_TYPE,
      'content-length': `${reply.length}`,
      'cache-control': cacheControl(reply),
    })
    response.end(reply)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

function makeServer({ key, certificate }: HttpsListenerOptions): Server {
  const patience = { headersTimeout: IDLE_MS_MAX, requestTimeout: IDLE_MS_MAX }
  if (key === undefined || certificate === undefined) {
    return createServer({ ...patience, keepAliveTimeout: IDLE_MS_MAX })
  }
  const server = createSecureServer({
    ...patience,
    key,
    cert: certificate,
    allowHTTP1: true,
    settings: { maxConcurrentStreams: HTTPS_STREAMS_MAX },
    handshakeTimeout: IDLE_MS_MAX,
  })
  server.setTimeout(IDLE_MS_MAX)
  server.on('session', (session) => {
    session.setTimeout(IDLE_MS_MAX, () => session.close())
    session.on('error', () => session.destroy())
  })
  return server
}

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
