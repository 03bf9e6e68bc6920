import { describe, expect, test } from 'vitest'
import {
  canonicalData,
  decodeChain,
  decodeMessage,
  DnsError,
  type DnsRecord,
  encodeChain,
  encodeMessage,
  EMPTY_MESSAGE,
  nodeDnssecCrypto,
  readDnskey,
  readDs,
  readNsec,
  readNsec3,
  readRrsig,
  readSoa,
  readSvcb,
  readTarget,
  readTlsa,
  readTsig,
  readTxt,
  TYPE,
  validate,
  verifyChain,
} from '@ixj/dns'
import { mutate } from '../../../../test/scoreboard/mutate.ts'
import { report } from '../../../../test/scoreboard/report.ts'
import { ROW_MS_MAX, scaled, SEED } from '../../../../test/scoreboard/scale.ts'
import { seededBytes, seededRandom } from '../../../../test/world/random.ts'
import { cpuMs } from '../cpu-time.ts'
import { SignedZone } from '../signed-zone.ts'
import { answerOf, ask, contextOf, dsLine, lookUp, name } from '../zone-world.ts'

const CALL_MS_MAX = 100
const COUNT = scaled(1_000_000)
/** The validator's million is of chains and of bags, half each. */
const HALF = scaled(500_000)

/** Runs a call: it may refuse with a DnsError and nothing else, and has to end soon. */
async function isFine(slowest: { ms: number }, call: () => unknown): Promise<boolean> {
  const start = cpuMs()
  try {
    await call()
    return true
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    return false
  } finally {
    slowest.ms = Math.max(slowest.ms, cpuMs() - start)
  }
}

const readers: readonly ((data: Uint8Array) => unknown)[] = [
  readDnskey,
  readDs,
  readNsec,
  readNsec3,
  readRrsig,
  readSoa,
  readSvcb,
  (data) => readTarget(TYPE.CNAME, data),
  readTlsa,
  readTsig,
  readTxt,
  (data) => canonicalData(TYPE.SOA, data),
]

const leaf = new SignedZone('team.corp', ['_ixjkey 300 IN TXT "key"', 'a 300 IN CNAME _ixjkey'])
const top = new SignedZone(
  'corp',
  ['team 300 IN NS ns.team', dsLine(leaf), '*.w 300 IN A 127.0.0.1'],
  {
    denial: 'nsec3',
  },
)
const zones = [top, leaf]
const questions = ['TXT _ixjkey.team.corp', 'TXT a.team.corp', 'TXT ghost.corp', 'A x.w.corp']
const context = contextOf([top.anchor], { crypto: nodeDnssecCrypto() })
const proofs = await Promise.all(
  questions.map(async (question) => {
    const { validation } = await lookUp(zones, question)
    if (validation.state !== 'secure') throw new Error(`${question}: ${validation.state}`)
    return { question, chain: encodeChain(validation.used), used: validation.used, validation }
  }),
)
const packets = questions.map((question) =>
  encodeMessage({
    ...EMPTY_MESSAGE,
    response: true,
    questions: [{ ...ask(question), class: 1 }],
    answers: answerOf(zones, ask(question)),
    edns: { udpBytes: 1_232, version: 0, dnssecOk: true, options: [] },
  }),
)

