import { explanationOf } from '@ixj/agent'
import { dnsaddrOwner, endpointOwner, keyOwner, TYPE, writeDnsaddr, writeEndpoint } from '@ixj/dns'
import { parseName } from '@ixj/names'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isPublicAddress } from '../src/dns/private-address.ts'
import { zonesOf } from '../src/dns/zone-anchors.ts'
import { learnedStore } from '../src/home/home-learned.ts'
import { openNode } from '../src/node.ts'
import {
  mayAsk,
  openDnsNode,
  openOrganisation,
  openRoot,
  type Organisation,
  placeOf,
} from './dns-town.ts'
import { openFolder } from './home-bench.ts'

const planner = parseName('planner.acme.example')
const node1 = parseName('node1.acme.example')
const counsel = parseName('counsel.globex.example')
const node2 = parseName('node2.globex.example')
const thief = parseName('thief.globex.example')

let open: AsyncDisposableStack
let acme: Organisation
let globex: Organisation

beforeEach(async () => {
  open = new AsyncDisposableStack()
  const folder = open.use(await openFolder()).path
  acme = open.use(await openOrganisation(folder, 'acme.example'))
  globex = open.use(await openOrganisation(folder, 'globex.example'))
})

afterEach(async () => {
  await open.disposeAsync()
})

/** A planner of acme on a node that trusts globex's zone as well, within these limits. */
async function openPlanner(options: { readonly dialPrivate?: boolean } = {}) {
  const home = await acme.home('planner-home')
  const foreign = zonesOf(globex.anchorLines)
  await home.writeAnchors(new AnchorSet([...(await home.readAnchors()).list, ...foreign]))
  await acme.enter(home, node1)
  await acme.enter(home, planner, { hosts: [node1] })
  const node = open.use(await openDnsNode(node1, home, { ask: [acme, globex], ...options }))
  return { node, agent: await node.openAgent(planner) }
}

/** Counsel of globex, whom acme's planner may ask; where its node is, the zone says. */
async function openCounsel() {
  const home = await globex.home('counsel-home')
  const foreign = zonesOf(acme.anchorLines)
  await home.writeAnchors(new AnchorSet([...(await home.readAnchors()).list, ...foreign]))
  await home.writePolicy(mayAsk(planner, counsel))
  await globex.enter(home, node2)
  await globex.enter(home, counsel, { hosts: [node2] })
  const node = open.use(await openDnsNode(node2, home, { ask: [acme, globex] }))
  const agent = await node.openAgent(counsel)
  void (async () => {
    for await (const request of agent.requests()) await request.reply('ship it')
  })()
  return node
}

async function publishEndpoint(port: number): Promise<void> {
  const endpoint = writeEndpoint({ priority: 1, target: node2, port, hints: ['127.0.0.1'] })
  await globex.publish([endpointOwner(counsel), TYPE.SVCB, endpoint])
}

