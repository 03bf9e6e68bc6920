import { explanationOf } from '../../src/explanation-of.ts'
import type { Agent, Identity } from '@ixj/agent'
import type { SignedStatement } from '@ixj/trust'
import { parsePattern } from '@ixj/names'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  bindAnyhow,
  crossAnyhow,
  grantAnyhow,
  withStatements,
} from '../../../../test/world/made-statement.ts'
import { name, World, type WorldNode } from '../../../../test/world/world.ts'
import { bodies, outcomeOf } from '../town.ts'

const ACME_NODE = 'n1.acme.example'
const GLOBEX_NODE = 'n1.globex.example'
const DESK = 'desk.acme.example'
const SCOUT = 'scout.globex.example'

let world: World
let acme: Identity
let globex: Identity
let federation: Identity
beforeEach(() => {
  world = new World(1)
  acme = world.organisation('acme.example')
  globex = world.organisation('globex.example')
  federation = world.organisation('fed.example')
})
afterEach(() => world.close())

const permitGlobex = {
  id: 'globex may write',
  effect: 'permit',
  sender: parsePattern('**.globex.example'),
  actions: ['publish', 'request'],
  topic: parsePattern(DESK),
} as const

/** A node of each organisation, with what each has at home, connected. */
async function meet(home: {
  readonly acme: readonly SignedStatement[]
  readonly globex: readonly SignedStatement[]
}): Promise<{ readonly at: WorldNode; readonly from: WorldNode }> {
  const rules = [permitGlobex]
  const at = await world.node(acme, ACME_NODE, { rules, crossCertificates: home.acme })
  const from = await world.node(globex, GLOBEX_NODE, { crossCertificates: home.globex })
  await world.connect(ACME_NODE, GLOBEX_NODE)
  return { at, from }
}

async function openPair({ at, from }: { readonly at: WorldNode; readonly from: WorldNode }) {
  const desk = await at.host.openAgent(await world.bind(acme, DESK))
  const scout = await from.host.openAgent(await world.bind(globex, SCOUT))
  return { desk, scout }
}

/** Has scout ask desk; what it answers. */
async function ask(scout: Agent, desk: Agent): Promise<unknown> {
  const serve = async () => {
    for await (const request of desk.requests()) await request.reply(`for ${request.sender}`)
  }
  void serve()
  return (await world.until(scout.request(DESK, 'who am I?'))).body
}

/** What each certifies of the other. */
const bothWays = async () => ({
  acme: [await crossAnyhow(world, acme, globex)],
  globex: [await crossAnyhow(world, globex, acme)],
})

/** A federation that certifies both, and that both let introduce the other. */
async function overFederation() {
  const introduce = (issuer: Identity, subject: string) =>
    crossAnyhow(world, issuer, federation, { names: [], introduces: [subject], hops: 1 })
  return {
    acme: [await introduce(acme, 'globex.example'), await crossAnyhow(world, federation, acme)],
    globex: [await introduce(globex, 'acme.example'), await crossAnyhow(world, federation, globex)],
  }
}