describe(`bad input (seed ${SEED})`, () => {
  test(
    `${COUNT} random and mutated packets are read or refused, each at once`,
    async () => {
      const random = seededRandom(SEED)
      const bytes = seededBytes(random)
      const slowest = { ms: 0 }
      let read = 0
      for (let round = 0; round < COUNT; round++) {
        const packet = packets[round % packets.length]!
        const other = packets[(round + 1) % packets.length]!
        const input =
          round % 5 === 0 ? bytes(Math.floor(random() * 600)) : mutate(packet, other, random)
        if (await isFine(slowest, () => decodeMessage(input))) read++
        await isFine(slowest, () => readers[round % readers.length]!(input.subarray(12)))
      }
      expect(read).toBeGreaterThan(COUNT / 10)
      expectAllFast('random and mutated packets, read by the DNS codec', COUNT, slowest)
    },
    ROW_MS_MAX,
  )

  test(
    `${HALF} mutated chains prove nothing that is not true, each at once`,
    async () => {
      const random = seededRandom(SEED + 1)
      const slowest = { ms: 0 }
      const states = { secure: 0, insecure: 0, bogus: 0 }
      for (let round = 0; round < HALF; round++) {
        const { question, chain, validation } = proofs[round % proofs.length]!
        const other = proofs[(round + 1) % proofs.length]!.chain
        const input = mutate(chain, other, random)
        await isFine(slowest, () => decodeChain(input))
        await isFine(slowest, async () => {
          const verdict = await verifyChain(input, ask(question), context)
          states[verdict.state]++
          if (verdict.state !== 'secure') return
          // A TTL that stands outside of the signature may change; nothing else may.
          expect({ ...verdict, records: dataOf(verdict.records), used: [], steps: [] }).toEqual({
            ...validation,
            ttlSeconds: verdict.ttlSeconds,
            records: dataOf(validation.records),
            used: [],
            steps: [],
          })
          expect(verdict.ttlSeconds).toBeLessThanOrEqual(validation.ttlSeconds)
        })
      }
      expect(states.insecure).toBe(0)
      expect(states.bogus).toBeGreaterThan(HALF / 2)
      expectAllFast('mutated DNSSEC chains, validated', HALF, slowest)
    },
    ROW_MS_MAX,
  )

  test(
    `${HALF} bags of records, some of them spoiled, prove nothing that is not true`,
    async () => {
      const random = seededRandom(SEED + 2)
      const bytes = seededBytes(random)
      const slowest = { ms: 0 }
      const all = proofs.flatMap(({ used }) => used)
      let secure = 0
      for (let round = 0; round < HALF; round++) {
        const { question, validation } = proofs[round % proofs.length]!
        const bag: DnsRecord[] = []
        for (let count = 0; count < 24; count++) {
          bag.push(spoil(all[Math.floor(random() * all.length)]!, random, bytes))
        }
        await isFine(slowest, async () => {
          const verdict = await validate(ask(question), bag, context)
          if (verdict.state !== 'secure') return
          secure++
          expect(dataOf(verdict.records)).toEqual(dataOf(validation.records))
          expect(verdict.answer).toBe(validation.answer)
        })
      }
      expect(secure).toBeLessThan(HALF)
      expectAllFast('bags of spoiled DNS records, validated', HALF, slowest)
    },
    ROW_MS_MAX,
  )
})

/** What crashed has failed the test already. */
function expectAllFast(what: string, of: number, slowest: { readonly ms: number }): void {
  const count = slowest.ms < CALL_MS_MAX ? 0 : 1
  const counted = `that crashed, hung over ${CALL_MS_MAX} ms, or proved what is not true`
  expect(report({ id: 'A14', what, count, of, counted, goal: 'none' })).toBe('met')
}

function dataOf(records: readonly DnsRecord[]): readonly Uint8Array[] {
  return records.map(({ data }) => data)
}

/** A record as it is, or with its name, type or data changed. */
function spoil(
  record: DnsRecord,
  random: () => number,
  bytes: (length: number) => Uint8Array,
): DnsRecord {
  const types = Object.values(TYPE)
  switch (Math.floor(random() * 24)) {
    case 0:
      return { ...record, data: bytes(Math.floor(random() * 80)) }
    case 1:
      return { ...record, type: types[Math.floor(random() * types.length)]! }
    case 2:
      return { ...record, name: name('corp') }
    case 3:
      return { ...record, data: record.data.slice(0, Math.floor(random() * record.data.length)) }
    default:
      return record
  }
}
