import { issueTo, type Transport } from '@ixj/agent'
import { openMemoryNetwork } from '@ixj/agent/memory'
import { parseName } from '@ixj/names'
import { nodeRandom, nodeSha256, nodeSigner, openNodeVerifier } from '../../node/src/node-keys.ts'
import { AnchorSet } from '@ixj/trust'
import { expect, test } from 'vitest'
import { openHost, memoryStore } from '@ixj/agent'
import { openBrowserNode } from '../src/browser-node.ts'
import { openBrowserHome } from '../src/home/browser-home.ts'
import { pageClock } from '../src/page-clock.ts'
import { pageParts, subtle } from './page-parts.ts'

const CREW = 'crew.acme.example'
const member = { actions: ['publish', 'subscribe', 'request', 'answer'], topics: [CREW] } as const

/** A page and a node in Node of one organisation, on a network in memory. */
async function openPair() {
  const acme = {
    name: parseName('acme.example'),
    signer: nodeSigner(nodeRandom(32)),
    statements: [],
  }
  const anchors = new AnchorSet([
    { name: acme.name, keys: [acme.signer.publicKey], purposes: ['connect', 'grant', 'send'] },
  ])
  const context = { clock: pageClock, random: nodeRandom, hash: nodeSha256 }
  const bind = async (name: string, key: Uint8Array, encryptionKey: Uint8Array | null = null) =>
    await issueTo(
      acme,
      { name: parseName(name), key, encryptionKey },
      { lifetimeSeconds: 3_600, uses: 'both', depth: 1, grants: [member] },
      context,
    )
  const network = openMemoryNetwork({ clock: pageClock, random: Math.random })
  const signer = nodeSigner(nodeRandom(32))
  const far = await openHost({
    identity: {
      name: parseName('node1.acme.example'),
      signer,
      statements: await bind('node1.acme.example', signer.publicKey),
    },
    anchors,
    transport: network.open('far'),
    clock: pageClock,
    random: nodeRandom,
    verifier: openNodeVerifier(),
    generateKey: () => nodeSigner(nodeRandom(32)),
    store: memoryStore(),
    hash: nodeSha256,
  })
  const parts = pageParts()
  const openPage = async (label: string, options: { readonly sharedState?: boolean } = {}) => {
    const home = await openBrowserHome('sam.acme.example', parts)
    if ((await home.readStatements()).length === 0) {
      const key = (await home.signer()).publicKey
      await home.writeStatements(await bind(home.name, key, (await home.opening()).publicKey))
      await home.writeAnchors(anchors)
    }
    const transport: Transport = network.open(label)
    const node = await openBrowserNode({ home, relays: [], transport, subtle, ...options })
    network.connect(label, 'far')
    return node
  }
  return { far, openPage }
}

test('a page joins a group, publishes, asks, answers and shares state as every node does', async () => {
  const { far, openPage } = await openPair()
  await using closing = new AsyncDisposableStack()
  closing.use(far)
  const page = closing.use(await openPage('page', { sharedState: true }))
  const [here, there] = [await page.agent.join(CREW), await far.self.join(CREW)]
  const [heardHere, heardThere] = [here.messages(), there.messages()]
  await expect.poll(() => here.members().length, { timeout: 10_000 }).toBeGreaterThan(0)
  await expect.poll(() => there.members().length, { timeout: 10_000 }).toBeGreaterThan(0)
  await here.publish('from the page')
  await there.publish('from the node')
  expect((await heardThere.take()).value).toMatchObject({
    body: 'from the page',
    sender: page.name,
  })
  expect((await heardHere.take()).value).toMatchObject({ body: 'from the node' })
  void (async () => {
    for await (const request of page.agent.requests()) await request.reply(['echo', request.body])
  })()
  const run = there.fanOut('who is there?', { to: page.name, quorum: 1, lifespanMs: 5_000 })
  const replies: unknown[] = []
  for await (const reply of run) replies.push(reply)
  expect(replies).toMatchObject([{ status: 'replied', name: page.name }])
  here.state.set('pose', [1, 2])
  const pose = () => there.state.get(page.name, 'pose')?.value
  await expect.poll(pose, { timeout: 10_000 }).toEqual([1, 2])
  await page.audit.checkpoint()
  expect(page.audit.size).toBeGreaterThan(0)
  expect((await page.audit.verify()).faults).toEqual([])
})

test('a page without what shares state says so, reads all else, and has the state when it opens with it', async () => {
  const { far, openPage } = await openPair()
  await using closing = new AsyncDisposableStack()
  closing.use(far)
  const there = await far.self.join(CREW)
  there.state.set('pose', [3, 4])
  {
    await using page = await openPage('without')
    const here = await page.agent.join(CREW)
    const heard = here.messages()
    await expect.poll(() => there.members().length, { timeout: 10_000 }).toBe(2)
    expect(() => here.state).toThrow(expect.objectContaining({ code: 'unsupported' }))
    await there.publish('a message')
    expect((await heard.take()).value).toMatchObject({ body: 'a message' })
    expect([...page.counts.keys()]).toEqual(['accepted'])
  }
  const page = closing.use(await openPage('with', { sharedState: true }))
  const here = await page.agent.join(CREW)
  const pose = () => here.state.get(far.name, 'pose')?.value
  await expect.poll(pose, { timeout: 10_000 }).toEqual([3, 4])
})

test('a page that opens again takes no bundle a second time, and goes on with a later epoch', async () => {
  const { far, openPage } = await openPair()
  await using closing = new AsyncDisposableStack()
  closing.use(far)
  const there = await far.self.join(CREW)
  const heard = there.messages()
  const bodies: unknown[] = []
  for (const label of ['first', 'second']) {
    await using page = await openPage(label)
    const here = await page.agent.join(CREW)
    await expect.poll(() => here.members().length, { timeout: 10_000 }).toBeGreaterThan(0)
    await here.publish(label)
    bodies.push((await heard.take()).value?.body)
    const mine = here.messages({ history: 10 })
    if (label === 'first') await there.publish('once')
    const { body, historical } = (await mine.take()).value!
    bodies.push(body, historical)
  }
  // What came before the reload is history after it.
  expect(bodies).toEqual(['first', 'once', false, 'second', 'once', true])
})
