import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  encodeMessage,
  formatRecord,
  isAtOrBelowName,
  RCODE,
  readTsig,
  signTsig,
  TYPE,
  verifyTsig,
  decodeMessage,
} from '@ixj/dns'
import { makeZone, named, type MadeZone, TEST_KEY } from './made-zone.ts'
import { answerOf, handlerOf, NEAR, sendSigned, updateOf } from './packets.ts'

const zone = 'z.example'
let made: MadeZone
beforeAll(async () => {
  made = await makeZone(zone)
})
afterAll(async () => await made[Symbol.asyncDispose]())

let place = 0
/** A name of this test alone. */
let own: string
beforeEach(() => {
  own = `n${place++}`
})

const rcodeOf = async (changes: readonly string[], prerequisites: readonly string[] = []) =>
  (await sendSigned(handlerOf([made.store]), updateOf(zone, { changes, prerequisites }))).rcode

/** The records at or below this test's name, as lines. */
function lines(at = own): string[] {
  const name = named(at === '@' ? zone : `${at}.${zone}`)
  return [...made.store.content.rrsets()]
    .filter((rrset) => (at === '@' ? rrset.name === name : isAtOrBelowName(rrset.name, name)))
    .flatMap(({ records }) => records.map((record) => formatRecord(record)))
    .toSorted()
}

