import { parseName } from '@ixj/names'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { expect, test } from 'vitest'
import type { MadeZone } from '../../dns/test/server/made-zone.ts'
import { openKeyZone } from '../../dns/test/server/key-zone.ts'
import { anchorRecordsOf } from '../../node/src/dns/zone-anchors.ts'
import { BrowserError } from '../src/browser-error.ts'
import type { AskDns } from '../src/dns-over-https.ts'
import { openZoneProofs } from '../src/zone-proofs.ts'

const ACME = parseName('acme.example')
const { subtle } = globalThis.crypto

/** A zone with a key of acme's in it, and how a page asks a relay about it. */
interface AskedZone extends AsyncDisposable {
  readonly made: MadeZone
  readonly key: Uint8Array
  readonly ask: AskDns
}

async function openZone(): Promise<AskedZone> {
  const pair = await subtle.generateKey('Ed25519', false, ['sign'])
  const key = new Uint8Array(await subtle.exportKey('raw', pair.publicKey))
  const served = await openKeyZone(ACME, key)
  const ask: AskDns = async (query) => {
    const answer = await served.forwarder.answer(query, 'page')
    if (answer === undefined) throw new BrowserError('unreachable', 'Cannot ask: no query')
    return answer
  }
  return { made: served.made, key, ask, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
}

function anchorsOf({ store }: MadeZone): AnchorSet {
  const records = anchorRecordsOf(store.anchor)
  return new AnchorSet([{ name: ACME, kind: 'zone', records, purposes: PURPOSES }])
}

test('fetch() finds a name in the DNS by itself, with a proof from its zone anchor', async () => {
  await using zone = await openZone()
  const source = openZoneProofs(anchorsOf(zone.made), { subtle, now: Date.now, asks: [zone.ask] })
  const chain = await source.fetch(ACME)
  if (chain === undefined) throw new Error('Nothing was found')
  const { names } = await source.prove(chain, Date.now())
  expect(names.map(({ name, keys }) => [name, keys[0]?.key])).toEqual([[ACME, zone.key]])
})

test('fetch() takes who lies or says nothing for nobody, and asks the next', async () => {
  await using zone = await openZone()
  await using forged = await openZone()
  const silent: AskDns = () => Promise.reject(new BrowserError('unreachable', 'Cannot ask: away'))
  const asks = [silent, forged.ask, zone.ask]
  const source = openZoneProofs(anchorsOf(zone.made), { subtle, now: Date.now, asks })
  const chain = await source.fetch(ACME)
  if (chain === undefined) throw new Error('Nothing was found')
  const { names } = await source.prove(chain, Date.now())
  expect(names.map(({ keys }) => keys[0]?.key)).toEqual([zone.key])
})

test('fetch() finds nothing where all of them lie', async () => {
  await using zone = await openZone()
  await using forged = await openZone()
  const asks = [forged.ask, forged.ask]
  const source = openZoneProofs(anchorsOf(zone.made), { subtle, now: Date.now, asks })
  expect(await source.fetch(ACME)).toBeUndefined()
})
