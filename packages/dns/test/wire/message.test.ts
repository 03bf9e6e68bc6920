import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CLASS,
  decodeMessage,
  DnsError,
  EMPTY_MESSAGE,
  encodeMessage,
  type Message,
  MESSAGE_BYTES_MAX,
  parseDnsName,
  parseRecord,
  peekHeader,
  ROOT,
  sameRecord,
  TYPE,
} from '@ixj/dns'
import { names, records } from '../text/random-records.ts'

const SEED = 0x1d47
const zone = parseDnsName('zone.example')
const format = expect.objectContaining({ code: 'format' }) as Error
const limit = expect.objectContaining({ code: 'limit' }) as Error

const section = fc.array(records(zone, false), { maxLength: 5 })
const flag = fc.boolean()
const edns = fc.record({
  udpBytes: fc.nat(65_535),
  version: fc.nat(255),
  dnssecOk: flag,
  options: fc.array(fc.record({ code: fc.nat(65_535), data: fc.uint8Array({ maxLength: 30 }) }), {
    maxLength: 3,
  }),
})
const messages: fc.Arbitrary<Message> = fc
  .record({
    id: fc.nat(65_535),
    opcode: fc.nat(15),
    rcode: fc.nat(15),
    response: flag,
    authoritative: flag,
    truncated: flag,
    recursionDesired: flag,
    recursionAvailable: flag,
    authenticData: flag,
    checkingDisabled: flag,
    question: fc.option(fc.tuple(names(zone), fc.nat(65_535), fc.nat(65_535))),
    answers: section,
    authorities: section,
    additionals: section,
    edns: fc.option(fc.tuple(edns, fc.nat(255))),
  })
  .map(({ question, edns: extended, ...rest }) => ({
    ...rest,
    questions:
      question === null ? [] : [{ name: question[0], type: question[1], class: question[2] }],
    ...(extended === null ? {} : { edns: extended[0], rcode: rest.rcode | (extended[1] << 4) }),
  }))

const plain = (message: Message): Message => ({
  ...message,
  questions: message.questions.map(({ name, type, class: ofClass }) => ({
    name,
    type,
    class: ofClass,
  })),
})

const query: Message = {
  ...EMPTY_MESSAGE,
  id: 7,
  recursionDesired: true,
  questions: [{ name: parseDnsName('a.example'), type: TYPE.TXT, class: CLASS.IN }],
}
const answer: Message = {
  ...query,
  response: true,
  answers: [
    parseRecord('a.example. 60 IN CNAME b.example.'),
    parseRecord('b.example. 60 IN TXT "x" "y"'),
  ],
  authorities: [parseRecord('example. 60 IN SOA ns.example. host.example. 1 2 3 4 5')],
  additionals: [parseRecord('ns.example. 60 IN A 127.0.0.1')],
  edns: { udpBytes: 1_232, version: 0, dnssecOk: true, options: [] },
}

