import { ROOT } from '@ixj/dns'
import { parseName } from '@ixj/names'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { expect, test } from 'vitest'
import { openKeyZone, type KeyZone } from '../../../packages/dns/test/server/key-zone.ts'
import { anchorRecordsOf } from '../../../packages/node/src/dns/zone-anchors.ts'
import { acme } from '../../../packages/node/test/home-bench.ts'
import { openRelayPair } from './relay-pair.ts'
import { PAGE_TEST_MS, useBrowser } from './scene.ts'
import { TabAgent } from './tab-agent.ts'

const SAM = parseName('sam.acme.example')

const scene = useBrowser()

test(
  'a page that trusts a zone finds in the DNS what proves its own name, though one relay lies about it',
  async () => {
    await using opened = new AsyncDisposableStack()
    const zones: KeyZone[] = []
    const pair = opened.use(
      await openRelayPair(async (key) => {
        // The same name and the same record, one of them signed by a key that nobody trusts.
        for (const _ of ['honest', 'forged']) zones.push(opened.use(await openKeyZone(acme, key)))
        const { made, port } = zones[0]!
        const records = anchorRecordsOf(made.store.anchor)
        return {
          anchors: new AnchorSet([{ name: acme, kind: 'zone', records, purposes: PURPOSES }]),
          upstream: { suffix: ROOT, transport: 'udp', address: '127.0.0.1', port },
        }
      }),
    )
    const [honest, forged] = zones.map(({ forwarder }) => forwarder)
    pair.places[0]!.zones = forged
    pair.places[1]!.zones = honest
    await using sam = await TabAgent.open(pair, await scene.openPage(pair.places[0]!.url), {
      name: SAM,
    })
    // It is admitted: what it found proves its name to others, and theirs to it.
    const heard = pair.crew.messages()
    await sam.publish('found by myself')
    for await (const { sender, body } of heard) {
      expect([sender, body]).toEqual([SAM, 'found by myself'])
      break
    }
    await pair.crew.publish('and believed')
    expect(await sam.hears(['and believed'])).toEqual(['and believed'])
    expect([forged, honest].map((asked) => (asked?.counts.answered ?? 0) > 0)).toEqual([true, true])
  },
  PAGE_TEST_MS,
)
