import {
  decodeMessage,
  encodeMessage,
  openResolver,
  TYPE,
  type DnsName,
  type Resolution,
} from '@ixj/dns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { seededRandom } from '../../../../test/world/random.ts'
import {
  ALIAS,
  GHOST,
  isTrue,
  lookUpUnder,
  PLANNER,
  type SpoofedZone,
  startSpoofedZone,
} from './spoofed-zone.ts'
import { honest, type Trick } from './spoofer.ts'
import { siblingAnchor, tricksOf } from './tricks.ts'

const SEED = 0x5b00f

/** What comes of a lookup of the planner's key. */
const outcomes = {
  'swaps the key': 'bad-signature',
  'strips signatures': 'unsigned',
  'swaps the key, strips signatures': 'unsigned',
  'signs with its own key': 'no-key',
  'signs as a sibling': 'wrong-signer',
  'adds a key': 'bad-signature',
  'adds a zone key': 'bad-signature',
  'forges an unsigned delegation': 'no-key',
  'refers to itself': 'no-key',
  'raises TTLs': 'true',
  'cuts everything off': 'bad-denial',
  'says SERVFAIL': 'unreachable',
  'changes bytes': 'any harm',
  'says nothing': 'unreachable',
  'plays an old answer again': 'replayed',
  'denies with nothing': 'bad-denial',
  'denies with the SOA alone': 'bad-denial',
  'denies another name': 'bad-denial',
  'denies the type': 'bad-denial',
  'expands a wildcard': 'bad-signature',
  'gives the key of another name': 'bad-signature',
  'answers from another port first': 'true',
  'guesses ids first': 'true',
  'guesses the spelling first': 'true',
  floods: 'true',
  'cuts off over UDP': 'true',
} as const

describe.runIf(realTools('the resolver under a spoofer', 'named', 'nsupdate'))(
  'a spoofer between resolver and zone',
  () => {
    let zone: SpoofedZone
    let now = Date.now()
    beforeAll(async () => {
      zone = await startSpoofedZone()
    })
    afterAll(async () => await zone[Symbol.asyncDispose]())

    /** One lookup before, one under the trick, one after it. */
    async function lookUpThrice(
      name: DnsName,
      what: string,
      trick: Trick,
    ): Promise<readonly Resolution[]> {
      now = Date.now()
      await using resolver = openResolver({
        anchors: [zone.anchor, siblingAnchor],
        upstreams: [zone.upstream],
        now: () => now,
        referralPort: zone.spoofer.port,
      })
      const found: Resolution[] = []
      for (const each of [honest, trick, honest]) {
        zone.spoofer.trick = each
        // oxlint-disable-next-line no-await-in-loop -- One after the other is the point.
        found.push(await lookUpUnder(each === trick ? what : '', name, resolver))
        // Past every TTL, so that all of it is asked again.
        now += 301_000
      }
      return found
    }

    it('has a known outcome for each of its tricks', () => {
      const tricks = tricksOf({ ...zone.heard, now, random: seededRandom(SEED) })
      expect([...tricks.keys()].toSorted()).toEqual(Object.keys(outcomes).toSorted())
    })

    it.each(Object.entries(outcomes))('that %s: %s', async (what, outcome) => {
      const trick = tricksOf({ ...zone.heard, now, random: seededRandom(SEED) }).get(what)!
      for (const name of [PLANNER, ALIAS, GHOST]) {
        // oxlint-disable-next-line no-await-in-loop -- They share the spoofer.
        const [before, during, after] = await lookUpThrice(name, what, trick)
        expect(isTrue(name, before!), JSON.stringify(before)).toBe(true)
        const said = isTrue(name, during!) ? 'true' : wordFor(during!)
        const isExact = name === PLANNER && outcome !== 'any harm'
        expect(said).toBe(isExact ? outcome : said)
        expect(said).not.toMatch(/secure/)
        expect(isTrue(name, after!), JSON.stringify(after)).toBe(true)
      }
    })

    it('that says nothing is waited for no longer than the limit', async () => {
      zone.spoofer.trick = () => []
      await using resolver = openResolver({
        anchors: [zone.anchor],
        upstreams: [zone.upstream],
        limits: { lookupMs: 50 },
      })
      const found = await resolver.resolve(PLANNER, TYPE.TXT)
      expect(found).toMatchObject({ state: 'unreachable' })
      expect('message' in found && found.message).toContain('in 50 ms')
    })

    it('that loses the first datagram delays the answer by a second', async () => {
      let lost = 0
      zone.spoofer.trick = ({ answer }) => (lost++ === 0 ? [] : [{ bytes: answer }])
      await using resolver = openResolver({ anchors: [zone.anchor], upstreams: [zone.upstream] })
      const found = await resolver.resolve(PLANNER, TYPE.TXT)
      expect(isTrue(PLANNER, found), JSON.stringify(found)).toBe(true)
      expect(resolver.counts.overTcp).toBe(0)
    })

    it('that only fails to keep the spelling does no harm: TCP is asked', async () => {
      zone.spoofer.trick = ({ answer }) => [{ bytes: inLowerCase(answer) }]
      await using resolver = openResolver({ anchors: [zone.anchor], upstreams: [zone.upstream] })
      const found = await resolver.resolve(PLANNER, TYPE.TXT)
      expect(isTrue(PLANNER, found), JSON.stringify(found)).toBe(true)
      expect(resolver.counts.overTcp).toBe(resolver.counts.questions)
    })
  },
)

function inLowerCase(answer: Uint8Array): Uint8Array {
  const message = decodeMessage(answer)
  const { name, type, class: ofClass } = message.questions[0]!
  return encodeMessage({ ...message, questions: [{ name, type, class: ofClass }] })
}

function wordFor(found: Resolution): string {
  return found.state === 'bogus' ? found.reason : found.state
}
