import { describe, expect, it } from 'vitest'
import { bindAnyhow } from '../world/made-statement.ts'
import { World } from '../world/world.ts'
import { CREW } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const GRANT = { actions: ['publish', 'subscribe'], topics: [CREW] } as const

/** Two nodes whose clocks are this far apart, and demand fresh statuses: who is heard, and why not. */
async function meet(seed: number, aheadMs: number) {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const freshness = 'required'
  // Whose bindings hold by either clock: what is asked is the meeting alone.
  const times = { notBefore: 0, notAfter: 2 ** 45 }
  const [one, two] = [
    await bindAnyhow(world, acme, 'n1.acme.example', times),
    await bindAnyhow(world, acme, 'n2.acme.example', times),
  ]
  const n1 = await world.node(acme, one.name, { identity: one, authorities: [acme], freshness })
  const n2 = await world.node(acme, two.name, { identity: two, clockAheadMs: aheadMs, freshness })
  await world.connect(one.name, two.name)
  const bind = (label: string) => world.bind(acme, `${label}.acme.example`, { grants: [GRANT] })
  const heard: unknown[] = []
  const codes = new Set<string>()
  if (n1.host.neighbours.length > 0) {
    const ann = await (await n1.host.openAgent(await bind('ann'))).join(CREW)
    const bob = await (await n2.host.openAgent(await bind('bob'))).join(CREW)
    const [fromBob, fromAnn] = [ann.messages(), bob.messages()]
    await world.pass(1_000)
    await world.until(ann.publish('from ann'))
    await world.until(bob.publish('from bob'))
    await world.pass(1_000)
    heard.push(...fromAnn.drain(), ...fromBob.drain())
  }
  for (const { host } of [n1, n2]) for (const [code] of host.counts) codes.add(String(code))
  await world.close()
  return { heard: heard.length, codes }
}

describe('F5: clocks that are off', () => {
  it(
    'by up to 59 s hear each other, by 61 s and more refuse each other with the reason',
    async () => {
      const rounds = scaled(400)
      let within = 0
      let beyond = 0
      for (let round = 0; round < rounds; round++) {
        const { random } = new World(SEED + round)
        const sign = random() < 0.5 ? -1 : 1
        const near = await meet(SEED + round, sign * Math.floor(random() * 59_001))
        within += near.heard === 2 ? 1 : 0
        const far = await meet(SEED + round, sign * (61_000 + Math.floor(random() * 1e6)))
        const told = ['hello', 'no-status', 'not-yet-valid', 'stale'].some((code) =>
          far.codes.has(code),
        )
        beyond += far.heard === 0 && told ? 1 : 0
      }
      expect(
        report({
          id: 'F5',
          what: `pairs of nodes with clocks off by up to 59 s (${within} of ${rounds} hear each other) and by 61 s and more (${beyond} of ${rounds} refuse with the reason)`,
          count: within + beyond,
          of: 2 * rounds,
          counted: 'as they should be',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
