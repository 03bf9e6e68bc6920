import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type DnsError,
  fromLabels,
  isAtOrBelowName,
  labelsOf,
  parseDnsName,
  parseRecord,
  readSoa,
  TYPE,
} from '@ixj/dns'
import { type OpenedBackend, Subject, textsOf, txt } from './backend-subject.ts'

export type { OpenedBackend } from './backend-subject.ts'

/** What every ZoneBackend does, as tests; `run` false leaves them out. */
export function describeBackend(
  title: string,
  open: () => Promise<OpenedBackend>,
  options: { readonly run?: boolean } = {},
): void {
  describe.runIf(options.run ?? true)(`${title} as a ZoneBackend`, () => {
    let opened: OpenedBackend
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(async () => {
      await opened[Symbol.asyncDispose]()
    })
    const subject = () => new Subject(opened)
    describeEdits(subject)
    describeConditions(subject)
    describeRefusals(subject)
    describeZone(subject)
    describeConcurrency(subject)
  })
}

type Make = () => Subject

function describeEdits(make: Make): void {
  test('sets records, which queries then get', async () => {
    const zone = make()
    await zone.apply([zone.set(zone.name, '60 IN TXT one', '60 IN TXT two')])
    expect(await zone.found(zone.name, TYPE.TXT)).toEqual(txt('one', 'two'))
  })

  test('keeps data of every type, but for the case of names', async () => {
    const zone = make()
    const texts = [
      '60 IN A 192.0.2.1',
      '60 IN AAAA 2001:db8::1',
      '60 IN MX 10 Mail.Example.',
      '60 IN SRV 1 2 4001 host.example.',
      `60 IN TXT "${'x'.repeat(255)}" "${'y'.repeat(255)}" "" "\\000\\255"`,
      '60 IN SVCB 1 node.example. alpn="ixj/1" port=4001 key65400="\\001"',
      `60 IN TLSA 3 1 1 ${'ab'.repeat(32)}`,
      '60 IN CAA 0 issue "ca.example"',
    ]
    await zone.apply(texts.map((text) => zone.set(zone.name, text)))
    for (const text of texts) {
      const record = parseRecord(`a. ${text}`)
      expect(await zone.found(zone.name, record.type), text).toEqual(textsOf([record]))
    }
  })

  test('replaces an RRset and its TTL, and no other one', async () => {
    const zone = make()
    const other = zone.below('other')
    await zone.apply([
      zone.set(zone.name, '600 IN TXT old', '600 IN TXT older'),
      zone.set(zone.name, '60 IN A 192.0.2.1'),
      zone.set(other, '60 IN TXT stays'),
    ])
    await zone.apply([zone.set(zone.name, '60 IN TXT new')])
    expect(await zone.found(zone.name, TYPE.TXT)).toEqual(txt('new'))
    expect(await zone.found(zone.name, TYPE.A)).toHaveLength(1)
    expect(await zone.found(other, TYPE.TXT)).toEqual(txt('stays'))
  })

  test('sets what is set already', async () => {
    const zone = make()
    for (let times = 0; times < 2; times++) await zone.apply([zone.set(zone.name, '60 IN TXT x')])
    expect(await zone.found(zone.name, TYPE.TXT)).toEqual(txt('x'))
  })

  test('removes one type, or all of a name, and nothing below it', async () => {
    const zone = make()
    const below = zone.below('below')
    await zone.apply([
      zone.set(zone.name, '60 IN TXT x'),
      zone.set(zone.name, '60 IN A 192.0.2.1'),
      zone.set(zone.name, '60 IN AAAA ::1'),
      zone.set(below, '60 IN TXT y'),
    ])
    await zone.apply([{ kind: 'remove', name: zone.name, type: TYPE.A }])
    expect(await zone.found(zone.name, TYPE.A)).toEqual([])
    expect(await zone.types(zone.name)).toEqual([TYPE.TXT, TYPE.AAAA])
    await zone.apply([{ kind: 'remove', name: zone.name }])
    expect(await zone.types(zone.name)).toEqual([])
    expect(await zone.found(zone.name, TYPE.TXT)).toEqual([])
    expect(await zone.found(below, TYPE.TXT)).toEqual(txt('y'))
  })

  test('removes what is not there', async () => {
    const zone = make()
    await zone.apply([{ kind: 'remove', name: zone.name }])
    await zone.apply([{ kind: 'remove', name: zone.name, type: TYPE.TXT }])
    expect(await zone.types(zone.name)).toEqual([])
  })

  test('makes edits in their order: the last one of an RRset counts', async () => {
    const zone = make()
    const set = (text: string) => zone.set(zone.name, `60 IN TXT ${text}`)
    const removed = { kind: 'remove', name: zone.name } as const
    await zone.apply([set('first'), set('second'), removed, set('third')])
    expect(await zone.found(zone.name, TYPE.TXT)).toEqual(txt('third'))
    await zone.apply([set('fourth'), removed])
    expect(await zone.found(zone.name, TYPE.TXT)).toEqual([])
  })

  test('takes more edits at once than fit into one packet', async () => {
    const zone = make()
    const edits = Array.from({ length: 100 }, (_, index) =>
      zone.set(zone.below(`n${index}`), `60 IN TXT ${'x'.repeat(200)}`),
    )
    await zone.apply(edits)
    const listed = (await zone.backend.list()).filter(({ name }) => name !== zone.name)
    const below = listed.filter(({ name }) => isAtOrBelowName(name, zone.name))
    expect(below).toHaveLength(100)
  })
}

