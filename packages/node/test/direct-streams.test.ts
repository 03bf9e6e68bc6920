import { join } from 'node:path'
import { parseName } from '@ixj/names'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Home } from '../src/home.ts'
import { openNode } from '../src/node.ts'
import { born, openField, openFolder, openOffice } from './home-bench.ts'

const node1 = parseName('node1.acme.example')
const node2 = parseName('node2.acme.example')
const scout = parseName('scout.acme.example')
const desk = parseName('desk.acme.example')

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
  await born({ office, home: office, name: desk })
  await born(
    { office, home: field, name: scout },
    { grants: [{ actions: ['publish', 'request'], topics: [desk] }] },
  )
})
afterEach(() => open.disposeAsync())

/** The desk on a node in the office, and a scout in the field that writes to it. */
async function openPair() {
  const first = open.use(
    await openNode({ name: node1, home: office, listen: ['/ip4/127.0.0.1/tcp/0'] }),
  )
  const second = open.use(await openNode({ name: node2, home: field, connect: first.addresses }))
  const inbox = (await first.openAgent(desk)).messages({ queueMax: 4_096 })
  return { first, second, inbox, writer: await second.openAgent(scout) }
}

test('a message to an inbox goes over a direct stream of libp2p, and is acknowledged on it', async () => {
  const { second, inbox, writer } = await openPair()
  const receipt = await writer.send(desk, 'x')
  const { value } = await inbox.take()
  expect([receipt.peers, value?.body]).toEqual([1, 'x'])
  while (second.host.deliveries.accepted < 1) await new Promise((done) => setImmediate(done))
})

test('a thousand messages come whole and in order, in bundles that are acknowledged', async () => {
  const { second, inbox, writer } = await openPair()
  const sending = Array.from({ length: 1_000 }, (_, index) => writer.send(desk, index))
  for (let index = 0; index < 1_000; index++) {
    const { value } = await inbox.take()
    expect(value?.body).toBe(index)
  }
  await Promise.all(sending)
  expect(second.host.deliveries).toMatchObject({ resent: 0, lost: 0 })
  expect(second.host.deliveries.accepted).toBeLessThan(1_000)
})

test('what a broken connection left unacknowledged comes once, when it stands again', async () => {
  const { first, second, inbox, writer } = await openPair()
  await writer.send(desk, 0)
  await inbox.take()
  const sending: Promise<unknown>[] = []
  for (let index = 1; index <= 200; index++) {
    sending.push(writer.send(desk, index))
    if (index === 100) await first.mesh.disconnect(second.mesh.peer)
    await new Promise((done) => setImmediate(done))
  }
  const got: unknown[] = []
  while (got.length < 200) {
    const { value } = await inbox.take()
    expect([value?.gap, value?.late]).toEqual([0, false])
    got.push(value?.body)
  }
  await Promise.all(sending)
  expect(got).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  expect(second.host.deliveries.lost).toBe(0)
})
