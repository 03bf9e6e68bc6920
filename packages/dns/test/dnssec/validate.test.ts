import { describe, expect, test } from 'vitest'
import { TYPE, validate } from '@ixj/dns'
import { HOUR, newTestKey, NOW, SignedZone } from '../signed-zone.ts'
import { ask, contextOf, dsLine, lookUp, name } from '../zone-world.ts'

const lines = [
  '_ixjkey.planner 300 IN TXT "key"',
  'planner 300 IN A 127.0.0.1',
  'deep.under.ground 300 IN A 127.0.0.1',
  'short 300 IN CNAME planner',
  'long 300 IN CNAME short',
  'old 300 IN DNAME new',
  'planner.new 300 IN A 127.0.0.2',
  '*.wild 300 IN A 127.0.0.3',
  '*.elsewhere 300 IN CNAME planner',
  'exact.wild 300 IN A 127.0.0.4',
  'under.*.star 300 IN A 127.0.0.5',
]

const denials = ['nsec', 'nsec3', 'compact'] as const
const algorithms = [8, 13, 15] as const

describe.each(denials)('validate() of one zone with %s', (denial) => {
  const zone = new SignedZone('example', lines, { denial })
  const find = async (question: string) => (await lookUp([zone], question)).validation

  test('answers with the records that the zone signed', async () => {
    expect(await find('TXT _ixjkey.planner.example')).toMatchObject({
      state: 'secure',
      answer: 'positive',
      zone: 'example',
      anchor: 'example',
      name: '_ixjkey.planner.example',
      records: zone.records(name('_ixjkey.planner.example'), TYPE.TXT),
      ttlSeconds: 300,
      signedAt: NOW - HOUR,
      expiresAt: NOW + 24 * HOUR,
      wildcard: false,
    })
  })

  test('answers with the keys of the zone itself', async () => {
    const found = await find('DNSKEY example')
    expect(found).toMatchObject({ state: 'secure', zone: 'example' })
  })

  test('proves that a name has no records of a type', async () => {
    expect(await find('TXT planner.example')).toMatchObject({
      state: 'secure',
      answer: 'nodata',
      zone: 'example',
      records: [],
    })
  })

  test('proves that there is no such name', async () => {
    for (const ghost of ['ghost.example', 'a.b.ghost.example', 'zzz.planner.example']) {
      expect(await find(`TXT ${ghost}`)).toMatchObject({ state: 'secure', answer: 'nxdomain' })
    }
  })

  test('calls an empty name between others nodata, not absent', async () => {
    for (const empty of ['under.ground.example', 'ground.example']) {
      expect(await find(`A ${empty}`)).toMatchObject({ state: 'secure', answer: 'nodata' })
    }
  })

  test('follows aliases to their end', async () => {
    expect(await find('A long.example')).toMatchObject({
      state: 'secure',
      name: 'planner.example',
      records: zone.records(name('planner.example'), TYPE.A),
    })
    expect(await find('TXT long.example')).toMatchObject({
      state: 'secure',
      answer: 'nodata',
      name: 'planner.example',
    })
    expect(await find('CNAME long.example')).toMatchObject({ name: 'long.example' })
  })

  test('makes the alias of a DNAME itself', async () => {
    expect(await find('A planner.old.example')).toMatchObject({
      state: 'secure',
      name: 'planner.new.example',
      records: zone.records(name('planner.new.example'), TYPE.A),
    })
    expect(await find('A nobody.old.example')).toMatchObject({
      answer: 'nxdomain',
      name: 'nobody.new.example',
    })
  })

  test('says when a wildcard was expanded', async () => {
    // Signed on the spot, compact answers do not tell (RFC 9824 section 3.4).
    const wildcard = denial !== 'compact'
    expect(await find('A any.wild.example')).toMatchObject({ state: 'secure', wildcard })
    expect(await find('A a.b.c.wild.example')).toMatchObject({ state: 'secure', wildcard })
    expect(await find('A any.elsewhere.example')).toMatchObject({
      name: 'planner.example',
      wildcard,
    })
    expect(await find('A exact.wild.example')).toMatchObject({ wildcard: false })
    expect(await find('A *.wild.example')).toMatchObject({ wildcard: false })
  })

  test('proves that a wildcard has no records of a type', async () => {
    expect(await find('TXT any.wild.example')).toMatchObject({
      state: 'secure',
      answer: denial === 'compact' ? 'nxdomain' : 'nodata',
    })
  })

  test('takes a wildcard without records of its own for one', async () => {
    const answer = denial === 'compact' ? 'nxdomain' : 'nodata'
    expect(await find('A any.star.example')).toMatchObject({ state: 'secure', answer })
    expect(await find('A under.*.star.example')).toMatchObject({ answer: 'positive' })
  })

  test('what it used is enough to find the same again, in any order', async () => {
    const questions = [
      'TXT _ixjkey.planner.example',
      'DNSKEY example',
      'TXT planner.example',
      'TXT ghost.example',
      'A long.example',
      'A planner.old.example',
      'A any.wild.example',
      'TXT any.wild.example',
      'A any.star.example',
    ]
    for (const question of questions) {
      const first = await find(question)
      if (first.state !== 'secure') throw new Error(`${question}: ${first.state}`)
      for (const records of [first.used, first.used.toReversed()]) {
        const again = await validate(ask(question), records, contextOf([zone.anchor]))
        expect(again).toMatchObject({ ...first, steps: expect.anything() as unknown, used: {} })
      }
      for (let left = 0; left < first.used.length; left++) {
        const fewer = first.used.filter((_, index) => index !== left)
        const without = await validate(ask(question), fewer, contextOf([zone.anchor]))
        expect(without.state, `${question} without record ${left}`).not.toBe('secure')
      }
    }
  })
})

