import { issueRevocation, type Host, type Identity } from '@ixj/agent'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { foreignAnchor, name, World } from '../../../../test/world/world.ts'
import { NOTICES_PER_SECOND } from '../../src/limits.ts'

const SECOND = 1_000
const COUNT = NOTICES_PER_SECOND + 44
const NODE = 'n1.acme.example'
let world: World
let acme: Identity

beforeEach(() => {
  world = new World(17)
  acme = world.organisation('acme.example')
})
afterEach(() => world.close())

async function revokeSome(host: Host, by: Identity, count: number): Promise<void> {
  const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
  for (let index = 0; index < count; index++) {
    const target = { kind: 'statement', id: world.bytes(32) } as const
    await host.takeNotice((await issueRevocation(by, target, context)).bytes)
  }
}

/** Says that it has nothing at all under this root. */
const nothing = (root: string) =>
  ({
    kind: 'have',
    root: name(root),
    from: new Uint8Array(32),
    to: new Uint8Array(32).fill(0xff),
    ids: [],
  }) as const

const toldTo = (raw: RawNode) =>
  raw.frames.flatMap((frame) => (frame.kind === 'notices' ? frame.notices : [])).length

it('a neighbour that asks for revocations without end is sent a second’s worth in a second', async () => {
  const { host } = await world.node(acme, NODE)
  await revokeSome(host, acme, COUNT)
  const raw = new RawNode(world, acme, await world.bind(acme, 'raw.acme.example'))
  await raw.meet(NODE)
  const before = toldTo(raw)
  for (let index = 0; index < 50; index++) await raw.say(NODE, nothing('acme.example'))
  await world.pass(100)
  expect(toldTo(raw) - before).toBeLessThanOrEqual(NOTICES_PER_SECOND + NOTICES_PER_SECOND / 10)
  expect(host.counts.get('rate')).toBeGreaterThan(0)
})

it('neighbours come to the same revocations, however many one of them lacks', async () => {
  const first = await world.node(acme, NODE)
  await revokeSome(first.host, acme, COUNT)
  const second = await world.node(acme, 'n2.acme.example')
  await world.connect(NODE, 'n2.acme.example')
  await world.pass(10 * SECOND)
  expect(second.host.generation).toBe(COUNT)
})

it('a neighbour of another organisation learns nothing of a third that we trust', async () => {
  const globex = world.organisation('globex.example')
  const initech = world.organisation('initech.example')
  const anchors = [foreignAnchor(globex), foreignAnchor(initech)]
  const { host } = await world.node(acme, NODE, { anchors })
  await revokeSome(host, initech, 1)
  const identity = await world.bind(globex, 'raw.globex.example')
  const raw = new RawNode(world, acme, identity)
  await raw.meet(NODE)
  await raw.say(NODE, nothing('initech.example'), nothing('globex.example'))
  await world.pass(100)
  expect([toldTo(raw), host.counts.get('not-granted')]).toEqual([0, 1])
})
