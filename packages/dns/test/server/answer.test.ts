import { describe, expect, test } from 'vitest'
import { formatRecord, OPCODE, RCODE, readNsec, readRrsig, TYPE } from '@ixj/dns'
import { answerTo, COMPACT_OK, queryFor, servedZone, short, SIGNED } from './served-zone.ts'

const zone = servedZone(
  'z.example',
  `
ns1 A 127.0.0.1
_ixjkey.planner 60 TXT "key"
alias CNAME other
other CNAME _ixjkey.planner
loop CNAME pool
pool CNAME loop
away CNAME www.elsewhere.example.
broken CNAME nothing
*.wild 30 TXT "wild"
under.wild TXT "under"
safe NS ns.safe
safe DS 1 15 2 ${'ab'.repeat(32)}
ns.safe A 127.0.0.2
open NS ns1
into CNAME x.safe
`,
)
const SOA_NEGATIVE = 'z.example. 1 IN SOA ns1.z.example. hostmaster.z.example. 1 900 300 7200 1'
const ask = (text: string, more = {}) => answerTo([zone], text, more)

/** The NSEC of an answer as `owner next types`. */
function denials(text: string, more = SIGNED): string[] {
  return ask(text, more)
    .authorities.filter(({ type }) => type === TYPE.NSEC)
    .map(({ name, data }) => `${name} ${readNsec(data).next} ${readNsec(data).types.join(',')}`)
}

