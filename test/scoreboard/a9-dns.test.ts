import { openResolver, type Resolution } from '@ixj/dns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ALIAS,
  GHOST,
  isHarmless,
  isTrue,
  lookUpUnder,
  PLANNER,
  type SpoofedZone,
  startSpoofedZone,
} from '../../packages/dns/test/resolver/spoofed-zone.ts'
import { honest } from '../../packages/dns/test/resolver/spoofer.ts'
import { siblingAnchor, tricksOf } from '../../packages/dns/test/resolver/tricks.ts'
import { realTools } from '../world/dns/real-tools.ts'
import { seededRandom } from '../world/random.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

/** Past every TTL of the zone, so that all of it is asked again. */
const PAST_TTL_MS = 301_000

describe.runIf(realTools('A9', 'named', 'nsupdate'))(
  'A9: a spoofer between resolver and zone',
  () => {
    let zone: SpoofedZone
    beforeAll(async () => {
      zone = await startSpoofedZone()
    })
    afterAll(async () => await zone[Symbol.asyncDispose]())

    it(
      'gets nothing believed',
      async () => {
        const rounds = scaled(10_000)
        const random = seededRandom(SEED)
        const tally = { believed: 0, insecure: 0, lost: 0 }
        const seen: string[] = []
        for (let round = 0; round < rounds; round++) {
          // oxlint-disable-next-line no-await-in-loop -- They share the spoofer.
          const [during, after] = await attack(zone, round, random)
          if (!isHarmless(...during)) tally.believed++
          if (during[1].state === 'insecure' || after[1].state === 'insecure') tally.insecure++
          if (!isTrue(...after)) tally.lost++
        }
        const row = { id: 'A9', of: rounds, goal: 'none' } as const
        const what = 'lookups under a spoofer (26 tricks: swapped, stripped, replayed, guessed, …)'
        expect([
          report({ ...row, what, count: tally.believed, counted: 'bindings or denials accepted' }),
          report({
            ...row,
            what,
            count: tally.insecure,
            counted: 'secure names that became insecure',
          }),
          report({ ...row, what, count: tally.lost, counted: 'not recovered after it stopped' }),
          seen.slice(0, 5),
        ]).toEqual(['met', 'met', 'met', []])
      },
      ROW_MS_MAX,
    )
  },
)

type Outcome = readonly [name: typeof PLANNER, found: Resolution]

/** One lookup under a trick, by a resolver that is new or has seen the truth; one after it. */
async function attack(
  zone: SpoofedZone,
  round: number,
  random: () => number,
): Promise<readonly [during: Outcome, after: Outcome]> {
  let now = Date.now()
  const tricks = [...tricksOf({ ...zone.heard, now, random })]
  const [what, trick] = tricks[round % tricks.length]!
  const name = [PLANNER, ALIAS, GHOST][Math.floor(random() * 3)]!
  await using resolver = openResolver({
    anchors: [zone.anchor, siblingAnchor],
    upstreams: [zone.upstream],
    now: () => now,
    referralPort: zone.spoofer.port,
  })
  const look = async (under = '') => {
    const found = await lookUpUnder(under, name, resolver)
    now += PAST_TTL_MS
    return [name, found] as const
  }
  zone.spoofer.trick = honest
  // That an answer is old can be known only to those who saw the newer one.
  if (what.startsWith('plays an old') || random() < 0.5) await look()
  zone.spoofer.trick = trick
  const during = await look(what)
  zone.spoofer.trick = honest
  return [during, await look()]
}
