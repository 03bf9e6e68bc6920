import { parsePattern } from '@ixj/names'
import { isGrant } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeBundle } from '../world/made-bundle.ts'
import { RawNode } from '../world/raw-node.ts'
import { name, World } from '../world/world.ts'
import { CREW } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const NODE = 'n1.acme.example'
const member = (topic: string) => ({ actions: ['publish', 'subscribe'], topics: [topic] }) as const

describe('A18: the same bytes under another topic first', () => {
  it(
    'are delivered all the same under their own',
    async () => {
      const world = new World(SEED)
      const acme = world.organisation('acme.example')
      const other = name('decoy.acme.example')
      const both = { grants: [member(CREW), member(other)] }
      const node = await world.node(acme, NODE)
      const agent = await node.host.openAgent(await world.bind(acme, 'desk.acme.example', both))
      const crew = await agent.join(CREW)
      await agent.join(other)
      const inbox = crew.messages({ queueMax: 4_096 })
      const open = async (label: string) => {
        const raw = new RawNode(world, acme, await world.bind(acme, label, both))
        await raw.meet(NODE)
        await raw.join(NODE, CREW)
        return raw
      }
      const honest = await open('honest.acme.example')
      const hostile = await open('hostile.acme.example')
      const rounds = scaled(1_000)
      const ann = await world.bind(acme, 'ann.acme.example', both)
      const under = ann.statements
        .filter(isGrant)
        .find(({ statement }) => statement.topics.some((topic) => topic === parsePattern(CREW)))
      if (under === undefined) throw new Error('Ann has no grant on the crew')
      const epoch = world.clock.now()
      for (let round = 0; round < rounds; round++) {
        const made = await makeBundle(world, ann, CREW, {
          under,
          epoch,
          first: round + 1,
        })
        await honest.prove(NODE, made.proof)
        // First under a topic that the node has joined, and under one that nobody has.
        const first = round % 2 === 0 ? other : `ghost${round}.acme.example`
        hostile.transport.push(NODE, first, made.bytes)
        await world.pass(10)
        await honest.transport.publish(CREW, made.bytes)
        await world.pass(10)
      }
      const delivered = inbox.drain().length
      await world.close()
      expect(
        report({
          id: 'A18',
          what: 'messages whose bytes came first under another topic, joined or not',
          count: delivered,
          of: rounds,
          counted: 'delivered',
          goal: 'all',
          note: 'memory network; over libp2p in packages/node/test',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