describe('nodes whose names and places are in the DNS', () => {
  it('find each other across organisations without any address given by hand', async () => {
    const there = await openCounsel()
    await publishEndpoint(placeOf(there).port)
    const { node, agent } = await openPlanner()
    const answer = await agent.request(counsel, 'may we?')
    expect(answer).toMatchObject({ sender: counsel, body: 'ship it' })
    expect(node.neighbours).toEqual([node2])
    expect(node.searchNotes(counsel)).toContain(
      'counsel.globex.example: hosts node2.globex.example',
    )
  })

  it('find each other without anchors of each other, where both trust the root of the DNS', async () => {
    await using root = await openRoot(open.use(await openFolder()).path, [acme, globex])
    const trusting = async (organisation: Organisation, label: string) => {
      const home = await organisation.home(label)
      const anchors = (await home.readAnchors()).withRoot(root.anchor)
      await home.writeAnchors(anchors)
      return home
    }
    const ask = [acme, globex, root]
    const there = await trusting(globex, 'rooted-counsel')
    await there.writePolicy(mayAsk(planner, counsel))
    await globex.enter(there, node2)
    await globex.enter(there, counsel, { hosts: [node2] })
    const far = open.use(await openDnsNode(node2, there, { ask }))
    const agent = await far.openAgent(counsel)
    void (async () => {
      for await (const request of agent.requests()) await request.reply('ship it')
    })()
    await publishEndpoint(placeOf(far).port)

    const here = await trusting(acme, 'rooted-planner')
    await acme.enter(here, node1)
    await acme.enter(here, planner, { hosts: [node1] })
    const near = open.use(await openDnsNode(node1, here, { ask }))
    const asking = await near.openAgent(planner)
    const decisions = far.decisions()
    expect(await asking.request(counsel, 'may we?')).toMatchObject({ body: 'ship it' })
    expect(near.neighbours).toEqual([node2])
    for await (const decision of decisions) {
      if (decision.about !== 'bundle') continue
      const { name } = explanationOf(decision)
      expect(name.lines.join('\n')).toContain('anchor: the root of the DNS, from your trust store')
      break
    }
  })

  it('find each other by _dnsaddr, and dial a bootstrap address only if it is signed', async () => {
    const there = await openCounsel()
    const { address } = placeOf(there)
    await globex.publish([dnsaddrOwner(counsel), TYPE.TXT, writeDnsaddr(address)])
    const { node } = await openPlanner()
    open.use(node.keepDialing(`/dnsaddr/${counsel}`))
    const decisions = node.decisions()
    for await (const { about } of decisions) if (about === 'hello') break
    expect(node.neighbours).toEqual([node2])
  })

  it('dial no node that is a neighbour already: the connection in use would give way', async () => {
    const there = await openCounsel()
    await publishEndpoint(placeOf(there).port)
    const { node, agent } = await openPlanner()
    there.keepDialing(placeOf(node).address)
    for await (const { about } of node.decisions()) if (about === 'hello') break
    const answer = await agent.request(counsel, 'may we?')
    expect(answer).toMatchObject({ sender: counsel })
    await expect.poll(() => node.searchNotes(counsel)).toContain(`${node2} is connected`)
    expect(node.mesh.counts.connectionsRefused).toBe(0)
    expect(there.mesh.counts.connectionsRefused).toBe(0)
  })

  it('hand nothing to the node that a redirected endpoint leads to (A20)', async () => {
    // Whoever may write endpoints points at a node of its own, of the same organisation.
    const home = await globex.home('thief-home')
    const foreign = zonesOf(acme.anchorLines)
    await home.writeAnchors(new AnchorSet([...(await home.readAnchors()).list, ...foreign]))
    await globex.enter(home, thief)
    const there = open.use(await openDnsNode(thief, home, { ask: [acme, globex] }))
    const { publicKey } = await (await globex.home('counsel-home')).createKey(counsel)
    await globex.publishKey(counsel, publicKey, { hosts: [node2] })
    await publishEndpoint(placeOf(there).port)
    const { address } = placeOf(there)
    await globex.publish([dnsaddrOwner(counsel), TYPE.TXT, writeDnsaddr(address)])
    const { node, agent } = await openPlanner()
    const heard = there.decisions()
    const asking = agent.request(counsel, 'a secret', { lifespanMs: 1_500 })
    await expect(asking).rejects.toMatchObject({ code: 'unreachable' })
    expect(node.neighbours).toEqual([thief])
    expect(heard.drain().filter(({ about }) => about === 'bundle')).toEqual([])
  })

  it('dial no private address on the word of another organisation, unless allowed', async () => {
    const there = await openCounsel()
    await publishEndpoint(placeOf(there).port)
    const { node, agent } = await openPlanner({ dialPrivate: false })
    const asking = agent.request(counsel, 'may we?', { lifespanMs: 1_000 })
    await expect(asking).rejects.toMatchObject({ code: 'unreachable' })
    expect(node.neighbours).toEqual([])
    expect(node.searchNotes(counsel).at(-1)).toContain('of no public network')
  })

  it('remember no private address of another organisation: the next run may not dial it', async () => {
    const there = await openCounsel()
    await publishEndpoint(placeOf(there).port)
    const { node, agent } = await openPlanner()
    await agent.request(counsel, 'may we?')
    await node[Symbol.asyncDispose]()
    const home = await acme.home('planner-home')
    expect(await learnedStore(home, node1).load()).toEqual([])
  })

  it('remember a private address of their own organisation over a restart', async () => {
    const home = await acme.home('desk-home')
    const desk = parseName('desk.acme.example')
    const node3 = parseName('node3.acme.example')
    await acme.enter(home, node3)
    await acme.enter(home, desk, { hosts: [node3] })
    await home.writePolicy(mayAsk(planner, desk))
    const there = open.use(await openDnsNode(node3, home, { ask: [acme, globex] }))
    const inbox = (await there.openAgent(desk)).requests()
    void (async () => {
      for await (const request of inbox) await request.reply('yes')
    })()
    const { address, port } = placeOf(there)
    const endpoint = writeEndpoint({ priority: 1, target: node3, port, hints: ['127.0.0.1'] })
    await acme.publish([endpointOwner(desk), TYPE.SVCB, endpoint])
    const { node, agent } = await openPlanner({ dialPrivate: false })
    await agent.request(desk, 'may we?')
    await node[Symbol.asyncDispose]()
    const learned = await learnedStore(await acme.home('planner-home'), node1).load()
    expect(learned.map((each) => each.address)).toEqual([address])
  })

  it('take a key back: who was admitted before is refused when it comes anew', async () => {
    const there = await openCounsel()
    const { node } = await openPlanner()
    there.keepDialing(placeOf(node).address)
    for await (const { about } of node.decisions()) if (about === 'hello') break
    expect(node.neighbours).toEqual([node2])
    await there[Symbol.asyncDispose]()
    await globex.store.apply([{ kind: 'remove', name: keyOwner(node2), type: TYPE.TXT }])
    const again = openDnsNode(node2, await globex.home('counsel-home'), { ask: [acme, globex] })
    await expect(again).rejects.toMatchObject({ code: 'no-chain' })
  })
})

