import type { ZoneForwarder } from '@ixj/dns'
import type { Node } from '@ixj/node'
import type { Door } from '@ixj/node/door'
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { WaitingInvitations } from './invitations/waiting-invitations.ts'
import type { Routes } from './web/routes.ts'
import type { WebServer } from './web/web-server.ts'

/** What metrics are read from; a part that is not there yet is undefined. */
export interface MetricSources {
  readonly node: () => Node | undefined
  readonly web: () => WebServer | undefined
  readonly zones: ZoneForwarder | undefined
  readonly invitations: WaitingInvitations
  readonly routes: () => Routes | undefined
  readonly isReady: () => boolean
  /** ms since the Unix epoch; undefined without TLS. */
  readonly certificateEnd: () => number | undefined
}

/** Values by what their labels say. */
type Readings = Iterable<readonly [label: string, value: number]>

/** The metrics of a relay and its process, read whenever somebody asks for them. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #requests: Counter<'route' | 'status'>

  constructor(sources: MetricSources) {
    collectDefaultMetrics({ register: this.#registry })
    this.#requests = new Counter({
      name: 'ixj_relay_http_requests_total',
      help: 'Requests over HTTP that were answered, by route and status',
      labelNames: ['route', 'status'],
      registers: [this.#registry],
    })
    this.#tellRelay(sources)
    this.#tellNode(sources.node)
    this.#tellDoor(() => sources.node()?.door)
  }

  /** Counts a request. */
  requested(route: string, status: number): void {
    this.#requests.inc({ route, status })
  }

  /** Everything, in Prometheus' text form. */
  async text(): Promise<string> {
    return await this.#registry.metrics()
  }

  #tellRelay(sources: MetricSources): void {
    const { web, zones, invitations, routes, isReady, certificateEnd } = sources
    this.gauge('ixj_relay_ready', 'Whether it takes pages: 1 or 0', () => (isReady() ? 1 : 0))
    this.gauge('ixj_relay_connections', 'Connections that stand', () => web()?.connections ?? 0)
    this.counters('ixj_relay_connections_refused_total', {
      help: 'Connections that came to nothing, by reason',
      label: 'reason',
      read: () => Object.entries(web()?.counts ?? {}),
    })
    this.counters('ixj_relay_dns_questions_total', {
      help: 'Questions about zones, by what became of them',
      label: 'outcome',
      read: () => Object.entries(zones?.counts ?? {}),
    })
    this.counters('ixj_relay_over_share_total', {
      help: 'Requests refused since their address had its share on the way, by route',
      label: 'route',
      read: () => Object.entries(routes()?.refused ?? {}),
    })
    this.gauge('ixj_relay_invitations', 'Invitations that are open', () => invitations.size)
    this.counters('ixj_relay_invitations_total', {
      help: 'Invitations and claims to them, by what became of them',
      label: 'outcome',
      read: () => Object.entries(invitations.counts),
    })
    this.gauge('ixj_relay_certificate_end_seconds', 'When the certificate ends, Unix time', () =>
      Math.floor((certificateEnd() ?? 0) / 1_000),
    )
  }

  #tellNode(node: MetricSources['node']): void {
    this.gauge(
      'ixj_neighbours',
      'Nodes that are connected and proved their names',
      () => node()?.neighbours.length ?? 0,
    )
    this.counters('ixj_verdicts_total', {
      help: 'Decisions about what came in, by code',
      label: 'code',
      read: () => [...(node()?.counts ?? [])].map(([code, count]) => [String(code), count]),
    })
    this.gauge(
      'ixj_waiting',
      'Bundles that wait for their verdicts',
      () => node()?.host.load.waiting ?? 0,
    )
    this.counters('ixj_shed_total', {
      help: 'What was refused for want of room, by kind',
      label: 'kind',
      read: () => node()?.host.load.shed ?? [],
    })
    this.counters('ixj_deliveries_total', {
      help: 'Bundles handed to hosts of inboxes, by what became of them',
      label: 'outcome',
      read: () => deliveriesOf(node()),
    })
    this.counters('ixj_passed_total', {
      help: 'Bundles passed on for pages, by what became of them',
      label: 'outcome',
      read: () => Object.entries(node()?.host.passed ?? {}),
    })
    this.counters('ixj_mesh_total', {
      help: 'What the mesh refused, dropped or ended, by reason',
      label: 'reason',
      read: () => Object.entries(node()?.mesh.counts ?? {}),
    })
  }

  #tellDoor(door: () => Door | undefined): void {
    this.gauge('ixj_door_sockets', 'Sockets that stand', () => door()?.load.sockets ?? 0)
    this.gauge(
      'ixj_door_logged_in',
      'Sockets that have logged in',
      () => door()?.load.loggedIn ?? 0,
    )
    this.gauge(
      'ixj_door_waiting_bytes',
      'Bytes that wait to be sent to pages',
      () => door()?.load.waitingBytes ?? 0,
    )
    this.counters('ixj_door_total', {
      help: 'What the door did: sockets, logins, frames, bytes, and pauses in reading',
      label: 'what',
      read: () => Object.entries(door()?.counts ?? {}).filter(isNumber),
    })
    this.counters('ixj_door_cuts_total', {
      help: 'Sockets that were cut, by reason',
      label: 'reason',
      read: () => Object.entries(door()?.counts.cuts ?? {}),
    })
    this.counters('ixj_door_refused_total', {
      help: 'Upgrades that were refused, by reason',
      label: 'reason',
      read: () => Object.entries(door()?.counts.refused ?? {}),
    })
  }

  /** A value that rises and falls. */
  gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: () => gauge.set(read()),
    })
  }

  /** Values that only rise, counted elsewhere; one for each label. */
  counters(
    name: string,
    told: { readonly help: string; readonly label: string; readonly read: () => Readings },
  ): void {
    const { help, label, read } = told
    const counter: Counter = new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect: () => {
        counter.reset()
        for (const [value, count] of read()) counter.inc({ [label]: value }, count)
      },
    })
  }
}

function isNumber(entry: readonly [string, unknown]): entry is [string, number] {
  return typeof entry[1] === 'number'
}

function* deliveriesOf(node: Node | undefined): Readings {
  if (node === undefined) return
  const { accepted, refused, resent, lost, slowed } = node.host.deliveries
  yield* Object.entries({ accepted, resent, lost, slowed })
  for (const [code, count] of refused) yield [`refused ${code}`, count]
}
