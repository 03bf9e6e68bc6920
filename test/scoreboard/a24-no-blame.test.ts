import { describe, expect, it } from 'vitest'
import { parsePattern } from '@ixj/names'
import { makeBundle } from '../world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { RawNode } from '../world/raw-node.ts'
import { World } from '../world/world.ts'
import { CREW } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const NODE = 'n1.acme.example'
const all = { actions: ['publish', 'subscribe'], topics: [CREW] } as const

describe('A24: refusals by local anchors and policy', () => {
  it(
    'cost no honest neighbour anything',
    async () => {
      const world = new World(SEED)
      const acme = world.organisation('acme.example')
      const globex = world.organisation('globex.example')
      // The node forbids bob by its policy and does not trust globex; the forwarder does both.
      const forbidden = {
        id: 'not bob',
        effect: 'forbid',
        sender: parsePattern('bob.acme.example'),
        actions: ['publish'],
        topic: parsePattern(CREW),
      } as const
      const node = await world.node(acme, NODE, { rules: [forbidden] })
      const agent = await node.host.openAgent(
        await world.bind(acme, 'desk.acme.example', { grants: [all] }),
      )
      const inbox = (await agent.join(CREW)).messages()
      const forwarder = new RawNode(
        world,
        acme,
        await world.bind(acme, 'honest.acme.example', { grants: [all] }),
      )
      await forwarder.meet(NODE)
      await forwarder.join(NODE, CREW)
      const bob = await bindAnyhow(world, acme, 'bob.acme.example', { notAfter: 2 ** 45 })
      const hank = await bindAnyhow(world, globex, 'hank.globex.example', { notAfter: 2 ** 45 })
      const senders = []
      for (const sender of [bob, hank]) {
        const grant = await grantAnyhow(world, acme, {
          subject: sender.name,
          topics: [CREW],
          notAfter: 2 ** 45,
        })
        senders.push({ identity: withStatements(sender, grant), under: grant })
      }
      const rounds = scaled(10_000)
      const epoch = world.clock.now()
      for (let round = 0; round < rounds; round++) {
        const { identity, under } = senders[round % 2]!
        const made = await makeBundle(world, identity, CREW, { under, epoch, first: round + 1 })
        if (round < 2) await forwarder.prove(NODE, made.proof)
        await forwarder.transport.publish(CREW, made.bytes)
        if (round % 20 === 0) await world.pass(10)
      }
      await world.pass(100)
      const { counts } = node.host
      const refused = (counts.get('policy') ?? 0) + (counts.get('no-anchor') ?? 0)
      expect([refused, inbox.size]).toEqual([rounds, 0])
      const blame = node.transport.blame(forwarder.peer)
      // A message that every node must refuse is blamed: the row can fail.
      await forwarder.transport.publish(CREW, Uint8Array.of(0xc1))
      await world.pass(100)
      expect(node.transport.blame(forwarder.peer)).toBe(blame + 1)
      await world.close()
      expect(
        report({
          id: 'A24',
          what: 'messages that only our own anchors and policy refuse',
          count: blame,
          of: rounds,
          counted: 'blamed on the honest neighbour',
          goal: 'none',
          note: 'memory network; full disk: part 4',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
