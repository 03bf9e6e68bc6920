import { join } from 'node:path'
import { issueRevocation } from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import { issueSuccessor, type SignedStatement, type Successor } from '@ixj/trust'
import { makeNotice } from '@ixj/agent'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Home, writeNotice } from '../src/home.ts'
import { nodeRandom, nodeSha256, nodeSigner } from '../src/node-keys.ts'
import { type Node, openNode } from '../src/node.ts'
import { systemClock } from '../src/system-clock.ts'
import { acme, born, openField, openFolder, openOffice } from './home-bench.ts'

const node1 = parseName('node1.acme.example')
const node2 = parseName('node2.acme.example')
const thief = parseName('thief.acme.example')
const listen = ['/ip4/127.0.0.1/tcp/0']
const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }

let open: AsyncDisposableStack
let office: Home
let field: Home

beforeEach(async () => {
  open = new AsyncDisposableStack()
  const { path } = open.use(await openFolder())
  office = await openOffice(join(path, 'office'))
  field = await openField(join(path, 'field'), office)
  await born({ office, home: office, name: node1 })
  await born({ office, home: field, name: node2 })
})
afterEach(() => open.disposeAsync())

async function openPair(): Promise<readonly [Node, Node]> {
  const first = open.use(await openNode({ name: node1, home: office, listen }))
  const second = open.use(await openNode({ name: node2, home: field, connect: first.addresses }))
  await until(second, () => second.neighbours.includes(node1))
  return [first, second]
}

/** Waits for the node's decisions until something is so. */
async function until(node: Node, isSo: () => boolean): Promise<void> {
  const decisions = node.decisions({ signal: AbortSignal.timeout(10_000) })
  while (!isSo()) await decisions.take()
  decisions.close()
}

async function keyOf(home: Home, name: Name) {
  return { kind: 'key', name, key: (await home.readSigner(name)).publicKey } as const
}

test('what is revoked in a home reaches its running node, and the nodes that are connected', async () => {
  await born({ office, home: field, name: thief })
  const [first, second] = await openPair()
  const before = [first.host.generation, second.host.generation]
  const target = await keyOf(field, thief)
  await writeNotice(office, await issueRevocation(await office.readIdentity(acme), target, context))
  const started = performance.now()
  while (second.host.generation === before[1]) await new Promise((done) => setImmediate(done))
  expect(performance.now() - started).toBeLessThan(5_000)
  await expect(second.openAgent(thief)).rejects.toMatchObject({ code: 'revoked' })
})

test('a node whose home is opened again still knows what was revoked', async () => {
  await born({ office, home: field, name: thief })
  const [first, second] = await openPair()
  const target = await keyOf(field, thief)
  const notice = await issueRevocation(await office.readIdentity(acme), target, context)
  const before = second.host.generation
  await first.host.takeNotice(notice.bytes)
  while (second.host.generation === before) await new Promise((done) => setImmediate(done))
  await second[Symbol.asyncDispose]()
  const again = open.use(await openNode({ name: node2, home: field }))
  await expect(again.openAgent(thief)).rejects.toMatchObject({ code: 'revoked' })
})

test('a revoked node is disconnected, and told so when it dials again', async () => {
  const [first, second] = await openPair()
  const target = await keyOf(field, node2)
  await writeNotice(office, await issueRevocation(await office.readIdentity(acme), target, context))
  await until(first, () => !first.neighbours.includes(node2))
  await until(first, () => (first.counts.get('revoked') ?? 0) >= 2)
  expect(second.neighbours).toEqual([])
})

test('a successor moves the trust stores of all to the new key', async () => {
  const next = nodeSigner(nodeRandom(32))
  const committed = (home: Home) =>
    home.updateAnchors((anchors) =>
      anchors.with({ ...anchors.get(acme)!, next: nodeSha256(next.publicKey) }),
    )
  await committed(office)
  await committed(field)
  const [, second] = await openPair()
  const now = systemClock.now()
  const signed: SignedStatement<Successor> = await issueSuccessor(
    {
      kind: 'successor',
      issuer: acme,
      notBefore: now,
      notAfter: now + 60_000,
      nonce: nodeRandom(16),
      name: acme,
      newKey: next.publicKey,
      next: null,
    },
    { old: await office.readSigner(acme), new: next },
    nodeSha256,
  )
  const before = second.host.generation
  await writeNotice(office, makeNotice(signed, []))
  while (second.host.generation === before) await new Promise((done) => setImmediate(done))
  const until5s = performance.now() + 5_000
  const keys = async () => (await field.readAnchors()).get(acme)!.keys
  while ((await keys()).length < 2 && performance.now() < until5s) {
    await new Promise((done) => setImmediate(done))
  }
  const anchor = (await field.readAnchors()).get(acme)!
  expect(anchor.keys[0]).toEqual(next.publicKey)
  expect(anchor.retiring).toMatchObject([{ until: now + 60_000 }])
  expect(second.neighbours).toEqual([node1])
})
