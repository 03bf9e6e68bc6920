import {
  decodeMessage,
  encodeMessage,
  type DnsRecord,
  EMPTY_MESSAGE,
  type Message,
  parseDnsName,
  RCODE,
  TYPE,
  ZoneForwarder,
} from '@ixj/dns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeRrsig } from '../../src/proof.ts'
import { ForwardedAnswers } from '../../src/resolver/forwarded-answers.ts'
import {
  FORWARDED_KEPT_BYTES_MAX,
  FORWARDED_KEPT_MAX,
  FORWARDED_KEPT_PER_ASKER_MAX,
  FORWARDED_KEPT_SECONDS_MAX,
} from '../../src/resolver/limits.ts'
import { makeZone, type MadeZone, serveZones } from '../server/made-zone.ts'
import { queryFor, SIGNED } from '../server/served-zone.ts'

const ZONE = parseDnsName('acme.example')
const held = new AsyncDisposableStack()
let made: MadeZone
let port: number

beforeAll(async () => {
  made = held.use(await makeZone(ZONE, 'a 30 TXT "a"\nb 7200 TXT "b"'))
  port = held.use(await serveZones([made.store])).port
})
afterAll(() => held.disposeAsync())

/** A forwarder whose clock a test moves, and what it answers. */
function openForwarder() {
  let now = Date.now()
  const forwarder = new ZoneForwarder([{ zone: ZONE, server: { address: '127.0.0.1', port } }], {
    now: () => now,
  })
  return {
    forwarder,
    pass: (ms: number) => {
      now += ms
    },
    ask: async (text: string, asker = 'one') => {
      const query = encodeMessage(queryFor(text, { ...SIGNED, id: 9 }))
      const answer = await forwarder.answer(query, asker)
      if (answer === undefined) throw new Error(`${text} is no query`)
      return decodeMessage(answer)
    },
    [Symbol.asyncDispose]: () => forwarder[Symbol.asyncDispose](),
  }
}

const ttlsOf = ({ answers }: Message) => [...new Set(answers.map(({ ttl }) => ttl))]

describe('ZoneForwarder', () => {
  it('asks once for all who ask the same, whoever they are, until the TTL has passed', async () => {
    await using opened = openForwarder()
    const { forwarder, ask, pass } = opened
    const first = await ask('TXT a.acme.example', 'one')
    pass(10_000)
    const second = await ask('TXT a.acme.example', 'two')
    expect([ttlsOf(first), ttlsOf(second)]).toEqual([[30], [20]])
    const bytesOf = ({ answers }: Message) => answers.map(({ data }) => data)
    expect(bytesOf(second)).toEqual(bytesOf(first))
    pass(19_999)
    expect(ttlsOf(await ask('TXT a.acme.example'))).toEqual([1])
    expect(forwarder.counts).toMatchObject({ answered: 1, shared: 2 })
    pass(1)
    expect(ttlsOf(await ask('TXT a.acme.example'))).toEqual([30])
    expect(forwarder.counts).toMatchObject({ answered: 2, shared: 2 })
  })

  it('puts a question that many ask at once to the server once', async () => {
    await using opened = openForwarder()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, asker) => opened.ask('TXT a.acme.example', `${asker}`)),
    )
    expect(answers.map(({ answers: { length } }) => length)).toEqual(answers.map(() => 2))
    expect(opened.forwarder.counts).toMatchObject({ answered: 1, shared: 49 })
    expect(opened.forwarder.running).toBe(0)
  })

  it('keeps that a name is absent too, with its proof, until somebody makes it', async () => {
    await using opened = openForwarder()
    const { forwarder, ask, pass } = opened
    const absent = await ask('TXT new.acme.example')
    const types = (message: Message) => new Set(message.authorities.map(({ type }) => type))
    expect(types(absent)).toEqual(new Set([TYPE.NSEC, TYPE.RRSIG, TYPE.SOA]))
    await made.store.apply([
      {
        kind: 'set',
        name: parseDnsName('new.acme.example'),
        type: TYPE.TXT,
        ttl: 30,
        data: [Uint8Array.of(1, 97)],
      },
    ])
    expect(types(await ask('TXT new.acme.example'))).toEqual(types(absent))
    expect(forwarder.counts.answered).toBe(1)
    pass(FORWARDED_KEPT_SECONDS_MAX * 1_000)
    expect((await ask('TXT new.acme.example')).answers).not.toEqual([])
  })

  it('tells apart who wants signatures, and who does not', async () => {
    await using opened = openForwarder()
    await opened.ask('TXT a.acme.example')
    const plain = await opened.forwarder.answer(
      encodeMessage(queryFor('TXT a.acme.example')),
      'one',
    )
    expect(decodeMessage(plain!).answers.map(({ type }) => type)).toEqual([TYPE.TXT])
  })

  it('keeps nothing for longer than a minute, whatever its TTL', async () => {
    await using opened = openForwarder()
    const { forwarder, ask, pass } = opened
    await ask('TXT b.acme.example')
    pass(FORWARDED_KEPT_SECONDS_MAX * 1_000 - 1)
    await ask('TXT b.acme.example')
    expect(forwarder.counts.answered).toBe(1)
    pass(1)
    await ask('TXT b.acme.example')
    expect(forwarder.counts.answered).toBe(2)
  })
})