describe('decodeMessage()', () => {
  test('reads what encodeMessage() wrote', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(plain(decodeMessage(encodeMessage(message)))).toEqual(message)
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  test('refuses a message that was cut off at any byte, or goes on', () => {
    const bytes = encodeMessage(answer)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeMessage(bytes.subarray(0, length)), `${length}`).toThrow(DnsError)
    }
    expect(() => decodeMessage(Uint8Array.from([...bytes, 0]))).toThrow(format)
  })

  test('reads names in data that point to the front, and keeps them plain', () => {
    const [cname] = decodeMessage(encodeMessage(answer)).answers
    expect(sameRecord(cname!, answer.answers[0]!)).toBe(true)
    const pointing = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, 0x62, 0xc0, 14]
    // b.example as a label and a pointer to "example" in the question.
    const bytes = Uint8Array.from([
      ...encodeMessage({ ...query, response: true }),
      ...pointing,
    ]).with(7, 1)
    expect(sameRecord(decodeMessage(bytes).answers[0]!, cname!)).toBe(true)
  })

  test('refuses pointers into its header, to themselves and forward', () => {
    const front = encodeMessage({ ...query, response: true }).with(7, 1)
    const withTarget = (high: number, low: number) =>
      Uint8Array.from([...front, 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, high, low])
    const at = front.length + 12
    expect(() => decodeMessage(withTarget(0xc0 | (at >> 8), at & 0xff))).toThrow(format)
    expect(() => decodeMessage(withTarget(0xc0, at + 1))).toThrow(format)
    // The header's bytes are read as a name only if they are one: here the ID begins a long label.
    const header = withTarget(0xc0, 0).with(0, 0xff)
    expect(() => decodeMessage(header)).toThrow(format)
  })

  test('does not work for counts that the bytes cannot hold', () => {
    const claims = encodeMessage(query).with(6, 0xff).with(7, 0xff)
    expect(() => decodeMessage(claims)).toThrow(limit)
    const two = encodeMessage(query).with(5, 2)
    expect(() => decodeMessage(two)).toThrow(format)
    expect(() => decodeMessage(new Uint8Array(MESSAGE_BYTES_MAX + 1))).toThrow(limit)
  })

  test('keeps records of types that it does not know', () => {
    const unknown = parseRecord('a.example. 60 IN TYPE65280 \\# 4 01020304')
    const read = decodeMessage(encodeMessage({ ...answer, answers: [unknown] }))
    expect(read.answers).toEqual([unknown])
  })

  test('reads deletions of an update, which have no data', () => {
    const gone = {
      name: parseDnsName('a.example'),
      type: TYPE.SOA,
      class: 255,
      ttl: 0,
      data: new Uint8Array(),
    }
    const read = decodeMessage(encodeMessage({ ...answer, authorities: [gone] }))
    expect(read.authorities).toEqual([gone])
  })

  test('refuses a second OPT, one with a name, and a TSIG that is not last', () => {
    const opt = { name: ROOT, type: TYPE.OPT, class: 512, ttl: 0, data: new Uint8Array() }
    const tsig = { ...opt, type: TYPE.TSIG, class: 255 }
    const a = answer.additionals[0]!
    const bare: Message = { ...query, response: true }
    const of = (additionals: Message['additionals']) =>
      decodeMessage(encodeMessage({ ...bare, additionals }))
    expect(() => of([opt, opt])).toThrow(format)
    expect(() => of([{ ...opt, name: zone }])).toThrow(format)
    expect(() => of([tsig, a])).toThrow(format)
    expect(of([opt, a, tsig])).toMatchObject({ edns: { udpBytes: 512 }, additionals: [a] })
    expect(of([opt, a, tsig]).tsig?.record).toEqual(tsig)
  })

  test('keeps the spelling of a question, and answers in it', () => {
    const spelled = encodeMessage(query).with(13, 0x41)
    const read = decodeMessage(spelled)
    expect(read.questions[0]?.name).toBe('a.example')
    const reply = encodeMessage({ ...read, response: true, answers: answer.answers })
    expect(reply.subarray(12, 23)).toEqual(spelled.subarray(12, 23))
    expect(decodeMessage(reply).answers).toEqual(answer.answers)
  })
})

describe('encodeMessage()', () => {
  test('refuses what does not fit', () => {
    const { length } = encodeMessage(answer)
    expect(encodeMessage(answer, { bytesMax: length })).toHaveLength(length)
    expect(() => encodeMessage(answer, { bytesMax: length - 1 })).toThrow(limit)
  })

  test('writes pointers only to places that they reach', () => {
    const filler = parseRecord(`x.example. 60 IN TYPE65280 \\# 20000 ${'00'.repeat(20_000)}`)
    const far = parseRecord('far.away.test. 60 IN A 127.0.0.1')
    const message = { ...answer, answers: [filler, far, far, answer.answers[0]!] }
    expect(decodeMessage(encodeMessage(message)).answers).toEqual(message.answers)
  })
})

test('peekHeader() reads what is needed to say no', () => {
  const bytes = encodeMessage({ ...query, opcode: 5 })
  expect(peekHeader(bytes)).toEqual({ id: 7, opcode: 5, response: false })
  expect(() => peekHeader(bytes.subarray(0, 3))).toThrow(format)
})
