import { once } from 'node:events'
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DOOR_SERVER_OPTIONS } from '@ixj/node/door'
import { HANDSHAKE_MS_MAX, IDLE_MS_MAX, STALLED_MS_MAX } from '../limits.ts'
import { RelayError } from '../relay-error.ts'
import type { Certificate } from '../tls/certificate-files.ts'
import { AddressShares } from './address-shares.ts'
import { plainAddress } from './client-address.ts'

/** What a web server is opened with. */
export interface WebServerOptions {
  readonly address: string
  /** 0: a free one. */
  readonly port: number
  readonly connectionsMax: number
  /** Connections of one address (IPv4), or of one /64 network (IPv6). */
  readonly connectionsPerAddressMax: number
  /** Addresses of proxies: theirs are those of many. */
  readonly proxies: ReadonlySet<string>
  /** Without it the server speaks plain HTTP. */
  readonly certificate: Certificate | undefined
  /** Answers a request. What it throws ends that request alone. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  /** Takes a connection that wants to become a WebSocket. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** Told of what no request can be told of: bugs, and errors of the listening socket. */
  readonly failed: (cause: unknown) => void
}

/** What became of connections. */
export interface WebCounts {
  /** Connections that were turned away, since `connectionsMax` stood. */
  dropped: number
  /** Connections that were turned away, since their address had as many as it may. */
  addressFull: number
  /** Connections that ended in the TLS handshake. */
  handshakesFailed: number
  /** Requests that were malformed, or too slow. */
  malformed: number
}

/** HTTP or HTTPS on one port, with WebSockets, until it is disposed of. */
export class WebServer implements AsyncDisposable {
  readonly counts: WebCounts = { dropped: 0, addressFull: 0, handshakesFailed: 0, malformed: 0 }
  /** The one that it took, also when it listens no more. */
  readonly port: number
  readonly #server: Server
  readonly #options: WebServerOptions
  readonly #sockets = new Set<Socket>()
  readonly #shares: AddressShares
  #closing: Promise<void> | undefined

  private constructor(server: Server, options: WebServerOptions) {
    this.#server = server
    this.#options = options
    this.#shares = new AddressShares(options.connectionsPerAddressMax)
    this.port = (server.address() as AddressInfo).port
    server.maxConnections = options.connectionsMax
    server.keepAliveTimeout = IDLE_MS_MAX
    // Who asks for a file and does not read it; a page's socket has a time of its own.
    server.timeout = STALLED_MS_MAX
    server.on('connection', (socket: Socket) => this.#connected(socket))
    server.on('drop', () => this.counts.dropped++)
    server.on('tlsClientError', (_cause, socket: Socket) => {
      this.counts.handshakesFailed++
      socket.destroy()
    })
    server.on('clientError', (_cause, socket: Duplex) => {
      this.counts.malformed++
      if (!socket.writable) return void socket.destroy()
      // Who keeps its own half open must not keep its place.
      const told = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'
      socket.end(told, () => socket.destroy())
    })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response)
    })
    server.on('upgrade', options.upgrade)
    server.on('error', options.failed)
  }

  /** @throws RelayError `listen` */
  static async open(options: WebServerOptions): Promise<WebServer> {
    const server = makeServer(options.certificate)
    try {
      server.listen({ host: options.address, port: options.port, ipv6Only: true })
      await once(server, 'listening')
    } catch (cause) {
      const { code = 'unknown' } = cause as NodeJS.ErrnoException
      const where = `${options.address} port ${options.port}`
      throw new RelayError('listen', `Cannot listen on ${where}: ${code}`, { cause })
    }
    return new WebServer(server, options)
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#sockets.size
  }

  /** New connections get this certificate. */
  use({ key, certificate }: Certificate): void {
    if ('setSecureContext' in this.#server) {
      ;(this.#server as TlsServer).setSecureContext({ ...TLS_OPTIONS, key, cert: certificate })
    }
  }

  /** Takes no new connection; resolves when the last one has ended. */
  stopAccepting(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeIdleConnections()
    })
    return this.#closing
  }

  /** Ends every connection. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.stopAccepting()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Before TLS, so that who holds connections alone holds no more than a share of them. */
  #connected(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '::')
    const isShared = this.#options.proxies.has(address)
    const share = isShared ? undefined : this.#shares.take(address)
    if (share === undefined && !isShared) {
      this.counts.addressFull++
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => {
      share?.[Symbol.dispose]()
      this.#sockets.delete(socket)
    })
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // A client that goes away says nothing about the server.
    request.on('error', () => response.destroy())
    response.on('error', () => response.destroy())
    this.#options.answer(request, response).catch((cause: unknown) => {
      // Mostly a client that has gone in the midst of it; else a bug, which must not end the rest.
      if (!request.destroyed || request.complete) this.#options.failed(cause)
      response.destroy()
    })
  }
}

const TLS_OPTIONS = { minVersion: 'TLSv1.2' } as const

function makeServer(certificate: Certificate | undefined): Server {
  const patience = { ...DOOR_SERVER_OPTIONS, noDelay: true }
  if (certificate === undefined) return createPlainServer(patience)
  return createTlsServer({
    ...patience,
    ...TLS_OPTIONS,
    handshakeTimeout: HANDSHAKE_MS_MAX,
    key: certificate.key,
    cert: certificate.certificate,
  })
}