const NOW = Date.parse('2026-11-26T12:00:00Z')
const NAME = parseDnsName('a.acme.example')
const TEXT: DnsRecord = {
  name: NAME,
  type: TYPE.TXT,
  class: 1,
  ttl: 300,
  data: Uint8Array.of(1, 97),
}

/** An answer with a text, and other records behind it. */
function answerWith(records: readonly DnsRecord[] = [], more: Partial<Message> = {}): Message {
  return { ...EMPTY_MESSAGE, response: true, answers: [TEXT, ...records], ...more }
}

/** A signature over the text that ends in so many seconds. */
function signature(endsSeconds: number, originalTtl = 300): DnsRecord {
  const data = writeRrsig({
    typeCovered: TYPE.TXT,
    algorithm: 15,
    labels: 3,
    originalTtl,
    expiration: NOW / 1_000 + endsSeconds,
    inception: NOW / 1_000 - 60,
    keyTag: 1,
    signer: ZONE,
    signature: new Uint8Array(64),
  })
  return { ...TEXT, type: TYPE.RRSIG, data }
}

describe('ForwardedAnswers', () => {
  it.each([
    ['its signature ends', answerWith([signature(7)]), 7],
    ['the original TTL of its signature says', answerWith([signature(1_000, 9)]), 9],
    ['its shortest record lasts', answerWith([{ ...TEXT, ttl: 5 }]), 5],
    [
      'the proof of its absence lasts',
      answerWith([], { answers: [], authorities: [{ ...TEXT, ttl: 4 }] }),
      4,
    ],
  ])('keeps an answer until %s', (_, answer, seconds) => {
    const kept = new ForwardedAnswers()
    kept.set('key', answer, { asker: 'one', now: NOW })
    expect(kept.get('key', NOW + seconds * 1_000 - 1)).toBeDefined()
    expect(kept.get('key', NOW + seconds * 1_000)).toBeUndefined()
    expect([kept.size, kept.bytes]).toEqual([0, 0])
  })

  it.each([
    ['an error', answerWith([], { rcode: RCODE.SERVFAIL })],
    ['what was cut off', answerWith([], { truncated: true })],
    ['what holds no record', answerWith([], { answers: [] })],
    ['what has a signature that has ended', answerWith([signature(-1)])],
    ['what may not be kept', answerWith([{ ...TEXT, ttl: 0 }])],
  ])('does not keep %s', (_, answer) => {
    const kept = new ForwardedAnswers()
    kept.set('key', answer, { asker: 'one', now: NOW })
    expect(kept.get('key', NOW)).toBeUndefined()
  })

  it('forgets what is from a time to come, since the clock was set back', () => {
    const kept = new ForwardedAnswers()
    kept.set('key', answerWith(), { asker: 'one', now: NOW })
    expect(kept.get('key', NOW - 1)).toBeUndefined()
  })

  it('has who asks for ever new names push out its own alone', () => {
    const kept = new ForwardedAnswers()
    kept.set('honest', answerWith(), { asker: 'honest', now: NOW })
    for (let index = 0; index <= FORWARDED_KEPT_PER_ASKER_MAX; index++) {
      kept.set(`ghost${index}`, answerWith(), { asker: 'flood', now: NOW })
    }
    const has = (key: string) => kept.get(key, NOW) !== undefined
    expect([has('honest'), has('ghost0'), has('ghost1')]).toEqual([true, false, true])
    expect(kept.size).toBe(FORWARDED_KEPT_PER_ASKER_MAX + 1)
  })

  it('is full of what many ask for, and then whoever has most gives up', () => {
    const kept = new ForwardedAnswers()
    kept.set('honest', answerWith(), { asker: 'honest', now: NOW })
    const askers = FORWARDED_KEPT_MAX / FORWARDED_KEPT_PER_ASKER_MAX
    for (let index = 0; index < FORWARDED_KEPT_MAX; index++) {
      kept.set(`ghost${index}`, answerWith(), { asker: `flood${index % askers}`, now: NOW })
    }
    expect([kept.size, kept.get('honest', NOW) !== undefined]).toEqual([FORWARDED_KEPT_MAX, true])
  })

  it('holds so many bytes and no more', () => {
    const kept = new ForwardedAnswers()
    const large = answerWith([{ ...TEXT, data: new Uint8Array(60_000) }])
    for (let index = 0; index < 200; index++) {
      kept.set(`large${index}`, large, { asker: `${index}`, now: NOW })
    }
    expect(kept.bytes).toBeLessThanOrEqual(FORWARDED_KEPT_BYTES_MAX)
    expect(kept.size).toBeGreaterThan(100)
  })
})
