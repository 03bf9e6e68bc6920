import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueTo, type SpawnOptions } from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import { AnchorSet } from '@ixj/trust'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Home, openHome } from '../src/home.ts'
import { nodeRandom, nodeSha256 } from '../src/node-keys.ts'
import { type Node, openNode } from '../src/node.ts'
import { systemClock } from '../src/system-clock.ts'

const acme = parseName('acme.example')
const crew = parseName('crew.acme.example')
const node1 = parseName('node1.acme.example')
const node2 = parseName('node2.acme.example')
const planner = parseName('planner.acme.example')
const scout = parseName('scout.acme.example')
const loopback = ['/ip4/127.0.0.1/tcp/0']
const signal = AbortSignal.timeout(20_000)

let root: string
let office: Home
let field: Home

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ixj-node-'))
  office = await openHome(join(root, 'office'))
  field = await openHome(join(root, 'field'))
  const signer = await office.createKey(acme)
  const purposes = ['connect', 'grant', 'send'] as const
  const anchors = new AnchorSet([{ name: acme, keys: [signer.publicKey], purposes }])
  await office.writeAnchors(anchors)
  await field.writeAnchors(anchors)
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

/** Makes a key in a home and has acme, in the office, bind it and grant it these. */
async function born(home: Home, name: Name, grants: SpawnOptions['grants'] = []): Promise<void> {
  const { publicKey } = await home.createKey(name)
  const parent = await office.readIdentity(acme)
  const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }
  const child = { name, key: publicKey }
  const statements = await issueTo(parent, child, { lifetimeSeconds: 600, grants }, context)
  await home.writeStatements(name, statements)
}

/** Both nodes, connected and each admitted by the other. */
async function openPair(): Promise<readonly [Node, Node]> {
  await born(office, node1)
  await born(field, node2)
  const first = await openNode({ name: node1, home: office, listen: loopback })
  const second = await openNode({ name: node2, home: field, connect: first.addresses })
  for (const node of [first, second]) {
    for await (const decision of node.decisions({ signal })) {
      if (decision.about === 'hello' && decision.code === null) break
    }
  }
  return [first, second]
}

test('two nodes on loopback exchange a group message and a request', async () => {
  const member = [{ actions: ['publish', 'subscribe'] as const, topics: [crew] }]
  await born(office, planner, member)
  await born(field, scout, [...member, { actions: ['request'], topics: [planner] }])
  const [first, second] = await openPair()
  await using stack = new AsyncDisposableStack()
  stack.use(first)
  stack.use(second)
  const here = await (await first.openAgent(planner)).join(crew)
  const scoutAgent = await second.openAgent(scout)
  const there = await scoutAgent.join(crew)
  const presence = there.presence({ signal })
  while (there.members().length < 2) await presence.take(signal)
  const inbox = here.messages({ signal })
  const receipt = await there.publish({ seen: 'a door' })
  const { value: message } = await inbox.take(signal)
  expect(receipt.peers).toBe(1)
  expect(message?.sender).toBe(scout)
  expect(message?.body).toEqual({ seen: 'a door' })
  expect(first.neighbours).toEqual([node2])
}, 30_000)
