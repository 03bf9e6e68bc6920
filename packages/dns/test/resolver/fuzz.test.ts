import process from 'node:process'
import { openResolver, TYPE } from '@ixj/dns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mutate } from '../../../../test/scoreboard/mutate.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { seededRandom } from '../../../../test/world/random.ts'
import {
  ALIAS,
  GHOST,
  isHarmless,
  isTrue,
  PLANNER,
  type SpoofedZone,
  startSpoofedZone,
} from './spoofed-zone.ts'
import { honest, type Passing, type Trick } from './spoofer.ts'

const SEED = 0xf022
const ROUNDS = 300
/** A packet that is taken for nothing is waited for in vain. */
const LOOKUP_MS = 100

describe.runIf(realTools('the resolver and broken answers', 'named', 'nsupdate'))(
  'openResolver() and broken answers',
  () => {
    let zone: SpoofedZone
    beforeAll(async () => {
      zone = await startSpoofedZone()
    })
    afterAll(async () => await zone[Symbol.asyncDispose]())

    it(`takes ${ROUNDS} of them without a crash, a hang or a wrong word (seed ${SEED})`, async () => {
      const random = seededRandom(SEED)
      const states = new Map<string, number>()
      for (let round = 0; round < ROUNDS; round++) {
        const name = [PLANNER, ALIAS, GHOST][round % 3]!
        await using resolver = openResolver({
          anchors: [zone.anchor],
          upstreams: [zone.upstream],
          limits: { lookupMs: LOOKUP_MS },
        })
        zone.spoofer.trick = broken(random)
        const before = process.cpuUsage()
        // oxlint-disable no-await-in-loop -- They share the spoofer.
        const found = await resolver.resolve(name, TYPE.TXT)
        const { user, system } = process.cpuUsage(before)
        expect(isHarmless(name, found), JSON.stringify(found)).toBe(true)
        // In microseconds; the spoofer's own work is in it as well.
        expect(user + system).toBeLessThan(100_000)
        states.set(found.state, (states.get(found.state) ?? 0) + 1)
        // oxlint-enable no-await-in-loop
      }
      // Some got through the codec and into the validator, some did not.
      expect(states.get('bogus')).toBeGreaterThan(20)
      expect(states.get('unreachable')).toBeGreaterThan(20)
      await using resolver = openResolver({ anchors: [zone.anchor], upstreams: [zone.upstream] })
      zone.spoofer.trick = honest
      expect(isTrue(PLANNER, await resolver.resolve(PLANNER, TYPE.TXT))).toBe(true)
    })
  },
)

/** The empty OPT record at the end of each query. */
const OPT_BYTES = 11

/** Changes what follows the question, mostly, so that it is taken for an answer. */
function broken(random: () => number): Trick {
  return ({ query, answer }: Passing) => {
    const kept = random() < 0.9 ? query.length - OPT_BYTES : 0
    let rest = answer.slice(kept)
    for (let count = Math.floor(random() * 3); count >= 0; count--) {
      rest = Uint8Array.from(mutate(rest, query, random))
    }
    return [{ bytes: Uint8Array.from([...answer.subarray(0, kept), ...rest]) }]
  }
}
