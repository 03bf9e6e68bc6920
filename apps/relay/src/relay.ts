import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { ZoneForwarder } from '@ixj/dns'
import { type Node, openNode, systemClock } from '@ixj/node'
import type { DoorSettings } from '@ixj/node/door'
import type { Logger } from 'pino'
import type { Configuration } from './configuration/schema.ts'
import { WaitingInvitations } from './invitations/waiting-invitations.ts'
import { Metrics } from './metrics.ts'
import { tellPolicy } from './tell-policy.ts'
import { type CertificateChange, CertificateFiles } from './tls/certificate-files.ts'
import { METRICS_CONNECTIONS_MAX } from './limits.ts'
import { clientAddress } from './web/client-address.ts'
import { ownOrigins } from './web/own-origins.ts'
import { PageFiles } from './web/page-files.ts'
import { type Readiness, Routes } from './web/routes.ts'
import { securityHeaders } from './web/security-headers.ts'
import { sendJson } from './web/send-json.ts'
import { sendMetrics } from './web/send-metrics.ts'
import { WebServer } from './web/web-server.ts'
import { RelayError } from './relay-error.ts'

/** A node with its door, and what stands on the same port beside it. */
export class Relay implements AsyncDisposable {
  readonly #configuration: Configuration
  readonly #logger: Logger
  readonly #opened = new AsyncDisposableStack()
  readonly #invitations = new WaitingInvitations(systemClock)
  #certificate: CertificateFiles | undefined
  #page: PageFiles | undefined
  #routes: Routes | undefined
  #web: WebServer | undefined
  #node: Node | undefined
  #metNeighbour = false
  #draining = false

  private constructor(configuration: Configuration, logger: Logger) {
    this.#configuration = configuration
    this.#logger = logger
  }

  /**
   * Opens a relay: it answers `/healthz` as soon as it listens, and takes pages when the mesh is up.
   * @throws RelayError `certificate`, `page`, `listen`; and as openNode
   */
  static async open(configuration: Configuration, logger: Logger): Promise<Relay> {
    const relay = new Relay(configuration, logger)
    try {
      await relay.#open()
      return relay
    } catch (cause) {
      await relay[Symbol.asyncDispose]()
      throw cause
    }
  }

  /** Where it is reached on this machine. */
  get url(): string {
    const { address } = this.#configuration.listen
    const host = address.includes(':') ? `[${address}]` : address
    const scheme = this.#certificate === undefined ? 'http' : 'https'
    return `${scheme}://${host}:${this.#web?.port ?? 0}`
  }

  /** Its node. */
  get node(): Node {
    if (this.#node === undefined) throw new Error('The relay is not open')
    return this.#node
  }

  /** Whether it takes pages now, and why not. */
  get readiness(): Readiness {
    if (this.#draining) return { ready: false, reason: 'it ends' }
    if (this.#node === undefined) return { ready: false, reason: 'its node is not open yet' }
    this.#metNeighbour ||= this.#node.neighbours.length > 0
    if (this.#configuration.mesh.connect.length > 0 && !this.#metNeighbour) {
      return { ready: false, reason: 'no neighbour has been met yet' }
    }
    return { ready: true, reason: 'it takes pages' }
  }

  /** Reads certificate, page and policy again; what cannot be used is told, and the old goes on. */
  async reload(): Promise<void> {
    await this.#certificate?.reload()
    await this.#node?.policy?.reload()
    const { folder } = this.#configuration.page
    if (folder === undefined) return
    try {
      this.#page = await PageFiles.open(folder)
      this.#logger.info({ event: 'page', files: this.#page.size }, 'page read')
    } catch (cause) {
      if (!(cause instanceof RelayError)) throw cause
      this.#logger.error(
        { event: 'page', code: cause.code },
        `${cause.message}; the old one goes on`,
      )
    }
  }

  /**
   * Takes nobody new, asks pages to go elsewhere, and waits for them: as long as the configuration
   * says, or until the signal.
   */
  async drain(signal: AbortSignal): Promise<void> {
    if (this.#web === undefined || this.#draining) return
    this.#draining = true
    const { seconds } = this.#configuration.drain
    this.#logger.info(
      { event: 'draining', seconds, connections: this.#web.connections },
      'draining',
    )
    const ended = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1_000)])
    const left = Promise.all([this.#web.stopAccepting(), this.#node?.door?.drain()])
    await Promise.race([left, aborted(ended)])
  }

  /** Closes all of it, the web first. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining = true
    await this.#web?.[Symbol.asyncDispose]()
    await this.#opened.disposeAsync()
  }

  async #open(): Promise<void> {
    const { listen, limits, proxies, name, home, mesh, page, dns } = this.#configuration
    this.#certificate = await this.#openCertificate()
    this.#page = page.folder === undefined ? undefined : await PageFiles.open(page.folder)
    const zones = dns.length === 0 ? undefined : this.#opened.use(new ZoneForwarder(dns))
    const metrics = new Metrics({
      node: () => this.#node,
      web: () => this.#web,
      zones,
      invitations: this.#invitations,
      routes: () => this.#routes,
      isReady: () => this.readiness.ready,
      certificateEnd: () => this.#certificate?.current.notAfter,
    })
    const routes = this.#makeRoutes(metrics, zones)
    this.#routes = routes
    this.#web = this.#opened.use(
      await WebServer.open({
        ...listen,
        connectionsMax: limits.connections,
        connectionsPerAddressMax: limits.connectionsPerAddress,
        proxies: new Set(proxies),
        certificate: this.#certificate?.current,
        answer: (request, response) => routes.answer(request, response),
        upgrade: (request, socket, head) => this.#upgrade(request, socket, head),
        failed: (cause) => this.#failed(cause),
      }),
    )
    this.#logger.info({ event: 'listening', url: this.url }, 'listening')
    await this.#openMetrics(metrics)
    this.#node = this.#opened.use(
      await openNode({
        name,
        home,
        listen: mesh.listen,
        connect: mesh.connect,
        door: this.#doorSettings(),
      }),
    )
    const closed = new AbortController()
    this.#opened.defer(() => closed.abort())
    this.#opened.use(this.#invitations)
    this.#serveInviters(this.#node, closed.signal)
    const changes = this.#node.policy?.changes({ signal: closed.signal })
    if (changes !== undefined) {
      tellPolicy(changes, this.#logger).catch((cause: unknown) => this.#failed(cause))
    }
    this.#logger.info({ event: 'opened', addresses: this.#node.addresses }, 'node opened')
  }

  /** A port of its own: behind a proxy that nobody listed, all the world comes from this machine. */
  async #openMetrics(metrics: Metrics): Promise<void> {
    const { port } = this.#configuration.metrics
    if (port === undefined) return
    const address = '127.0.0.1'
    const web = this.#opened.use(
      await WebServer.open({
        address,
        port,
        connectionsMax: METRICS_CONNECTIONS_MAX,
        connectionsPerAddressMax: METRICS_CONNECTIONS_MAX,
        proxies: new Set(),
        certificate: undefined,
        answer: async (request, response) => {
          if (request.url === '/metrics') await sendMetrics(response, () => metrics.text())
          else sendJson(response, 404, { error: 'absent' })
        },
        upgrade: (_, socket) => socket.destroy(),
        failed: (cause) => this.#failed(cause),
      }),
    )
    const url = `http://${address}:${web.port}/metrics`
    this.#logger.info({ event: 'metrics', url }, 'metrics are told')
  }

