import { describe, expect, it } from 'vitest'
import { RawNode } from '../world/raw-node.ts'
import { World } from '../world/world.ts'
import { CREW, DESK } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const [N1, N2] = ['n1.acme.example', 'n2.acme.example'] as const
const all = { actions: ['publish', 'subscribe', 'request', 'answer'], topics: [CREW] } as const
const toDesk = { actions: ['publish'], topics: [DESK] } as const

/** One world: members talk, and a reader without any right listens; the bytes and names that it got. */
async function listen(seed: number, hello: 'before hello' | 'after hello'): Promise<number> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const nodes = [await world.node(acme, N1), await world.node(acme, N2)]
  await world.connect(N1, N2)
  const desk = await nodes[0]!.host.openAgent(await world.bind(acme, DESK, { grants: [all] }))
  const bob = await nodes[1]!.host.openAgent(
    await world.bind(acme, 'bob.acme.example', { grants: [all, toDesk] }),
  )
  const crews = [await desk.join(CREW), await bob.join(CREW)]
  const reader = new RawNode(world, acme, await world.bind(acme, 'spy.acme.example'))
  reader.greets = hello === 'after hello'
  await reader.meet(N1, N2)
  for (const topic of [CREW, DESK, bob.name]) {
    for (const peer of [N1, N2]) reader.transport.allow(peer, topic)
    await reader.transport.subscribe(topic)
  }
  // Admission by itself: a reader that skips hello takes its own side for admitted.
  if (!reader.greets) for (const peer of [N1, N2]) reader.transport.admit(peer)
  await world.pass(500)
  const inboxes = [desk.messages(), crews[0]!.messages()]
  await world.until(crews[1]!.publish('secret of the crew'))
  await world.until(bob.send(DESK, 'secret of the desk'))
  await world.pass(200)
  expect(inboxes.map((inbox) => inbox.size)).toEqual([1, 1])
  const bytes = reader.heard.reduce((sum, { bytes: heard }) => sum + heard.length, 0)
  // Who is admitted hears of the revocations of its own organisation; before hello, of nothing.
  const open: readonly string[] =
    hello === 'after hello' ? [N1, N2, 'acme.example/revoked'] : [N1, N2]
  const names = [...reader.told].filter((topic) => !open.includes(topic))
  const frames: readonly string[] = hello === 'after hello' ? ['want', 'revoked', 'notices'] : []
  const shown = reader.frames.filter(({ kind }) => !frames.includes(kind))
  await world.close()
  return bytes + names.length + shown.length
}

describe('A19: a reader without the right', () => {
  it(
    'gets 0 bytes and no name of a topic, of a group and of inboxes, before and after hello',
    async () => {
      const rounds = scaled(400)
      let leaked = 0
      for (let round = 0; round < rounds; round++) {
        const hello = round % 2 === 0 ? 'after hello' : 'before hello'
        leaked += (await listen(SEED + round, hello)) > 0 ? 1 : 0
      }
      expect(
        report({
          id: 'A19',
          what: 'readers without the right (group, inboxes; before and after hello)',
          count: leaked,
          of: rounds,
          counted: 'got a byte or a topic’s name',
          goal: 'none',
          note: 'memory network; over libp2p in packages/node/test',
        }),
      ).toBe('met')
      // The same reader with the right hears: the row can fail.
      expect(await hearWithRight(SEED)).toBeGreaterThan(0)
    },
    ROW_MS_MAX,
  )
})

async function hearWithRight(seed: number): Promise<number> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const node = await world.node(acme, N1)
  const bob = await node.host.openAgent(
    await world.bind(acme, 'bob.acme.example', { grants: [all] }),
  )
  const crew = await bob.join(CREW)
  const reader = new RawNode(
    world,
    acme,
    await world.bind(acme, 'friend.acme.example', { grants: [all] }),
  )
  await reader.meet(N1)
  await reader.join(N1, CREW)
  await world.until(crew.publish('for friends'))
  await world.pass(100)
  const heard = reader.heard.length
  await world.close()
  return heard
}
