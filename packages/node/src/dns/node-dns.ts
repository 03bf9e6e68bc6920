import type { Clock, ZoneKeySource } from '@ixj/agent'
import { openResolver, type Resolver, ROOT, type ZoneAnchor, zoneAnchorsOf } from '@ixj/dns'
import type { AnchorSet } from '@ixj/trust'
import { type DnsSettings, upstreamsOf } from '../home/dns-file.ts'
import type { Home } from '../home/home.ts'
import { openHomeSecureNames } from '../home/secure-names.ts'
import { nodeRandom } from '../node-keys.ts'
import { openZoneKeySource } from './zone-key-source.ts'

/** The DNS as one node uses it; nothing of it where no zone is trusted. */
export interface NodeDns extends AsyncDisposable {
  readonly resolver: Resolver | undefined
  readonly zoneKeys: ZoneKeySource | undefined
  readonly dialPrivate: boolean
  readonly clock: Clock
}

/** Opens what a node needs of the DNS. @throws DnsError for anchors or upstreams that are none */
export async function openNodeDns(options: {
  readonly anchors: AnchorSet
  readonly settings: DnsSettings & { readonly resolver?: Resolver }
  readonly home: Home
  readonly clock: Clock
}): Promise<NodeDns> {
  const { anchors, settings, home, clock } = options
  const { dialPrivate } = settings
  const zones = zoneAnchorsOf(anchors)
  if (zones.length === 0) {
    const nothing = { resolver: undefined, zoneKeys: undefined, dialPrivate, clock }
    return { ...nothing, [Symbol.asyncDispose]: async () => {} }
  }
  await using opening = new AsyncDisposableStack()
  const secure = await openHomeSecureNames(home)
  const open = (from: readonly ZoneAnchor[]): Resolver => {
    const upstreams = upstreamsOf(settings)
    const now = () => clock.now()
    return opening.use(openResolver({ anchors: from, upstreams, now, random: nodeRandom, secure }))
  }
  const resolver = settings.resolver ?? open(zones)
  const root = zones.filter(({ zone }) => zone === ROOT)
  const asking = new AbortController()
  const zoneKeys = openZoneKeySource(anchors, {
    resolver,
    // Whoever trusts the root shows its names from there: others may know no nearer anchor.
    ...(root.length === 0 || settings.resolver !== undefined ? {} : { rootResolver: open(root) }),
    signal: asking.signal,
  })
  const closing = opening.move()
  return {
    resolver,
    zoneKeys,
    dialPrivate,
    clock,
    [Symbol.asyncDispose]: async () => {
      asking.abort()
      await closing.disposeAsync()
    },
  }
}
