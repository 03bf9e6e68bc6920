import { describe, expect, test } from 'vitest'
import {
  type DnsRecord,
  formatRecord,
  parseDnsName,
  parseRecord,
  parseZone,
  RCODE,
  signTsig,
  transferZone,
  type TsigKey,
} from '@ixj/dns'
import { startBind } from '../../../../test/world/dns/bind.ts'
import { startKnot } from '../../../../test/world/dns/knot.ts'
import { dig } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { newTsigKey } from '../../../../test/world/dns/tsig-secret.ts'
import { zoneText } from '../../../../test/world/dns/zone-text.ts'
import { NOW, type Received, replyTo, startFakePrimary, zone } from './fake-primary.ts'

const soa = parseRecord(`${zone}. 60 IN SOA a. b. 1 2 3 4 5`)
const later = parseRecord(`${zone}. 60 IN SOA a. b. 2 2 3 4 5`)
const some = Array.from({ length: 5 }, (_, index) => parseRecord(`w${index}.${zone}. 60 IN TXT x`))

/** A transfer of one message each; `signs` tells which are signed. */
function stream(
  request: Received,
  key: TsigKey,
  options: {
    readonly messages: readonly (readonly DnsRecord[])[]
    readonly signs?: (index: number) => boolean
  },
): Uint8Array[] {
  const { messages, signs = () => true } = options
  let priorMac = request.mac
  let unsignedBefore: Uint8Array[] = []
  return messages.map((answers, index) => {
    const bytes = replyTo(request, { answers })
    if (!signs(index)) {
      unsignedBefore.push(bytes)
      return bytes
    }
    const timersOnly = index > 0
    const signed = signTsig(bytes, { key, now: NOW, priorMac, timersOnly, unsignedBefore })
    priorMac = signed.mac
    unsignedBefore = []
    return signed.bytes
  })
}

const whole = [[soa, some[0]!], ...some.slice(1).map((record) => [record]), [soa]]

async function transferOf(
  respond: (request: Received, key: TsigKey) => readonly (Uint8Array | 'close')[],
): Promise<readonly DnsRecord[]> {
  await using fake = await startFakePrimary(respond)
  return await transferZone(zone, fake.primary)
}

describe('transferZone()', () => {
  test('gives the records of many messages, or of one', async () => {
    const expected = [soa, ...some]
    const many = await transferOf((request, key) => stream(request, key, { messages: whole }))
    expect(many).toEqual(expected)
    const messages = [[soa, ...some, soa]]
    expect(await transferOf((request, key) => stream(request, key, { messages }))).toEqual(expected)
  })

  test('takes up to 99 messages without a signature in between, and not 100', async () => {
    const records = Array.from({ length: 100 }, () => some[0]!)
    const messages = [[soa], ...records.map((record) => [record]), [soa]]
    // The first and the last one alone, or one more.
    const all = transferOf((request, key) =>
      stream(request, key, { messages, signs: (index) => index === 0 || index === 101 }),
    )
    await expect(all).rejects.toMatchObject({ code: 'tsig' })
    const fewer = await transferOf((request, key) =>
      stream(request, key, { messages, signs: (index) => [0, 50, 101].includes(index) }),
    )
    expect(fewer).toHaveLength(101)
  })

  test.each([
    ['its first message is not signed', (index: number) => index > 0],
    ['its last message is not signed', (index: number) => index < 5],
  ])('refuses a transfer where %s', async (_, signs) => {
    const transfer = transferOf((request, key) => [
      ...stream(request, key, { messages: whole, signs }),
      'close',
    ])
    await expect(transfer).rejects.toMatchObject({ code: 'tsig' })
  })

  test.each([
    ['changed', (list: Uint8Array[]) => list.with(2, list[2]!.with(40, list[2]![40]! ^ 1))],
    ['left out', (list: Uint8Array[]) => list.toSpliced(2, 1)],
    [
      'put in another place',
      (list: Uint8Array[]) => [list[0]!, list[2]!, list[1]!, ...list.slice(3)],
    ],
    ['sent twice', (list: Uint8Array[]) => list.toSpliced(2, 0, list[1]!)],
  ])('refuses a transfer in which a message was %s', async (_, change) => {
    for (const signs of [undefined, (index: number) => index === 0 || index === 5]) {
      const options = { messages: whole, ...(signs === undefined ? {} : { signs }) }
      const transfer = transferOf((request, key) => [
        ...change(stream(request, key, options)),
        'close',
      ])
      await expect(transfer).rejects.toMatchObject({ code: 'tsig' })
    }
  })

  test.each([
    ['begins with no SOA', [[some[0]!], [soa]], 'format'],
    [
      'begins with the SOA of another zone',
      [[parseRecord('a. 1 IN SOA a. b. 1 2 3 4 5')]],
      'format',
    ],
    ['ends with another SOA', [[soa], [some[0]!], [later]], 'format'],
    ['goes on after its end', [[soa, some[0]!, soa, some[1]!]], 'format'],
    [
      'has a record of another zone',
      [[soa, parseRecord('b.other. 1 IN A 1.2.3.4'), soa]],
      'format',
    ],
    ['does not end', [[soa], [some[0]!]], 'unreachable'],
  ])('refuses a transfer that %s', async (_, messages, code) => {
    const transfer = transferOf((request, key) => [...stream(request, key, { messages }), 'close'])
    await expect(transfer).rejects.toMatchObject({ code })
  })

  test('says why a server refuses', async () => {
    const refused = transferOf((request) => [replyTo(request, { rcode: RCODE.REFUSED })])
    await expect(refused).rejects.toThrow(/REFUSED/)
  })
})