describe('an update message', () => {
  test('adds records; the newest TTL is that of the whole set', async () => {
    expect(await rcodeOf([`${own} 60 IN TXT "a"`, `${own} 30 IN TXT "b"`])).toBe(RCODE.NOERROR)
    expect(lines()).toEqual([`${own}.${zone}. 30 IN TXT "a"`, `${own}.${zone}. 30 IN TXT "b"`])
  })

  test('removes one record, a set, and all of a name', async () => {
    await rcodeOf([
      `${own} 60 IN TXT "a"`,
      `${own} 60 IN TXT "b"`,
      `${own} 60 IN A 127.0.0.1`,
      `${own} 60 IN AAAA ::1`,
    ])
    await rcodeOf([`${own} 0 NONE TXT "a"`])
    expect(lines()).toHaveLength(3)
    await rcodeOf([`${own} 0 ANY A`])
    expect(lines()).toHaveLength(2)
    await rcodeOf([`${own} 0 ANY ANY`])
    expect(lines()).toEqual([])
  })

  test('of a few sets has them signed before anybody asks; of many it does not', async () => {
    const { signer } = made.store
    const many = Array.from({ length: 5 }, (_, index) => `${own}-${index} 60 IN TXT "a"`)
    for (const [changes, signed] of [
      [[`${own} 60 IN TXT "a"`], 1],
      [many, 0],
    ] as const) {
      const before = signer.made
      // oxlint-disable-next-line no-await-in-loop -- One update after the other.
      expect(await rcodeOf(changes)).toBe(RCODE.NOERROR)
      // oxlint-disable-next-line no-await-in-loop -- Callbacks of one round run in their order.
      await new Promise((resolve) => setImmediate(resolve))
      expect(signer.made - before).toBe(signed)
    }
  })

  test('is done in its order, in whole or not at all', async () => {
    await rcodeOf([`${own} 60 IN TXT "a"`, `${own} 0 ANY TXT`, `${own} 60 IN TXT "b"`])
    expect(lines()).toEqual([`${own}.${zone}. 60 IN TXT "b"`])
    expect(await rcodeOf([`${own} 60 IN TXT "c"`, `${own} 60 IN NSEC x. A`])).toBe(RCODE.REFUSED)
    expect(lines()).toHaveLength(1)
  })

  test.each([
    ['a name that is in use', 'ANY ANY', 'other', RCODE.NXDOMAIN],
    ['a set that exists', 'ANY TXT', 'other', RCODE.NXRRSET],
    ['a name that is not in use', 'NONE ANY', 'this', RCODE.YXDOMAIN],
    ['a set that does not exist', 'NONE TXT', 'this', RCODE.YXRRSET],
  ])('can ask for %s', async (_, form, failsAt, rcode) => {
    await rcodeOf([`${own} 60 IN TXT "a"`])
    const [fails, holds] = failsAt === 'this' ? [own, `x.${own}`] : [`x.${own}`, own]
    const change = [`new.${own} 60 IN TXT "new"`]
    expect(await rcodeOf(change, [`${fails} 0 ${form}`])).toBe(rcode)
    expect(lines(`new.${own}`)).toEqual([])
    expect(await rcodeOf(change, [`${holds} 0 ${form}`])).toBe(RCODE.NOERROR)
  })

  test('can ask for a set to have exactly these records', async () => {
    await rcodeOf([`${own} 60 IN TXT "a"`, `${own} 60 IN TXT "b"`])
    const change = [`${own} 60 IN TXT "c"`]
    expect(await rcodeOf(change, [`${own} 0 IN TXT "a"`])).toBe(RCODE.NXRRSET)
    expect(await rcodeOf(change, [`${own} 0 IN TXT "b"`, `${own} 0 IN TXT "a"`])).toBe(
      RCODE.NOERROR,
    )
  })

  test('takes one record out of a set, names in its data in any case, and keeps the rest', async () => {
    await rcodeOf(['a', 'b', 'c'].map((host) => `${own} 60 IN MX 10 ${host}.Mail.example.`))
    expect(await rcodeOf([`${own} 60 IN MX 10 B.mail.EXAMPLE.`])).toBe(RCODE.NOERROR)
    expect(lines()).toHaveLength(3)
    expect(await rcodeOf([`${own} 0 NONE MX 10 b.MAIL.example.`])).toBe(RCODE.NOERROR)
    const left = ['a', 'c'].map((host) => `${own}.${zone}. 60 IN MX 10 ${host}.Mail.example.`)
    expect(lines().toSorted()).toEqual(left)
    expect(await rcodeOf([`${own} 0 NONE MX 11 a.mail.example.`])).toBe(RCODE.NOERROR)
    expect(lines()).toHaveLength(2)
  })

  test('keeps an alias alone, in silence (RFC 2136 section 3.4.2.2)', async () => {
    await rcodeOf([`${own} 60 IN CNAME a.`, `${own} 60 IN TXT "a"`, `${own} 60 IN CNAME b.`])
    expect(lines()).toEqual([`${own}.${zone}. 60 IN CNAME b.`])
    await rcodeOf([`t.${own} 60 IN TXT "a"`, `t.${own} 60 IN CNAME a.`])
    expect(lines(`t.${own}`)).toEqual([`t.${own}.${zone}. 60 IN TXT "a"`])
  })

  test('leaves the zone its SOA, its last server and its key', async () => {
    const before = lines('@').filter((line) => !line.includes('SOA'))
    const server = `@ 0 NONE NS ns1.${zone}.`
    expect(await rcodeOf(['@ 0 ANY ANY', '@ 0 ANY SOA', '@ 0 ANY NS', server])).toBe(RCODE.NOERROR)
    expect(lines('@').filter((line) => !line.includes('SOA'))).toEqual(before)
    expect(await rcodeOf(['@ 0 ANY DNSKEY'])).toBe(RCODE.REFUSED)
  })

  test('counts the serial up when something has changed, and only then', async () => {
    const { serial } = made.store
    await rcodeOf([`${own} 60 IN TXT "a"`])
    expect(made.store.serial).toBe(serial + 1)
    await rcodeOf([`${own} 60 IN TXT "a"`, `x.${own} 0 ANY ANY`])
    expect(made.store.serial).toBe(serial + 1)
  })

  test('takes a later serial, across its wrap, and no earlier one', async () => {
    await using other = await makeZone('wrap.example')
    const send = async (serial: number, more: readonly string[] = []) => {
      const soa = `@ 300 IN SOA ns1 hostmaster ${serial} 900 300 7200 1`
      await sendSigned(
        handlerOf([other.store]),
        updateOf('wrap.example', { changes: [soa, ...more] }),
      )
      return other.store.serial
    }
    expect(await send(0x7fff_ffff)).toBe(0x7fff_ffff)
    expect(await send(0xffff_fffe)).toBe(0xffff_fffe)
    expect(await send(0x7fff_ffff)).toBe(0xffff_fffe)
    for (const serial of [0xffff_ffff, 1, 2]) {
      const { rcode } = await sendSigned(
        handlerOf([other.store]),
        updateOf('wrap.example', { changes: [`a${serial} 60 IN TXT "x"`] }),
      )
      expect([rcode, other.store.serial]).toEqual([RCODE.NOERROR, serial])
    }
    expect(await send(5)).toBe(5)
  })

  test.each([
    ['outside the zone', 'a.elsewhere. 60 IN TXT "a"', RCODE.NOTZONE],
    ['of no real type', 'a 60 IN ANY', RCODE.FORMERR],
    ['with no data', 'a 60 IN A', RCODE.FORMERR],
    ['of a broken SVCB', 'a 60 IN SVCB hex:0001', RCODE.FORMERR],
    ['with a TTL over a day', 'a 86401 IN TXT "a"', RCODE.REFUSED],
    ['with a TTL that is a negative number to some', 'a 2147483648 IN TXT "a"', RCODE.FORMERR],
    ['that removes with a TTL', 'a 1 ANY TXT', RCODE.FORMERR],
    ['that the server makes by itself', 'a 60 IN DNSKEY 257 3 15 AAAA', RCODE.REFUSED],
  ])('refuses a change %s', async (_, change, rcode) => {
    expect(await rcodeOf([change])).toBe(rcode)
    expect(lines('a')).toEqual([])
  })

  test('refuses prerequisites of no form, and a zone that is not here', async () => {
    expect(await rcodeOf([], ['a 1 ANY TXT'])).toBe(RCODE.FORMERR)
    expect(await rcodeOf([], ['a.elsewhere. 0 ANY TXT'])).toBe(RCODE.NOTZONE)
    const other = await sendSigned(handlerOf([made.store]), updateOf('elsewhere.example', {}))
    expect(other.rcode).toBe(RCODE.NOTAUTH)
    const [question] = updateOf(zone, {}).questions
    const message = { ...updateOf(zone, {}), questions: [{ ...question!, type: TYPE.A }] }
    expect((await sendSigned(handlerOf([made.store]), message)).rcode).toBe(RCODE.FORMERR)
  })

  test('fills no memory: neither with large data nor with names of many labels', async () => {
    await using small = await makeZone('small.example', '', { bytesMax: 40_960 })
    const send = async (...changes: string[]) =>
      (await sendSigned(handlerOf([small.store]), updateOf('small.example', { changes }))).rcode
    const large = (name: string) => `${name} 60 IN TXT ${`"${'x'.repeat(255)}" `.repeat(60)}`
    expect(await send(large('a'), large('b'), large('c'))).toBe(RCODE.SERVFAIL)
    expect(await send(large('a'), large('b'))).toBe(RCODE.NOERROR)
    expect(await send(large('c'))).toBe(RCODE.SERVFAIL)
    const deep = (index: number) => `${'d.'.repeat(60)}n${index} 60 IN A 192.0.2.1`
    expect(await send(deep(0), deep(1))).toBe(RCODE.SERVFAIL)
    // What makes room is never refused, and gives it back.
    expect(await send('a 0 ANY ANY', deep(0), deep(1))).toBe(RCODE.NOERROR)
    expect((await small.reopen()).content.bytes).toBeLessThan(40_960)
  })

  test('fills no name and no zone without end', async () => {
    await using small = await makeZone('small.example', '', { recordsMax: 12 })
    const send = async (changes: string[]) =>
      (await sendSigned(handlerOf([small.store]), updateOf('small.example', { changes }))).rcode
    const many = Array.from({ length: 10 }, (_, index) => `a${index} 60 IN TXT "a"`)
    expect(await send(many)).toBe(RCODE.SERVFAIL)
    expect(await send(many.slice(0, 2))).toBe(RCODE.NOERROR)
    const set = Array.from(
      { length: 257 },
      (_, index) => `${own} 60 IN A 10.0.${index >> 8}.${index & 255}`,
    )
    expect(await rcodeOf(set)).toBe(RCODE.REFUSED)
    expect(await rcodeOf(set.slice(1))).toBe(RCODE.NOERROR)
    const same = Array.from({ length: 1_025 }, () => `${own} 60 IN A 10.0.0.1`)
    expect(await rcodeOf(same)).toBe(RCODE.REFUSED)
    expect(await rcodeOf(same.slice(1))).toBe(RCODE.NOERROR)
  })
})

