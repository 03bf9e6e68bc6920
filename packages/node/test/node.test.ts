import { explanationOf } from '@ixj/agent'
import { join } from 'node:path'
import type { GrantRequest } from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Home } from '../src/home.ts'
import { type Node, openNode } from '../src/node.ts'
import { DEFAULT_POLICY } from '../src/policy.ts'
import { acme, born, openField, openFolder, openOffice } from './home-bench.ts'

const crew = parseName('crew.acme.example')
const node1 = parseName('node1.acme.example')
const node2 = parseName('node2.acme.example')
const planner = parseName('planner.acme.example')
const scout = parseName('scout.acme.example')
const listen = ['/ip4/127.0.0.1/tcp/0']
const member: GrantRequest = { actions: ['publish', 'subscribe'], topics: [crew] }

let open: AsyncDisposableStack
let folder: string
let office: Home
let field: Home

beforeEach(async () => {
  open = new AsyncDisposableStack()
  folder = open.use(await openFolder()).path
  office = await openOffice(join(folder, 'office'))
  field = await openField(join(folder, 'field'), office)
})

afterEach(async () => {
  await open.disposeAsync()
})

async function bornOffice(name: Name, grants: readonly GrantRequest[] = []): Promise<void> {
  await born({ office, home: office, name }, { grants })
}

async function bornField(name: Name, grants: readonly GrantRequest[] = []): Promise<void> {
  await born({ office, home: field, name }, { grants })
}

/** A node in the office that listens, and one in the field that dials it. */
async function openPair(): Promise<readonly [Node, Node]> {
  await bornOffice(node1)
  await bornField(node2)
  const first = open.use(await openNode({ name: node1, home: office, listen }))
  const second = await openNode({ name: node2, home: field.folder, connect: first.addresses })
  return [first, open.use(second)]
}

test('two nodes on loopback exchange a group message and a request', async () => {
  await bornOffice(planner, [member])
  await bornField(scout, [member, { actions: ['request'], topics: [planner] }])
  const [first, second] = await openPair()
  const plannerAgent = await first.openAgent(planner)
  const scoutAgent = await second.openAgent(scout)
  const here = await plannerAgent.join(crew)
  const there = await scoutAgent.join(crew)
  const presence = there.presence()
  while (there.members().length < 2) await presence.take()
  const messages = here.messages()

  const receipt = await there.publish({ seen: 'a door' })
  const { value: message } = await messages.take()
  expect(receipt.peers).toBe(1)
  expect(message).toMatchObject({ sender: scout, onBehalfOf: acme, body: { seen: 'a door' } })
  expect(explanationOf(message!).policy).toEqual({
    state: 'yes',
    lines: ['permit "grants inside the organisation" (policy.cedar:24)'],
  })

  const answering = (async () => {
    for await (const request of plannerAgent.requests()) return await request.reply('open it')
  })()
  const answer = await scoutAgent.request(planner, 'what now')
  await answering
  expect(answer).toMatchObject({ sender: planner, body: 'open it' })
  expect(first.neighbours).toEqual([node2])
  expect(first.counts.get('accepted')).toBeGreaterThan(1)
})

test('askName() brings an agent into the world whose key was made on the asking node', async () => {
  // The policy, since a node has no grant to ask anybody.
  await office.writePolicy(`@id("nodes may ask for names")
    permit (principal == Agent::"${node2}", action == Action::"request",
            resource == Topic::"${planner}");
    ${DEFAULT_POLICY}`)
  await born({ office, home: office, name: planner }, { uses: 'both', depth: 1 })
  const [first, second] = await openPair()
  const plannerAgent = await first.openAgent(planner)
  const binding = (async () => {
    for await (const offer of plannerAgent.offers())
      return await offer.bind({ lifetimeSeconds: 60 })
  })()
  const worker = await second.askName(planner, 'w1')
  await binding
  expect(worker.name).toBe('w1.planner.acme.example')
})

test('a node can be the agent itself', async () => {
  await bornOffice(scout, [member])
  const node = open.use(await openNode({ name: scout, home: office, listen }))
  const agent = await node.openAgent(scout)
  const group = await agent.join(crew)
  expect(group.members().map(({ name }) => name)).toEqual([scout])
})

test('openNode() refuses a name that is open, and takes it again when that was closed', async () => {
  await bornOffice(node1)
  const first = open.use(await openNode({ name: node1, home: office, listen }))
  const second = openNode({ name: node1, home: office.folder, listen })
  await expect(second).rejects.toMatchObject({ code: 'in-use' })
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  open.use(await openNode({ name: node1, home: office, listen }))
})

test('openAgent() refuses an agent that another node of the home has open', async () => {
  await bornOffice(node1)
  await bornOffice(node2)
  await bornOffice(planner)
  const first = open.use(await openNode({ name: node1, home: office }))
  const second = open.use(await openNode({ name: node2, home: office }))
  const agent = await first.openAgent(planner)
  await expect(second.openAgent(planner)).rejects.toMatchObject({ code: 'in-use' })
  await expect(first.openAgent(planner)).rejects.toMatchObject({ code: 'open-already' })
  await agent[Symbol.asyncDispose]()
  await first.openAgent(planner)
})

test('openNode() says what is wrong with its name, its addresses and its key, and leaves nothing open', async () => {
  await bornOffice(node1)
  const opening = (options: Partial<Parameters<typeof openNode>[0]>): Promise<Node> =>
    openNode({ name: node1, home: office, ...options })
  await expect(opening({ name: scout })).rejects.toMatchObject({ code: 'key-file' })
  await expect(opening({ connect: ['nowhere'] })).rejects.toMatchObject({ code: 'address' })
  await expect(opening({ listen: ['/ip4/192.0.2.1/tcp/0'] })).rejects.toMatchObject({
    code: 'listen',
    message: expect.not.stringContaining('\n') as string,
  })
  await office.createKey(scout)
  await expect(opening({ name: scout })).rejects.toMatchObject({ code: 'no-chain' })
  const node = open.use(await opening({ listen }))
  expect(node.addresses[0]).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+$/)
})
