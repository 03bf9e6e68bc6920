import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { ServerCounters } from './counters.ts'
import { answerOverHttp } from './https-exchange.ts'
import { CONNECTIONS_MAX, HTTPS_STREAMS_MAX, IDLE_MS_MAX } from './limits.ts'
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
    if (url?.pathname !== path) {
      response.writeHead(404, { 'access-control-allow-origin': '*', 'content-length': '0' })
      response.end()
      return
    }
    const { handler, guarded } = this.#options
    const address = request.socket.remoteAddress ?? '::'
    await answerOverHttp(request, response, (query) => {
      const reply = handler.handle(query, { transport: 'https', address, guarded })
      return reply instanceof Uint8Array ? reply : undefined
    })
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
