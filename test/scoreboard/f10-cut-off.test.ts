import { describe, expect, it } from 'vitest'
import type { Group } from '@ixj/agent'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { World } from '../world/world.ts'
import { CREW } from './bench.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const LONG = { notBefore: 0, notAfter: 2 ** 45 }
/** From the last status to the end of its freshness, widened by the skew, and one that was on its way. */
const FRESH_MS = 60_000 + 60_000
const CUT_OFF_MS = 600_000
/** A register may be so old: its owner sets it every second, and a hop takes 5 ms at most. */
const BOUND_MS = 1_500

/** A robot on a node of its own, bound strict or not. */
async function robot(world: World, acme: Parameters<World['node']>[0], number: number) {
  const node = `n${number}.acme.example`
  const identity = await bindAnyhow(world, acme, node, LONG)
  const { host } = await world.node(acme, node, { identity, freshness: 'required' })
  const strict = number === 2
  const body = await bindAnyhow(world, acme, `w${number}.acme.example`, { ...LONG, strict })
  const actions = ['publish', 'subscribe'] as const
  const grant = await grantAnyhow(world, acme, {
    subject: body.name,
    actions,
    topics: [CREW],
    ...LONG,
  })
  const agent = await host.openAgent(withStatements(body, grant))
  return { node, name: body.name, strict, crew: await agent.join(CREW) }
}

type Robot = Awaited<ReturnType<typeof robot>>

/** Counts, of the registers that robots hold of each other, those that are as they should be. */
class Tally {
  of = 0
  right = 0

  count(isRight: boolean): void {
    this.of += 1
    if (isRight) this.right += 1
  }

  look(robots: readonly Robot[], passedMs: number): void {
    for (const { crew } of robots) {
      for (const owner of robots.filter((each) => each.crew !== crew)) {
        const found = crew.state.get(owner.name, 'pose')
        // The last status was issued up to 20 s before the cut; in between either answer is right.
        if (passedMs > 1_000 && passedMs < FRESH_MS - 21_000) {
          this.count(isYoung(found) && found.freshness === 'fresh')
        } else if (passedMs > FRESH_MS + 1_000 && !owner.strict) {
          this.count(isYoung(found) && found.freshness === 'stale')
        } else if (passedMs > FRESH_MS + 11_000) {
          this.count(owner.strict && found === undefined)
        }
      }
    }
  }
}

function isYoung(found: ReturnType<Group['state']['get']>): found is NonNullable<typeof found> {
  return found !== undefined && found.age[1] <= BOUND_MS
}

describe('F10: robots that are cut off for 10 minutes', () => {
  it(
    'go on seeing each other’s state, marked stale; one bound strict is seen no longer',
    async () => {
      const world = new World(SEED, { latencyMs: [1, 5] })
      const acme = world.organisation('acme.example')
      const office = await bindAnyhow(world, acme, 'n1.acme.example', LONG)
      const options = { identity: office, authorities: [acme], freshness: 'required' } as const
      await world.node(acme, office.name, options)
      await world.pass(100)
      const robots: Robot[] = []
      for (let number = 2; number <= (isFull ? 9 : 4); number++) {
        robots.push(await robot(world, acme, number))
      }
      await world.connect(office.name, ...robots.map(({ node }) => node))
      await world.pass(30_000)
      for (const { node } of robots) world.network.disconnect(office.name, node)
      const tally = new Tally()
      for (let passedMs = 0; passedMs < CUT_OFF_MS; passedMs += 1_000) {
        for (const { crew } of robots) crew.state.set('pose', passedMs)
        await world.pass(500)
        tally.look(robots, passedMs + 500)
        await world.pass(500)
      }
      await world.close()
      expect(
        report({
          id: 'F10',
          what: `registers of ${robots.length} robots, seen by each other every second of 10 min without the office`,
          count: tally.right,
          of: tally.of,
          counted: `there, ${BOUND_MS} ms old at most, marked stale; those of one bound strict gone`,
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
