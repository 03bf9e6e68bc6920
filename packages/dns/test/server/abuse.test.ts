import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage, type Message, RCODE } from '@ixj/dns'
import { Cookies } from '../../src/server/cookies.ts'
import { newCounters } from '../../src/server/counters.ts'
import { RateLimiter } from '../../src/server/rate-limiter.ts'
import { makeZone } from './made-zone.ts'
import { answerOf, FAR, handlerOf, NEAR } from './packets.ts'
import { queryFor } from './served-zone.ts'

const random = (length: number) => new Uint8Array(length).fill(5)
const EDNS = { udpBytes: 1_232, version: 0, dnssecOk: true, options: [] }
const CLIENT = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const withCookie = (data: Uint8Array): Partial<Message> => ({
  edns: { ...EDNS, options: [{ code: 10, data }] },
})
const cookieIn = ({ edns }: Message) => edns?.options.find(({ code }) => code === 10)?.data

describe('the limit of answers over UDP', () => {
  test('lets a burst through, then so many a second, for each network by itself', () => {
    const limiter = new RateLimiter({ random, perSecond: 10, burst: 5 })
    const sent = (address: string, now: number) =>
      Array.from({ length: 20 }, () => limiter.take(address, now)).filter((what) => what === 'send')
    expect(sent('192.0.2.1', 0)).toHaveLength(5)
    expect(sent('192.0.2.200', 0)).toHaveLength(0)
    expect(sent('198.51.100.1', 0)).toHaveLength(5)
    expect(sent('192.0.2.1', 300)).toHaveLength(3)
    expect(sent('2001:db8::1', 0)).toHaveLength(5)
    expect(sent('2001:db8::ffff:1', 0)).toHaveLength(0)
  })

  test('sends every second of the rest cut off, so that TCP is tried', () => {
    const limiter = new RateLimiter({ random, perSecond: 1, burst: 1 })
    const found = Array.from({ length: 5 }, () => limiter.take('192.0.2.1', 0))
    expect(found).toEqual(['send', 'drop', 'cut', 'drop', 'cut'])
  })

  test('survives a clock that was set back', () => {
    const limiter = new RateLimiter({ random, perSecond: 10, burst: 5 })
    for (let count = 0; count < 10; count++) limiter.take('192.0.2.1', 1e12)
    limiter.take('192.0.2.1', 0)
    expect(limiter.take('192.0.2.1', 0)).toBe('send')
  })

  test('holds for senders that may be forged, not for loopback, TCP or valid cookies', async () => {
    await using made = await makeZone('z.example')
    const counters = newCounters()
    const limiter = new RateLimiter({ random, perSecond: 1, burst: 1 })
    const handler = handlerOf([made.store], { limiter, counters, now: () => 1e12 })
    const packet = encodeMessage(queryFor('SOA z.example', withCookie(CLIENT)))
    const first = await answerOf(handler, packet, FAR)
    expect(handler.handle(packet, FAR)).toBeUndefined()
    const cut = await answerOf(handler, packet, FAR)
    expect([cut.truncated, cut.answers.length]).toEqual([true, 0])
    expect(counters.rateLimited).toBe(2)
    const known = encodeMessage(queryFor('SOA z.example', withCookie(cookieIn(first)!)))
    for (const [bytes, source] of [
      [known, FAR],
      [packet, NEAR],
      [packet, { ...FAR, transport: 'tcp' }],
    ] as const) {
      const { answers } = await answerOf(handler, bytes, source)
      expect(answers.length).toBeGreaterThan(0)
    }
  })
})

test('senders on the same link, whose addresses name an interface, get answers and limits', async () => {
  await using made = await makeZone('z.example')
  const limiter = new RateLimiter({ random, perSecond: 1, burst: 1 })
  const handler = handlerOf([made.store], { limiter, now: () => 1e12 })
  const packet = encodeMessage(queryFor('SOA z.example', withCookie(CLIENT)))
  const source = { ...FAR, address: 'fe80::1%eth0' }
  const first = await answerOf(handler, packet, source)
  expect([first.rcode, first.answers.length]).toEqual([RCODE.NOERROR, 2])
  expect(handler.handle(packet, source)).toBeUndefined()
  const known = encodeMessage(queryFor('SOA z.example', withCookie(cookieIn(first)!)))
  expect((await answerOf(handler, known, source)).answers).toHaveLength(2)
})

describe('cookies', () => {
  const cookies = new Cookies(random)
  const address = '192.0.2.1'
  const edns = (data: Uint8Array) => ({ ...EDNS, options: [{ code: 10, data }] })
  const given = cookies.option(edns(CLIENT), address, 1e12)[0]!.data

  test('are made for one client at one address, and hold for an hour', () => {
    const check = (data: Uint8Array, at = address, now = 1e12) => cookies.check(edns(data), at, now)
    expect(given).toHaveLength(24)
    expect(check(given)).toBe('valid')
    expect(check(given, '192.0.2.2')).toBe('unknown')
    expect(check(given, address, 1e12 + 3_600_000)).toBe('valid')
    expect(check(given, address, 1e12 + 3_601_000)).toBe('unknown')
    expect(check(given, address, 1e12 - 301_000)).toBe('unknown')
    expect(check(Uint8Array.from(given, (byte, index) => (index === 0 ? byte ^ 1 : byte)))).toBe(
      'unknown',
    )
    expect(new Cookies((length) => new Uint8Array(length)).check(edns(given), address, 1e12)).toBe(
      'unknown',
    )
    expect(cookies.check(EDNS, address, 1e12)).toBe('none')
  })

  test.each([0, 7, 9, 15, 41])('of %i bytes have no such form: FORMERR', async (length) => {
    await using made = await makeZone('z.example')
    const packet = encodeMessage(queryFor('SOA z.example', withCookie(new Uint8Array(length))))
    expect((await answerOf(handlerOf([made.store]), packet, FAR)).rcode).toBe(RCODE.FORMERR)
  })

  test('are not given out on loopback', async () => {
    await using made = await makeZone('z.example')
    const packet = encodeMessage(queryFor('SOA z.example', withCookie(CLIENT)))
    expect(cookieIn(await answerOf(handlerOf([made.store]), packet, NEAR))).toBeUndefined()
  })
})

test('no answer to a short question is large: at most 1,232 bytes, a denial under 450', async () => {
  await using made = await makeZone('z.example')
  const handler = handlerOf([made.store])
  for (const [text, bytesMax] of [
    ['A ghost.z.example', 450],
    ['ANY z.example', 450],
    ['A elsewhere.example', 64],
  ] as const) {
    const reply = await handler.handle(encodeMessage(queryFor(text, { edns: EDNS })), NEAR)
    if (!(reply instanceof Uint8Array)) throw new Error('There was no answer')
    expect(decodeMessage(reply).truncated).toBe(false)
    expect(reply.length, text).toBeLessThanOrEqual(bytesMax)
  }
})