function describeConditions(make: Make): void {
  test.each([
    ['a name that is there', 'present', 'there', undefined, true],
    ['a name that is not there', 'present', 'gone', undefined, false],
    ['no such name, and it is there', 'absent', 'there', undefined, false],
    ['no such name', 'absent', 'gone', undefined, true],
    ['a type that is there', 'present', 'there', TYPE.TXT, true],
    ['a type that is not there', 'present', 'there', TYPE.A, false],
    ['a type of a name that is not there', 'present', 'gone', TYPE.TXT, false],
    ['no such type, and it is there', 'absent', 'there', TYPE.TXT, false],
    ['no such type', 'absent', 'there', TYPE.A, true],
  ] as const)(
    'makes edits only if the condition holds: %s',
    async (_, kind, label, type, holds) => {
      const zone = make()
      await zone.apply([zone.set(zone.below('there'), '60 IN TXT x')])
      const name = zone.below(label)
      const condition = { kind, name, ...(type === undefined ? {} : { type }) }
      const made = zone.apply([zone.set(zone.name, '60 IN TXT made')], [condition])
      expect(await outcomeOf(made)).toBe(holds ? 'made' : 'zone')
      expect(await zone.found(zone.name, TYPE.TXT)).toEqual(holds ? txt('made') : [])
    },
  )

  test('makes nothing if one of several conditions fails', async () => {
    const zone = make()
    const edits = [
      zone.set(zone.below('a'), '60 IN TXT x'),
      zone.set(zone.below('b'), '60 IN TXT x'),
    ]
    const conditions = [
      { kind: 'absent', name: zone.below('a') },
      { kind: 'present', name: zone.below('c') },
    ] as const
    await expect(zone.apply(edits, conditions)).rejects.toMatchObject({ code: 'zone' })
    expect(await zone.found(zone.below('a'), TYPE.TXT)).toEqual([])
  })
}

async function outcomeOf(made: Promise<void>): Promise<string> {
  return await made.then(
    () => 'made',
    (error: DnsError) => error.code,
  )
}

function describeRefusals(make: Make): void {
  test.each(['other.test', 'test', '.', 'x'])(
    'refuses the name %s outside, and makes nothing else',
    async (outside) => {
      const zone = make()
      // Also one that ends in the same letters.
      const text = outside === 'x' ? `x${zone.backend.zone}` : outside
      const name = parseDnsName(text)
      const good = zone.set(zone.name, '60 IN TXT x')
      const bad = { ...good, name }
      await expect(zone.apply([good, bad])).rejects.toMatchObject({ code: 'zone' })
      const removed = { kind: 'remove', name } as const
      await expect(zone.apply([good, removed])).rejects.toMatchObject({ code: 'zone' })
      const condition = { kind: 'absent', name } as const
      await expect(zone.apply([good], [condition])).rejects.toMatchObject({ code: 'zone' })
      expect(await zone.found(zone.name, TYPE.TXT)).toEqual([])
    },
  )

  test.each(['SOA', 'NS'] as const)('refuses to remove the %s of the zone', async (type) => {
    const zone = make()
    const name = zone.backend.zone
    const removed = zone.apply([{ kind: 'remove', name, type: TYPE[type] }])
    await expect(removed).rejects.toMatchObject({ code: 'zone' })
    expect(await zone.types(name)).toEqual(expect.arrayContaining([TYPE.NS, TYPE.SOA]))
  })

  test.each(['RRSIG', 'NSEC', 'NSEC3', 'DNSKEY', 'ANY', 'AXFR', 'OPT', 'TSIG'] as const)(
    'refuses to set %s',
    async (type) => {
      const zone = make()
      const edit = { ...zone.set(zone.name, '60 IN TXT x'), type: TYPE[type] }
      await expect(zone.apply([edit])).rejects.toMatchObject({ code: 'unsupported' })
    },
  )

  test('refuses to set no data', async () => {
    const zone = make()
    const edit = { ...zone.set(zone.name, '60 IN TXT x'), data: [] }
    await expect(zone.apply([edit])).rejects.toMatchObject({ code: 'argument' })
  })

  test('does nothing for a signal that is aborted', async () => {
    const zone = make()
    const reason = new Error('enough')
    const options = { signal: AbortSignal.abort(reason) }
    const edits = [zone.set(zone.name, '60 IN TXT x')]
    await expect(zone.backend.apply(edits, options)).rejects.toBe(reason)
    await expect(zone.backend.list(options)).rejects.toBe(reason)
    expect(await zone.found(zone.name, TYPE.TXT)).toEqual([])
  })
}