describe('two organisations without anchors for each other', () => {
  it('do not meet without a cross-certificate, or with one on one side alone', async () => {
    const certificate = await crossAnyhow(world, acme, globex)
    for (const own of [[], [certificate]]) {
      const pair = await meet({ acme: own, globex: [] })
      expect([pair.at.host.neighbours, pair.from.host.neighbours]).toEqual([[], []])
      await world.close()
      world = new World(1)
      acme = world.organisation('acme.example')
      globex = world.organisation('globex.example')
    }
  })

  it('meet, ask and answer by one certificate each way', async () => {
    const pair = await meet(await bothWays())
    expect(pair.at.host.neighbours).toEqual([name(GLOBEX_NODE)])
    expect(pair.from.host.neighbours).toEqual([name(ACME_NODE)])
    const { desk, scout } = await openPair(pair)
    expect(await ask(scout, desk)).toBe(`for ${SCOUT}`)
  })

  it('meet, ask and answer through a federation that both let introduce', async () => {
    const pair = await meet(await overFederation())
    expect(pair.at.host.neighbours).toEqual([name(GLOBEX_NODE)])
    const decisions = pair.at.host.decisions()
    const { desk, scout } = await openPair(pair)
    expect(await ask(scout, desk)).toBe(`for ${SCOUT}`)
    const accepted = decisions
      .drain()
      .find(({ about, code }) => about === 'bundle' && code === null)
    expect(explanationOf(accepted!).name.lines).toEqual([
      'scout.globex.example ← globex.example',
      'globex.example is cross-certified by fed.example: speaks for **.globex.example, globex.example; connect, send',
      'fed.example is cross-certified by acme.example: introduces only; connect, send',
      'anchor: acme.example, from your trust store',
      'statements: 59 min left',
    ])
  })

  it('do not meet through a federation that one of them does not let introduce the other', async () => {
    const home = await overFederation()
    const alone = await crossAnyhow(world, acme, federation, { introduces: ['initech.example'] })
    const pair = await meet({ acme: [alone, ...home.acme.slice(1)], globex: home.globex })
    expect(pair.at.host.neighbours).toEqual([])
    expect(pair.at.host.counts.get('cross-limits')).toBe(1)
  })

  it('meet, and one does not hear the other, by a certificate for connecting alone', async () => {
    const home = await bothWays()
    const connects = await crossAnyhow(world, acme, globex, { purposes: ['connect'] })
    const pair = await meet({ acme: [connects], globex: home.globex })
    expect(pair.at.host.neighbours).toEqual([name(GLOBEX_NODE)])
    const { desk, scout } = await openPair(pair)
    const inbox = desk.messages()
    await world.until(scout.send(DESK, 'hello'))
    await world.pass(500)
    expect(bodies(inbox)).toEqual([])
    expect(pair.at.host.counts.get('cross-limits')).toBeGreaterThan(0)
  })

  it('part when the certificate ends, skew included', async () => {
    const notAfter = world.clock.now() + 10_000
    const home = await bothWays()
    const short = await crossAnyhow(world, acme, globex, { notAfter })
    const pair = await meet({ acme: [short], globex: home.globex })
    await world.pass(notAfter + 60_000 - world.clock.now())
    expect(pair.at.host.neighbours).toEqual([name(GLOBEX_NODE)])
    await world.pass(2_000)
    expect(pair.at.host.neighbours).toEqual([])
  })
})

describe('a chain of grants across organisations', () => {
  /** acme gives globex's lead a part of its desk, and the lead gives a part of it to its scout. */
  async function delegated(purposes: readonly ('connect' | 'send' | 'grant')[]) {
    const toGlobex = await crossAnyhow(world, acme, globex, { purposes })
    const back = await crossAnyhow(world, globex, acme)
    const pair = await meet({ acme: [toGlobex], globex: [back] })
    const desk = await pair.at.host.openAgent(await world.bind(acme, DESK))
    const lead = await bindAnyhow(world, globex, 'lead.globex.example')
    const root = await grantAnyhow(world, acme, {
      subject: lead.name,
      subjectKey: lead.signer.publicKey,
      topics: [DESK],
      mayDelegate: [parsePattern('*.lead.globex.example')],
    })
    const scout = await world.bind(withStatements(lead, root), 'scout.lead.globex.example', {
      lifetimeSeconds: 60,
      grants: [{ actions: ['publish'], topics: [DESK] }],
    })
    return { pair, desk, scout: await pair.from.host.openAgent(scout) }
  }

  it('lets a sub-agent of the other act for acme, whose name each issuer proves', async () => {
    const { pair, desk, scout } = await delegated(['connect', 'grant', 'send'])
    const inbox = desk.messages()
    const decisions = pair.at.host.decisions()
    await world.until(scout.send(DESK, 'on your behalf'))
    await world.pass(500)
    expect(inbox.drain().map(({ body, onBehalfOf }) => [body, onBehalfOf])).toEqual([
      ['on your behalf', 'acme.example'],
    ])
    const [accepted] = decisions.drain().filter(({ about }) => about === 'bundle')
    expect(explanationOf(accepted!).authority.lines[0]).toMatch(
      /^acme\.example → lead\.globex\.example \(publish, request; .*\) → scout \(publish; /,
    )
  })

  it('is refused where grants of the other do not count: it only speaks for itself', async () => {
    const { pair, desk, scout } = await delegated(['connect', 'send'])
    const inbox = desk.messages()
    const sent = outcomeOf(scout.send(DESK, 'on your behalf'))
    await world.pass(1_000)
    expect(sent.code).toBeUndefined()
    expect(bodies(inbox)).toEqual([])
    expect(pair.at.host.counts.get('cross-limits')).toBeGreaterThan(0)
  })
})
