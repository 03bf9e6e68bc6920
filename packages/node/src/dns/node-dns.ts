import type { Clock, ZoneKeySource } from '@ixj/agent'
import { openResolver, type Resolver } from '@ixj/dns'
import type { AnchorSet } from '@ixj/trust'
import { type DnsSettings, upstreamsOf } from '../home/dns-file.ts'
import type { Home } from '../home/home.ts'
import { openHomeSecureNames } from '../home/secure-names.ts'
import { nodeRandom } from '../node-keys.ts'
import { openZoneKeySource, zoneAnchorsOf } from './zone-key-source.ts'

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
  const own =
    settings.resolver === undefined
      ? openResolver({
          anchors: zones,
          upstreams: upstreamsOf(settings),
          now: () => clock.now(),
          random: nodeRandom,
          secure: await openHomeSecureNames(home),
        })
      : undefined
  const resolver = settings.resolver ?? own
  const asking = new AbortController()
  const zoneKeys = openZoneKeySource(anchors, {
    ...(resolver === undefined ? {} : { resolver }),
    signal: asking.signal,
  })
  return {
    resolver,
    zoneKeys,
    dialPrivate,
    clock,
    [Symbol.asyncDispose]: async () => {
      asking.abort()
      await own?.[Symbol.asyncDispose]()
    },
  }
}