  #makeRoutes(metrics: Metrics, zones: ZoneForwarder | undefined): Routes {
    const { page, proxies, metrics: told } = this.#configuration
    return new Routes({
      readiness: () => this.readiness,
      metrics: () => metrics.text(),
      metricsToken: told.token,
      zones,
      invitations: this.#invitations,
      page: () => this.#page,
      headers: securityHeaders({
        connect: page.connect,
        secure: this.#certificate !== undefined || proxies.length > 0,
      }),
      proxies: new Set(proxies),
      answered: ({ route, status, ms }) => {
        metrics.requested(route, status)
        this.#logger.debug({ event: 'request', route, status, ms: Math.round(ms) }, 'request')
      },
    })
  }

  /** What inviters ask is the one thing that the node itself is asked. */
  #serveInviters(node: Node, signal: AbortSignal): void {
    const serve = async (): Promise<void> => {
      for await (const request of node.host.self.requests({ signal })) {
        this.#invitations.handle(request).catch((cause: unknown) => this.#failed(cause))
      }
    }
    serve().catch((cause: unknown) => this.#failed(cause))
  }

  /** A page comes in; before the node is open there is nobody whom it could meet. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const door = this.#node?.door
    if (door !== undefined) return door.handleUpgrade(request, socket, head)
    socket.on('error', () => socket.destroy())
    const told = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n'
    socket.end(told, () => socket.destroy())
  }

  #doorSettings(): DoorSettings {
    const { name, origins, door: limits, proxies } = this.#configuration
    const believed = new Set(proxies)
    const own = ownOrigins({
      name,
      port: this.#web?.port ?? 0,
      hasCertificate: this.#certificate !== undefined,
      isProxied: proxies.length > 0,
    })
    return {
      origins: [...own, ...origins],
      limits,
      addressOf: (request) => clientAddress(request, believed),
    }
  }

  async #openCertificate(): Promise<CertificateFiles | undefined> {
    const { key, certificate } = this.#configuration.tls
    if (key === undefined || certificate === undefined) return undefined
    return this.#opened.use(
      await CertificateFiles.open({
        keyPath: key,
        certificatePath: certificate,
        now: () => systemClock.now(),
        changed: (change) => this.#certificateChanged(change),
      }),
    )
  }

  #certificateChanged(change: CertificateChange): void {
    switch (change.kind) {
      case 'loaded': {
        const { certificate } = change
        this.#web?.use(certificate)
        const until = new Date(certificate.notAfter).toISOString()
        const { fingerprint } = certificate
        this.#logger.info({ event: 'certificate', fingerprint, until }, 'certificate loaded')
        return
      }
      case 'kept': {
        const { code, message } = change.cause
        this.#logger.error({ event: 'certificate', code }, `${message}; the old one goes on`)
      }
    }
  }

  #failed(cause: unknown): void {
    this.#logger.error({ event: 'bug', err: cause }, 'an unforeseen error')
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
