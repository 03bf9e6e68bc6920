import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerOverHttp, type ZoneForwarder } from '@ixj/dns'
import { nodeSha256 } from '@ixj/node'
import { addressGroup } from '@ixj/node/door'
import { utf8Bytes } from '@ixj/trust'
import { answerClaim, invitationInPath } from '../invitations/invitation-route.ts'
import type { WaitingInvitations } from '../invitations/waiting-invitations.ts'
import { CLAIMS_PER_ADDRESS_MAX, DNS_QUERIES_PER_ADDRESS_MAX } from '../limits.ts'
import { AddressShares } from './address-shares.ts'
import { clientAddress } from './client-address.ts'
import type { PageFiles } from './page-files.ts'
import { sendMetrics } from './send-metrics.ts'
import { sendJson } from './send-json.ts'

/** Whether a relay takes pages, and why not. */
export interface Readiness {
  readonly ready: boolean
  /** For people. */
  readonly reason: string
}

/** What the routes of a relay lead to. */
export interface RoutesOptions {
  readonly readiness: () => Readiness
  /** The metrics in Prometheus' text form. */
  readonly metrics: () => Promise<string>
  /** Who shows it may read them; undefined: nobody may, on this port. */
  readonly metricsToken: string | undefined
  /** Undefined: no zone is answered for. */
  readonly zones: ZoneForwarder | undefined
  readonly invitations: WaitingInvitations
  readonly page: () => PageFiles | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Addresses of proxies that are believed. */
  readonly proxies: ReadonlySet<string>
  /** Told of every request that was answered; nothing of it that a client chose. */
  readonly answered: (told: {
    readonly route: Route
    readonly status: number
    readonly ms: number
  }) => void
}

/** Where a request led, for metrics and logs. */
export type Route = 'health' | 'readiness' | 'metrics' | 'dns' | 'invitation' | 'page' | 'none'

/** Answers requests by their path. */
export class Routes {
  readonly #options: RoutesOptions
  readonly #dnsShares = new AddressShares(DNS_QUERIES_PER_ADDRESS_MAX)
  readonly #claimShares = new AddressShares(CLAIMS_PER_ADDRESS_MAX)

  constructor(options: RoutesOptions) {
    this.#options = options
  }

  /** What was refused, since its address had its share of it on the way. */
  get refused(): Readonly<Record<'dns' | 'invitation', number>> {
    return { dns: this.#dnsShares.refused, invitation: this.#claimShares.refused }
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const begun = performance.now()
    const { headers, readiness, answered } = this.#options
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    // So that nobody sends another request to a relay that ends.
    if (!readiness().ready) response.setHeader('connection', 'close')
    const path = URL.parse(request.url ?? '/', 'http://relay')?.pathname ?? ''
    const route = await this.#lead(request, response, path)
    answered({ route, status: response.statusCode, ms: performance.now() - begun })
  }

  async #lead(request: IncomingMessage, response: ServerResponse, path: string): Promise<Route> {
    switch (path) {
      case '/healthz':
        sendJson(response, 200, { status: 'ok' })
        return 'health'
      case '/readyz': {
        const { ready, reason } = this.#options.readiness()
        sendJson(response, ready ? 200 : 503, { ready, reason })
        return 'readiness'
      }
      case '/metrics':
        await this.#tellMetrics(request, response)
        return 'metrics'
      case '/dns-query':
        if (this.#options.zones === undefined) break
        await this.#askZone(request, response, this.#options.zones)
        return 'dns'
      default:
        if (await this.#takeClaim(request, response, path)) return 'invitation'
        if (this.#options.page()?.serve(request, response, path) === true) return 'page'
    }
    sendJson(response, 404, { error: 'absent' })
    return 'none'
  }

  async #tellMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#mayRead(request)) {
      response.setHeader('www-authenticate', 'Bearer')
      return sendJson(response, 401, { error: 'unauthorized' })
    }
    await sendMetrics(response, this.#options.metrics)
  }

  /** Whether the path is one of an invitation. */
  async #takeClaim(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<boolean> {
    const id = invitationInPath(path)
    if (id === undefined) return false
    const { invitations, proxies } = this.#options
    const address = clientAddress(request, proxies)
    await answerClaim(request, response, { id, invitations, shares: this.#claimShares, address })
    return true
  }

  #mayRead(request: IncomingMessage): boolean {
    const { metricsToken } = this.#options
    const shown = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (metricsToken === undefined || shown === undefined) return false
    // By their digests, which are of one length whatever was shown.
    const [left, right] = [shown, metricsToken].map((each) => nodeSha256(utf8Bytes(each)))
    return timingSafeEqual(left!, right!)
  }

  async #askZone(
    request: IncomingMessage,
    response: ServerResponse,
    zones: ZoneForwarder,
  ): Promise<void> {
    const address = clientAddress(request, this.#options.proxies)
    using share = this.#dnsShares.take(address)
    if (share === undefined) {
      response.setHeader('retry-after', '1')
      return sendJson(response, 429, { error: 'rate' })
    }
    await answerOverHttp(request, response, (query) => zones.answer(query, addressGroup(address)))
  }
}