function describeZone(make: Make): void {
  test('lists what its owner put there, and nothing that the server made', async () => {
    const zone = make()
    await zone.apply([zone.set(zone.name, '60 IN TXT x')])
    const listed = await zone.backend.list()
    const types = new Set(listed.map(({ type }) => type))
    expect([...types]).toEqual(expect.arrayContaining([TYPE.SOA, TYPE.NS, TYPE.TXT]))
    for (const made of [TYPE.RRSIG, TYPE.NSEC, TYPE.NSEC3, TYPE.DNSKEY, TYPE.CDS, 65_534]) {
      expect(types).not.toContain(made)
    }
    expect(listed.filter(({ type }) => type === TYPE.SOA)).toHaveLength(1)
    expect(listed.every(({ name }) => isAtOrBelowName(name, zone.backend.zone))).toBe(true)
  })

  test('raises the serial with each change', async () => {
    const zone = make()
    const before = await serialOf(zone)
    await zone.apply([zone.set(zone.name, '60 IN TXT x')])
    const ahead = ((await serialOf(zone)) - before) >>> 0
    expect(ahead).toBeGreaterThan(0)
    expect(ahead).toBeLessThan(2 ** 31)
  })

  test('replaces the name servers of the zone', async () => {
    const zone = make()
    const name = zone.backend.zone
    const before = (await zone.backend.list()).filter(
      (record) => record.name === name && record.type === TYPE.NS,
    )
    const { ttl } = before[0]!
    await zone.apply([zone.set(name, `${ttl} IN NS a.example.`, `${ttl} IN NS b.example.`)])
    expect(await zone.found(name, TYPE.NS)).toHaveLength(2)
    const data = before.map((record) => record.data)
    await zone.apply([{ kind: 'set', name, type: TYPE.NS, ttl, data }])
    expect(await zone.found(name, TYPE.NS)).toEqual(textsOf(before))
  })

  test('replaces the SOA, but counts the serial by itself', async () => {
    const zone = make()
    const name = zone.backend.zone
    const before = await serialOf(zone)
    await zone.apply([zone.set(name, '300 IN SOA ns1.example. other.example. 1 3600 600 604800 1')])
    const soa = (await zone.backend.list()).find(({ type }) => type === TYPE.SOA)!
    expect(readSoa(soa.data)).toMatchObject({ mailbox: 'other.example', retry: 600 })
    expect(((await serialOf(zone)) - before) >>> 0).toBeGreaterThan(0)
  })

  test('removes a name under a wildcard', async () => {
    const zone = make()
    const wildcard = fromLabels(['*', ...labelsOf(zone.name)])
    const name = zone.below('a')
    await zone.apply([zone.set(wildcard, '60 IN TXT any'), zone.set(name, '60 IN TXT own')])
    await zone.apply([{ kind: 'remove', name, type: TYPE.TXT }])
    expect(await zone.types(name)).toEqual([])
    await zone.apply([{ kind: 'remove', name: wildcard }])
    expect(await zone.types(wildcard)).toEqual([])
  })

  test('delegates a child zone and takes it back', async () => {
    const zone = make()
    const server = zone.below('ns1')
    const edits = [
      zone.set(zone.name, `60 IN NS ${server}.`),
      zone.set(zone.name, `60 IN DS 1 15 2 ${'ab'.repeat(32)}`),
      zone.set(server, '60 IN A 127.0.0.1'),
    ]
    await zone.apply(edits)
    expect(await zone.types(zone.name)).toEqual([TYPE.NS, TYPE.DS])
    expect(await zone.types(server)).toEqual([TYPE.A])
    await zone.apply([
      { kind: 'remove', name: zone.name },
      { kind: 'remove', name: server },
    ])
    expect(await zone.types(zone.name)).toEqual([])
    expect(await zone.types(server)).toEqual([])
  })
}

async function serialOf(zone: Subject): Promise<number> {
  const soa = (await zone.backend.list()).find(({ type }) => type === TYPE.SOA)
  return readSoa(soa!.data).serial
}

function describeConcurrency(make: Make): void {
  test('loses none of many changes at once, and each is seen when it resolves', async () => {
    const zone = make()
    const batches = Array.from({ length: 20 }, (_, batch) =>
      Array.from({ length: 10 }, (__, index) => zone.below(`b${batch}-${index}`)),
    )
    await Promise.all(
      batches.map(async (batch) => {
        await zone.apply(batch.map((name) => zone.set(name, '60 IN TXT x')))
        expect(await zone.isSeen(batch.at(-1)!, TYPE.TXT)).toBe(true)
      }),
    )
    const listed = new Set((await zone.backend.list()).map(({ name }) => name))
    expect(batches.flat().filter((name) => !listed.has(name))).toEqual([])
  })

  test('gives a name to one of many who claim it', async () => {
    const zone = make()
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, index) => {
        const edit = zone.set(zone.name, `60 IN TXT claim${index}`)
        return outcomeOf(zone.apply([edit], [{ kind: 'absent', name: zone.name }]))
      }),
    )
    const won = claims.indexOf('made')
    expect(claims.filter((outcome) => outcome !== 'zone')).toEqual(['made'])
    expect(await zone.found(zone.name, TYPE.TXT)).toEqual(txt(`claim${won}`))
  })
}
