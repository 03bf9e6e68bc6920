import { getServers } from 'node:dns'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { DnsError, parentOf, ROOT, TYPE, type Asked, type DnsName } from '../proof.ts'
import { HttpsTransport } from './https-transport.ts'
import type { Upstream } from './resolver.ts'
import { StreamTransport } from './stream-transport.ts'
import { openTls } from './tcp-socket.ts'
import type { Transport } from './transport.ts'
import { UdpTransport, type UdpCounts } from './udp-transport.ts'

/** The name servers of the system, for every name: on Unix, those of /etc/resolv.conf. */
export function systemUpstreams(): readonly Upstream[] {
  return getServers().map((text) => {
    // Forms: 192.0.2.1, 192.0.2.1:53, 2001:db8::1, [2001:db8::1]:53
    const parts = /^\[(.+)\]:([0-9]+)$/.exec(text) ?? /^([^:]+):([0-9]+)$/.exec(text)
    const address = parts?.[1] ?? text
    return { suffix: ROOT, transport: 'udp', address, port: Number(parts?.[2] ?? 53) }
  })
}

/** The servers that are asked for a zone, best first. */
export class ServerList {
  readonly zone: DnsName
  #servers: readonly Transport[]

  constructor(zone: DnsName, servers: readonly Transport[]) {
    this.zone = zone
    this.#servers = servers
  }

  get servers(): readonly Transport[] {
    return this.#servers
  }

  /** A server that failed is asked last from now on. */
  demote(server: Transport): void {
    this.#servers = [...this.#servers.filter((other) => other !== server), server]
  }
}

/** The upstreams of a resolver, by the suffix that they are for. */
export class UpstreamTable implements AsyncDisposable {
  readonly #lists = new Map<DnsName, ServerList>()

  /** Nothing is sent. @throws DnsError `argument` */
  constructor(upstreams: readonly Upstream[], counts: UdpCounts) {
    for (const upstream of upstreams) checkPlace(upstream)
    for (const upstream of upstreams) {
      const before = this.#lists.get(upstream.suffix)?.servers ?? []
      const servers = [...before, transportOf(upstream, counts)]
      this.#lists.set(upstream.suffix, new ServerList(upstream.suffix, servers))
    }
  }

  /**
   * The servers of the longest suffix at or above a name. A DS is the parent's (RFC 4035 section
   * 3.1.4.1), so for the suffix itself those above are asked, if there are any.
   */
  find({ name, type }: Asked): ServerList | undefined {
    let own: ServerList | undefined
    for (let suffix = name; ; suffix = parentOf(suffix)) {
      const list = this.#lists.get(suffix)
      if (list !== undefined && (type !== TYPE.DS || suffix !== name)) return list
      own ??= list
      if (suffix === ROOT) return own
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const servers = [...this.#lists.values()].flatMap((list) => list.servers)
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
  }
}

function transportOf(upstream: Upstream, counts: UdpCounts): Transport {
  const { address, port, serverName, certificateAuthority } = upstream
  const place = { address, port, serverName, certificateAuthority }
  switch (upstream.transport) {
    case 'udp':
      return new UdpTransport(place, counts)
    case 'tls':
      return new StreamTransport(`${serverName ?? address} port ${port} over TLS`, () =>
        openTls(place),
      )
    case 'https':
      return new HttpsTransport({ ...place, path: upstream.path ?? '/dns-query' })
  }
}

function checkPlace({ address, port, path }: Upstream): void {
  const refuse = (why: string) =>
    new DnsError('argument', `Cannot use the upstream ${address} port ${port}: ${why}`)
  if (isIP(address) === 0) throw refuse('its address is no IP address')
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw refuse('it is no port')
  if (path !== undefined && !/^\/[\x21-\x7e]*$/.test(path)) throw refuse('its path is no path')
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether an address never leaves this machine. */
export function isLoopback(address: string): boolean {
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
