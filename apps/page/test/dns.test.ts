import { formatKeyRecord, parseDnsName, ZoneForwarder } from '@ixj/dns'
import { parseName } from '@ixj/names'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { expect, test } from 'vitest'
import { makeZone, serveZones } from '../../../packages/dns/test/server/made-zone.ts'
import { acme } from '../../../packages/node/test/home-bench.ts'
import { anchorRecordsOf } from '../../../packages/node/src/dns/zone-anchors.ts'
import { openRelayPair } from './relay-pair.ts'
import { useScene } from './scene.ts'
import { TabAgent } from './tab-agent.ts'

const SAM = parseName('sam.acme.example')

const scene = useScene(openRelayPair)

test('a page that trusts a zone, and no key, finds in the DNS what proves names, and validates it', async () => {
  const pair = scene.place
  const { signer } = await pair.office.readIdentity(acme)
  const record = formatKeyRecord({
    key: signer.publicKey,
    uses: 'both',
    depth: 4,
    strict: false,
    notBefore: 0,
    encryptionKey: null,
    next: null,
    hosts: [],
  })
  await using made = await makeZone(acme, `_ixjkey 300 TXT "${record}"`)
  await using server = await serveZones([made.store])
  await using forwarder = new ZoneForwarder([
    { zone: parseDnsName(acme), server: { address: '127.0.0.1', port: server.port } },
  ])
  const records = anchorRecordsOf(made.store.anchor)
  const anchors = new AnchorSet([{ name: acme, kind: 'zone', records, purposes: PURPOSES }])
  await using opened = await scene.openPage(pair.places[0]!.url)
  // Nobody answers about zones: nothing is proved, its own name neither.
  const unproved = TabAgent.open(pair, opened, { name: SAM, anchors })
  await expect(unproved).rejects.toThrow(/acme\.example/)
  // The relay whose page it is has no zones; the other one is asked.
  pair.places[1]!.zones = forwarder
  await using again = await scene.openPage(pair.places[0]!.url)
  await using sam = await TabAgent.open(pair, again, { name: SAM, anchors })
  await sam.publish('found by myself')
  for await (const { sender, body } of pair.crew.messages({ history: 1 })) {
    expect([sender, body]).toEqual([SAM, 'found by myself'])
    break
  }
  await pair.crew.publish('and believed')
  expect(await sam.hears(['and believed'])).toEqual(['and believed'])
  expect(forwarder.counts.answered).toBeGreaterThan(0)
}, 90_000)