describe('openNode() with zone anchors', () => {
  it('takes them as zone-file lines beside those of the home', async () => {
    const home = await acme.home('home')
    await acme.enter(home, node1)
    await home.writeAnchors(new AnchorSet())
    const options = { name: node1, home, dns: { upstreams: [acme.upstream] } }
    await expect(openNode(options)).rejects.toMatchObject({ code: 'no-anchor' })
    const node = await openNode({ ...options, anchors: { dns: acme.anchorLines } })
    expect(node.name).toBe(node1)
    await node[Symbol.asyncDispose]()
  })

  it('lets an anchor of the home stand before one that is given', async () => {
    const home = await acme.home('home')
    await acme.enter(home, node1)
    const { publicKey } = await home.createKey(acme.name)
    const key = { name: acme.name, keys: [publicKey], purposes: PURPOSES }
    await home.writeAnchors(new AnchorSet([key]))
    const options = { name: node1, home, dns: { upstreams: [acme.upstream] } }
    const opening = openNode({ ...options, anchors: { dns: acme.anchorLines } })
    await expect(opening).rejects.toMatchObject({ code: 'no-chain' })
  })

  it('says why, where nobody answers and where the zone is another', async () => {
    const home = await acme.home('home')
    await acme.enter(home, node1)
    const silent = { ...acme.upstream, port: 1 }
    const unreachable = openNode({ name: node1, home, dns: { upstreams: [silent] } })
    await expect(unreachable).rejects.toMatchObject({ code: 'no-chain' })
    const [wrong] = zonesOf(globex.anchorLines)
    await home.writeAnchors(new AnchorSet([{ ...wrong!, name: acme.name, purposes: PURPOSES }]))
    const other = openNode({ name: node1, home, dns: { upstreams: [acme.upstream] } })
    await expect(other).rejects.toMatchObject({ code: 'no-chain' })
  })
})

describe('isPublicAddress()', () => {
  it.each([
    ['/ip4/192.0.2.7/tcp/4001', true],
    ['/ip4/127.0.0.1/tcp/4001', false],
    ['/ip4/10.1.2.3/tcp/4001', false],
    ['/ip4/172.31.255.255/tcp/4001', false],
    ['/ip4/172.32.0.0/tcp/4001', true],
    ['/ip4/192.168.1.1/tcp/4001', false],
    ['/ip4/169.254.1.1/tcp/4001', false],
    ['/ip4/100.64.0.1/tcp/4001', false],
    ['/ip4/0.0.0.0/tcp/4001', false],
    ['/ip4/198.19.0.1/tcp/4001', false],
    ['/ip4/224.0.0.1/tcp/4001', false],
    ['/ip4/255.255.255.255/tcp/4001', false],
    ['/ip6/2001:db8::1/tcp/4001', true],
    ['/ip6/::1/tcp/4001', false],
    ['/ip6/64:ff9b::7f00:1/tcp/4001', false],
    ['/ip6/2002:7f00:1::/tcp/4001', false],
    ['/ip6/ff02::1/tcp/4001', false],
    ['/ip6/fd00::1/tcp/4001', false],
    ['/ip6/fe80::1/tcp/4001', false],
    ['/ip6/::ffff:127.0.0.1/tcp/4001', false],
    ['/ip6/0:0:0:0:0:ffff:7f00:1/tcp/4001', false],
    ['/dns4/node.example/tcp/4001', false],
    ['/dnsaddr/node.example', false],
    ['nowhere', false],
  ])('%s: %s', (address, isPublic) => {
    expect(isPublicAddress(address)).toBe(isPublic)
  })
})