describe('the right to update', () => {
  const change = updateOf(zone, { changes: ['_ixj.crew 60 IN TXT "a"'] })
  const policy = (names: string[], types?: number[]) =>
    handlerOf([made.store], {
      policies: [{ key: TEST_KEY.name, names, ...(types === undefined ? {} : { types }) }],
    })
  const may = async (handler: ReturnType<typeof policy>, ...changes: string[]) =>
    (await sendSigned(handler, updateOf(zone, { changes }))).rcode === RCODE.NOERROR

  test('is that of exact names, of one more label, of any more', async () => {
    const cases: [string, boolean[]][] = [
      [`crew.${zone}`, [true, false, false, false]],
      [`*.crew.${zone}`, [false, true, false, false]],
      [`**.crew.${zone}`, [false, true, true, false]],
    ]
    for (const [names, expected] of cases) {
      const handler = policy([names])
      const found = ['crew', 'a.crew', 'a.b.crew', 'acrew'].map((name) =>
        may(handler, `${name} 9 IN TXT "a"`),
      )
      expect(await Promise.all(found), names).toEqual(expected)
    }
  })

  test('is that of some types; all types of a name go only with the right to each', async () => {
    const handler = policy([`**.${zone}`], [TYPE.SVCB])
    expect(await may(handler, `${own} 9 IN SVCB 1 a.`)).toBe(true)
    expect(await may(handler, `${own} 9 IN TXT "a"`)).toBe(false)
    expect(await may(handler, `${own} 0 ANY ANY`)).toBe(true)
    await rcodeOf([`${own} 9 IN SVCB 1 a.`, `${own} 9 IN TXT "a"`])
    expect(await may(handler, `${own} 0 ANY ANY`)).toBe(false)
    expect(await may(handler, `${own} 9 IN SVCB 1 b.`, `elsewhere 9 IN A 127.0.0.1`)).toBe(false)
    expect(lines()).toHaveLength(2)
  })

  test('is that of one zone, where it names one: a child may be on the same server', async () => {
    const of = (only: string) =>
      handlerOf([made.store], {
        policies: [{ key: TEST_KEY.name, zone: named(only), names: [zone, `**.${zone}`] }],
      })
    const line = `${own} 9 IN TXT "a"`
    expect(await may(of(`crew.${zone}`), line)).toBe(false)
    expect(await may(of('example'), line)).toBe(false)
    expect(await may(of(zone), line)).toBe(true)
  })

  test("is nobody's without a signature, or with a key that has no policy", async () => {
    const handler = handlerOf([made.store], { policies: [] })
    expect((await sendSigned(handler, change)).rcode).toBe(RCODE.REFUSED)
    expect((await answerOf(handlerOf([made.store]), encodeMessage(change))).rcode).toBe(
      RCODE.REFUSED,
    )
  })

  test('an answer to a signed update is signed', async () => {
    const now = Date.now()
    const request = signTsig(encodeMessage(change), { key: TEST_KEY, now })
    const bytes = await handlerOf([made.store]).handle(request.bytes, NEAR)
    if (!(bytes instanceof Uint8Array)) throw new Error('There was no answer')
    const answer = decodeMessage(bytes)
    const keys = [TEST_KEY]
    expect(verifyTsig(bytes, answer.tsig, { keys, now, priorMac: request.mac }).key).toBe(TEST_KEY)
  })

  test.each([
    ['an unknown key', { ...TEST_KEY, name: named('other') }, 0, RCODE.BADKEY, 0],
    ['another algorithm', { ...TEST_KEY, algorithm: 'hmac-sha512' }, 0, RCODE.BADKEY, 0],
    ['another secret', { ...TEST_KEY, secret: new Uint8Array(32) }, 0, RCODE.BADSIG, 0],
    ['a clock that is late', TEST_KEY, -301_000, RCODE.BADTIME, 32],
    ['a clock that is early', TEST_KEY, 302_000, RCODE.BADTIME, 32],
  ] as const)('of %s is none', async (_, key, skew, error, macBytes) => {
    const serial = made.store.serial
    const signing = { key, now: Date.now() + skew }
    const answer = await sendSigned(handlerOf([made.store]), change, signing)
    const tsig = readTsig(answer.tsig!.record.data)
    expect([answer.rcode, tsig.error, tsig.mac.length]).toEqual([RCODE.NOTAUTH, error, macBytes])
    expect(tsig.other.length).toBe(error === RCODE.BADTIME ? 6 : 0)
    expect(made.store.serial).toBe(serial)
  })

  test('a copy of an update is not carried out again, and gets the same answer', async () => {
    const handler = handlerOf([made.store])
    const now = Date.now()
    const sign = (changes: string[]) =>
      signTsig(encodeMessage(updateOf(zone, { changes })), { key: TEST_KEY, now }).bytes
    const add = sign([`${own} 60 IN TXT "old key"`])
    const first = await handler.handle(add, NEAR)
    await handler.handle(sign([`${own} 0 ANY TXT`]), NEAR)
    expect(lines()).toEqual([])
    expect(await handler.handle(add, NEAR)).toEqual(first)
    expect(lines()).toEqual([])
    // Who passes a message on may give it another id, which is not signed.
    const passedOn = Uint8Array.from(add)
    passedOn.set([0xab, 0xcd])
    const { id } = await answerOf(handler, passedOn)
    expect([id, lines()]).toEqual([0xabcd, []])
  })
})