const text = zoneText(zone, ...Array.from({ length: 5_000 }, (_, at) => `n${at} 60 IN TXT "${at}"`))

describe.runIf(realTools('transfers from BIND and Knot', 'named', 'knotd', 'dig'))(
  'transferZone() from a real server',
  () => {
    test('gives what dig gets from BIND, in many messages', async () => {
      // BIND signs a new zone of this size for longer than a test should take.
      await using bind = await startBind({ zones: [{ name: zone, text, signed: false }] })
      const { output } = await dig({ port: bind.port, name: zone, type: 'AXFR', key: bind.key })
      const lines = output.split('\n').filter((line) => /^\S+\s+\d+\s+IN\s/.test(line))
      const expected = lines.map((line) => formatRecord(parseRecord(line)))
      const records = await transferZone(zone, realPrimary(bind))
      expect(records.length).toBeGreaterThan(5_000)
      expect(new Set(records.map(formatRecord))).toEqual(new Set(expected))
    })

    test('gives the zone that Knot signs online', async () => {
      await using knot = await startKnot({ zones: [{ name: zone, text }] })
      const records = await transferZone(zone, realPrimary(knot))
      const own = parseZone(text, { origin: zone }).map(formatRecord)
      expect(records.map(formatRecord)).toEqual(expect.arrayContaining(own))
    })

    test('says that a key, or its secret, is not known', async () => {
      await using bind = await startBind({ zones: [{ name: zone, text: zoneText(zone) }] })
      await using knot = await startKnot({ zones: [{ name: zone, text: zoneText(zone) }] })
      for (const server of [bind, knot]) {
        for (const name of ['ourtool', 'another']) {
          const wrong = { ...realPrimary(server), key: newTsigKey(name) }
          await expect(transferZone(zone, wrong)).rejects.toMatchObject({ code: 'tsig' })
        }
        const other = transferZone(parseDnsName('other.test'), realPrimary(server))
        await expect(other).rejects.toMatchObject({ code: 'refused' })
      }
    })
  },
)

function realPrimary(server: { port: number; key: TsigKey }) {
  return {
    server: { address: '127.0.0.1', port: server.port },
    key: server.key,
    now: Date.now,
    random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  }
}
