import { describe, expect, it } from 'vitest'
import { type Channel, HELLO_PROTOCOL } from '../../packages/agent/src/transport.ts'
import { World } from '../world/world.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const [A, B] = ['n1.acme.example', 'n2.acme.example'] as const

/** A man in the middle passes every frame of a hello between two honest nodes; how many he got into. */
async function relay(seed: number): Promise<number> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const nodes = [await world.node(acme, A), await world.node(acme, B)]
  const mallory = world.network.open('mallory')
  const ended: unknown[] = []
  const pass = async (from: Channel, to: Channel) => {
    for await (const frame of from.frames()) await to.send(frame)
  }
  mallory.attach({
    connected: () => {},
    disconnected: () => {},
    channel: (_peer, _protocol, near) => {
      const piped = mallory
        .openChannel(B, HELLO_PROTOCOL)
        .then((far) => Promise.all([pass(near, far), pass(far, near)]))
      piped.catch((cause: unknown) => ended.push(cause))
    },
    message: async () => 'ignore',
    subscriptionChanged: () => {},
    subscriptionHeld: () => {},
  })
  mallory.connect(B)
  await world.pass(50)
  nodes[0]!.transport.connect('mallory')
  await world.pass(500)
  const admitted = nodes.filter(({ host }) => host.neighbours.length > 0).length
  // Without the man in the middle they greet: the row can fail.
  await world.connect(A, B)
  expect(nodes.map(({ host }) => host.neighbours.length)).toEqual([1, 1])
  await world.close()
  return admitted
}

describe('A20: a relayed hello', () => {
  it(
    'is refused by both ends',
    async () => {
      const rounds = scaled(1_000)
      let admitted = 0
      for (let round = 0; round < rounds; round++) admitted += await relay(SEED + round)
      expect(
        report({
          id: 'A20',
          what: 'relayed hellos',
          count: admitted,
          of: 2 * rounds,
          counted: 'ends that admitted the man in the middle',
          goal: 'none',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