describe.each(algorithms)('validate() of algorithm %i', (algorithm) => {
  test('goes down three zones, each with its own keys', async () => {
    const leaf = new SignedZone('r7.fleet.corp', ['_ixjkey 300 IN TXT "key"'], { algorithm })
    const middle = new SignedZone('fleet.corp', ['r7 300 IN NS ns.r7', dsLine(leaf)], {
      algorithm,
      denial: 'nsec3',
    })
    const keys = [
      newTestKey(name('corp'), { algorithm }),
      newTestKey(name('corp'), { algorithm, flags: 256 }),
    ]
    const top = new SignedZone('corp', ['fleet 300 IN NS ns.fleet', dsLine(middle)], { keys })
    const { validation } = await lookUp([top, middle, leaf], 'TXT _ixjkey.r7.fleet.corp')
    expect(validation).toMatchObject({ state: 'secure', zone: 'r7.fleet.corp', anchor: 'corp' })
    expect(validation.steps.map(({ zone, outcome }) => `${zone} ${outcome}`)).toEqual([
      'corp holds',
      'corp holds',
      'fleet.corp holds',
      'fleet.corp holds',
      'r7.fleet.corp holds',
      'r7.fleet.corp holds',
    ])
    const absent = await lookUp([top, middle, leaf], 'TXT ghost.r7.fleet.corp')
    expect(absent.validation).toMatchObject({ state: 'secure', answer: 'nxdomain' })
  })
})

describe('validate()', () => {
  const zone = new SignedZone('example', lines)

  test('asks for what it needs, step by step', async () => {
    const question = ask('TXT _ixjkey.planner.example')
    const empty = await validate(question, [], contextOf([zone.anchor]))
    expect(empty).toMatchObject({
      state: 'incomplete',
      needs: [question, { name: 'example', type: TYPE.DNSKEY }],
    })
    const answer = zone.answer(question)
    expect(await validate(question, answer, contextOf([zone.anchor]))).toMatchObject({
      state: 'incomplete',
      needs: [{ name: 'example', type: TYPE.DNSKEY }],
    })
  })

  test('lowers a TTL that somebody raised, and keeps one that a cache lowered', async () => {
    const question = ask('TXT _ixjkey.planner.example')
    const records = [...zone.answer(question), ...zone.answer(ask('DNSKEY example'))]
    const withTtl = (ttl: number) => records.map((record) => ({ ...record, ttl }))
    const raised = await validate(question, withTtl(86_400), contextOf([zone.anchor]))
    expect(raised).toMatchObject({ ttlSeconds: 300, records: [{ ttl: 300 }] })
    const lowered = await validate(question, withTtl(7), contextOf([zone.anchor]))
    expect(lowered).toMatchObject({ ttlSeconds: 7, records: [{ ttl: 7 }] })
    if (lowered.state !== 'secure' || raised.state !== 'secure') throw new Error('not secure')
    expect(lowered.used).toEqual(raised.used)
  })

  test('never keeps an answer longer than its signatures hold', async () => {
    const now = NOW + 24 * HOUR - 5_000
    const question = 'TXT _ixjkey.planner.example'
    const context = contextOf([zone.anchor], { now })
    const { validation } = await lookUp([zone], question, { context })
    expect(validation).toMatchObject({ state: 'secure', ttlSeconds: 5 })
  })

  test('has no word on names that no anchor covers', async () => {
    const { validation } = await lookUp([zone], 'TXT a.other', {
      context: contextOf([zone.anchor]),
    })
    expect(validation).toMatchObject({ state: 'insecure', below: undefined })
    const nothing = await validate(ask('DS .'), [], contextOf([]))
    expect(nothing).toMatchObject({ state: 'insecure', below: undefined })
  })

  test('refuses to be asked for what no zone holds', async () => {
    const meta = validate({ name: name('example'), type: TYPE.ANY }, [], contextOf([]))
    await expect(meta).rejects.toMatchObject({ code: 'argument' })
  })

  test('takes an alias into a zone of another anchor, and only from that anchor', async () => {
    const other = new SignedZone('other', ['target 300 IN A 127.0.0.9'])
    const from = new SignedZone('example', ['away 300 IN CNAME target.other.'])
    const context = contextOf([from.anchor, other.anchor])
    const { validation } = await lookUp([from, other], 'A away.example', { context })
    expect(validation).toMatchObject({ state: 'secure', anchor: 'other', name: 'target.other' })
    const alone = await lookUp([from, other], 'A away.example')
    expect(alone.validation).toMatchObject({ state: 'insecure', below: undefined })
  })

  test.each(['DS', 'DNSKEY'])('starts from an anchor that is a %s', async (kind) => {
    const anchor = kind === 'DS' ? { zone: zone.name, records: [zone.ds] } : zone.anchor
    const { validation } = await lookUp([zone], 'TXT _ixjkey.planner.example', {
      context: contextOf([anchor]),
    })
    expect(validation.state).toBe('secure')
  })

  test('works through a roll-over: two keys in the anchor, either signs', async () => {
    const keys = [newTestKey(name('example')), newTestKey(name('example'))]
    const records = keys.map(({ dnskey }) => dnskey)
    for (const signers of [keys, keys.toReversed()]) {
      const rolling = new SignedZone('example', lines, { keys: signers })
      const context = contextOf([{ zone: name('example'), records }])
      const { validation } = await lookUp([rolling], 'TXT _ixjkey.planner.example', { context })
      expect(validation.state).toBe('secure')
    }
  })
})