describe('answerQuery()', () => {
  test('gives what is there, and nothing that was not asked for', () => {
    expect(short(ask('TXT _ixjkey.planner.z.example'))).toEqual({
      rcode: RCODE.NOERROR,
      aa: true,
      answers: ['_ixjkey.planner.z.example. 60 IN TXT "key"'],
      authorities: [],
      additionals: [],
    })
  })

  test('signs only for those who want signatures', () => {
    const types = (more: object) =>
      ask('TXT _ixjkey.planner.z.example', more).answers.map(({ type }) => type)
    expect(types({})).toEqual([TYPE.TXT])
    expect(types(SIGNED)).toEqual([TYPE.TXT, TYPE.RRSIG])
  })

  test('signs from an hour back for four hours', () => {
    const [, record] = ask('TXT _ixjkey.planner.z.example', SIGNED).answers
    const { inception, expiration, labels } = readRrsig(record!.data)
    expect([expiration - inception, labels]).toEqual([4 * 3_600, 4])
  })

  test('denies a type, and a name that only has others below it', () => {
    const nodata = { rcode: 0, aa: true, answers: [], authorities: [SOA_NEGATIVE], additionals: [] }
    expect(short(ask('A _ixjkey.planner.z.example'))).toEqual(nodata)
    expect(short(ask('A planner.z.example'))).toEqual(nodata)
    expect(denials('A planner.z.example')).toEqual([
      'planner.z.example \\000.planner.z.example 46,47',
    ])
  })

  test('denies a name: NXDOMAIN without signatures, in compact form with them', () => {
    expect(short(ask('A ghost.z.example'))).toMatchObject({
      rcode: RCODE.NXDOMAIN,
      authorities: [SOA_NEGATIVE],
    })
    expect(ask('A ghost.z.example', SIGNED).rcode).toBe(RCODE.NOERROR)
    expect(ask('A ghost.z.example', COMPACT_OK).rcode).toBe(RCODE.NXDOMAIN)
    expect(denials('A ghost.z.example')).toEqual([
      'ghost.z.example \\000.ghost.z.example 46,47,128',
    ])
  })

  test('an NSEC that was asked for is the answer: a denial would contradict itself', () => {
    for (const name of ['ghost.z.example', 'planner.z.example', 'z.example']) {
      expect(ask(`NSEC ${name}`, SIGNED).answers.map(({ type }) => type)).toContain(TYPE.NSEC)
    }
  })

  test('follows aliases inside the zone, not out of it, and not in circles', () => {
    expect(short(ask('TXT alias.z.example'))['answers']).toEqual([
      'alias.z.example. 300 IN CNAME other.z.example.',
      'other.z.example. 300 IN CNAME _ixjkey.planner.z.example.',
      '_ixjkey.planner.z.example. 60 IN TXT "key"',
    ])
    expect(short(ask('TXT away.z.example'))['answers']).toHaveLength(1)
    expect(short(ask('TXT loop.z.example'))['answers']).toHaveLength(2)
    expect(short(ask('TXT into.z.example'))).toMatchObject({ rcode: 0, aa: true, authorities: [] })
  })

  test('an alias to nothing ends in NXDOMAIN (RFC 6604)', () => {
    expect(short(ask('TXT broken.z.example'))).toMatchObject({
      rcode: RCODE.NXDOMAIN,
      answers: ['broken.z.example. 300 IN CNAME nothing.z.example.'],
      authorities: [SOA_NEGATIVE],
    })
  })

  test('expands a wildcard, and shows that it did', () => {
    const answer = ask('TXT a.b.wild.z.example', SIGNED)
    expect(short(answer)['answers']).toEqual(['a.b.wild.z.example. 30 IN TXT "wild"'])
    expect(readRrsig(answer.answers[1]!.data).labels).toBe(3)
    expect(denials('TXT a.b.wild.z.example')).toEqual([
      `a${'\\255'.repeat(62)}.wild.z.example b\\000.wild.z.example 46,47`,
    ])
  })

  test('a wildcard does not reach names that exist, nor below them', () => {
    expect(ask('TXT wild.z.example').answers).toEqual([])
    expect(ask('TXT x.under.wild.z.example').rcode).toBe(RCODE.NXDOMAIN)
    expect(denials('A x.wild.z.example')).toEqual([
      'x.wild.z.example \\000.x.wild.z.example 16,46,47',
    ])
  })

  test('refers to a child zone with its DS, or with the proof that it has none', () => {
    expect(short(ask('A x.y.safe.z.example', SIGNED))).toEqual({
      rcode: 0,
      aa: false,
      answers: [],
      authorities: [
        'safe.z.example. 300 IN NS ns.safe.z.example.',
        `safe.z.example. 300 IN DS 1 15 2 ${'ab'.repeat(32)}`,
      ],
      additionals: ['ns.safe.z.example. 300 IN A 127.0.0.2'],
    })
    expect(denials('A open.z.example')).toEqual(['open.z.example \\000.open.z.example 2,46,47'])
    const signed = ask('A open.z.example', SIGNED).authorities.filter(
      ({ type }) => type === TYPE.RRSIG,
    )
    expect(signed.map(({ data }) => readRrsig(data).typeCovered)).toEqual([TYPE.NSEC])
  })

  test('answers for DS on the side of the parent, also where the child is here', () => {
    const child = servedZone('safe.z.example', 'ns1 A 127.0.0.1')
    expect(short(answerTo([child, zone], 'DS safe.z.example'))).toMatchObject({
      aa: true,
      answers: [`safe.z.example. 300 IN DS 1 15 2 ${'ab'.repeat(32)}`],
    })
    expect(answerTo([child], 'DS safe.z.example').authorities[0]?.name).toBe('safe.z.example')
    expect(short(answerTo([child, zone], 'A ns1.safe.z.example'))).toMatchObject({ aa: true })
    expect(ask('DS open.z.example').authoritative).toBe(true)
  })

  test('ANY gets one set (RFC 8482)', () => {
    expect(ask('ANY z.example').answers).toHaveLength(1)
    expect(short(ask('ANY alias.z.example'))['answers']).toEqual([
      'alias.z.example. 300 IN CNAME other.z.example.',
    ])
  })

  test.each([
    ['a name of nobody here', 'A elsewhere.example', {}, RCODE.REFUSED],
    ['another class', 'A z.example', { class: 3 }, RCODE.REFUSED],
    ['NXNAME, which is no data', 'NXNAME z.example', {}, RCODE.FORMERR],
    ['a type that is only a question', 'TYPE253 z.example', {}, RCODE.NOTIMP],
  ])('refuses %s', (_, text, more, rcode) => {
    const [question] = queryFor(text).questions
    expect(ask(text, { questions: [{ ...question, ...more }] }).rcode).toBe(rcode)
  })

  test('refuses other kinds of message, no question, and versions to come of EDNS', () => {
    expect(ask('A z.example', { opcode: OPCODE.NOTIFY }).rcode).toBe(RCODE.NOTIMP)
    expect(ask('A z.example', { questions: [] }).rcode).toBe(RCODE.FORMERR)
    const edns = { udpBytes: 1_232, version: 1, dnssecOk: false, options: [] }
    const answer = ask('A z.example', { edns })
    expect([answer.rcode, answer.edns?.version]).toEqual([RCODE.BADVERS, 0])
  })

  test('repeats RD, CD and DO, never says AD or RA', () => {
    const more = { recursionDesired: true, checkingDisabled: true, authenticData: true, ...SIGNED }
    expect(ask('SOA z.example', more)).toMatchObject({
      recursionDesired: true,
      checkingDisabled: true,
      authenticData: false,
      recursionAvailable: false,
      edns: { udpBytes: 1_232, dnssecOk: true },
    })
    expect(ask('SOA z.example').edns).toBeUndefined()
  })

  test('a name that is too long for anything below it is denied all the same', () => {
    const label = 'a'.repeat(63)
    const name = `${label}.${label}.${label}.${'b'.repeat(51)}.z.example`
    const next = `${'a'.repeat(62)}b.${label}.${label}.${'b'.repeat(51)}.z.example`
    expect(denials(`A ${name}`)).toEqual([`${name} ${next} 46,47,128`])
  })

  test('a signature is made once, and again when less than half is left', () => {
    const one = servedZone('z.example', 'a TXT "a"')
    const at = (now: number) => one.signer.signature(one.content.rrset(one.zone, TYPE.SOA)!, now)
    const hour = 3_600_000
    const first = formatRecord(at(0))
    expect(formatRecord(at(1.5 * hour))).toBe(first)
    expect(formatRecord(at(1.5 * hour + 1_000))).not.toBe(first)
    // A clock that was set back: what was signed for later does not count yet.
    expect(readRrsig(at(-hour * 2).data).inception).not.toBe(readRrsig(at(hour * 9).data).inception)
    expect([one.signer.made, one.signer.reused]).toEqual([4, 1])
  })
})
