import { afterEach, describe, expect, it } from 'vitest'
import { foreignAnchor, name, World } from '../../../test/world/world.ts'
import { parsePattern } from '@ixj/names'

let world: World
afterEach(async () => world.close())

const CREW = name('crew.acme.example')
const crewGrant = (mayDelegate: readonly string[] = []) => ({
  actions: ['publish', 'request', 'subscribe', 'answer'] as const,
  topics: ['crew.acme.example'],
  ...(mayDelegate.length === 0 ? {} : { mayDelegate }),
})

describe('send() and request(), one to one', () => {
  it('delivers a message to an agent on another node', async () => {
    world = new World(1)
    const acme = world.organisation('acme.example')
    const n1 = await world.node(acme, 'n1.acme.example')
    const n2 = await world.node(acme, 'n2.acme.example')
    await world.connect('n1.acme.example', 'n2.acme.example')
    const a = await n1.host.openAgent(
      await world.bind(acme, 'a.acme.example', {
        grants: [{ actions: ['publish', 'request'], topics: ['b.acme.example'] }],
      }),
    )
    const b = await n2.host.openAgent(await world.bind(acme, 'b.acme.example'))
    const inbox = b.messages()
    const receipt = await world.until(a.send(b.name, { hello: 'world' }))
    expect(receipt.peers).toBe(1)
    await world.pass(100)
    const next = await inbox.take()
    expect(next.value).toMatchObject({ sender: 'a.acme.example', body: { hello: 'world' } })

    const served = (async () => {
      for await (const request of b.requests()) {
        await request.reply(['you said', request.body])
        return
      }
    })()
    const answer = await world.until(a.request(b.name, 'ping'))
    expect(answer.body).toEqual(['you said', 'ping'])
    await served
  })

  it('lets a policy rule permit one foreign agent to ask, and refuses the next', async () => {
    world = new World(2)
    const acme = world.organisation('acme.example')
    const globex = world.organisation('globex.example')
    const n1 = await world.node(acme, 'n1.acme.example', { anchors: [foreignAnchor(globex)] })
    const n2 = await world.node(globex, 'n2.globex.example', {
      anchors: [foreignAnchor(acme)],
      rules: [
        {
          id: 'ledger may ask',
          effect: 'permit',
          sender: parsePattern('ledger.acme.example'),
          actions: ['request'],
          topic: parsePattern('counsel.globex.example'),
        },
      ],
    })
    await world.connect('n1.acme.example', 'n2.globex.example')
    const ledger = await n1.host.openAgent(await world.bind(acme, 'ledger.acme.example'))
    const other = await n1.host.openAgent(await world.bind(acme, 'other.acme.example'))
    const counsel = await n2.host.openAgent(await world.bind(globex, 'counsel.globex.example'))
    void (async () => {
      for await (const request of counsel.requests()) await request.reply({ ruling: 'permissive' })
    })()
    const answer = await world.until(ledger.request(counsel.name, 'UNLICENSE?'))
    expect(answer.body).toEqual({ ruling: 'permissive' })
    expect(answer.sender).toBe('counsel.globex.example')
    await expect(world.until(other.request(counsel.name, 'UNLICENSE?'))).rejects.toMatchObject({
      code: 'refused',
      remoteCode: 'policy',
    })
  })
})

describe('groups', () => {
  it('carries publish to all, to an audience, and fan-out to those who may answer', async () => {
    world = new World(3)
    const acme = world.organisation('acme.example')
    const names = ['n1', 'n2', 'n3'].map((label) => `${label}.acme.example`)
    const nodes = await Promise.all(names.map((each) => world.node(acme, each)))
    await world.connect(...names)
    const planner = await nodes[0]!.host.openAgent(
      await world.bind(acme, 'planner.acme.example', {
        uses: 'both',
        depth: 1,
        grants: [crewGrant(['*.planner.acme.example'])],
      }),
    )
    const crew = await planner.join(CREW)
    // Workers on other nodes make their keys there and ask for their names.
    void (async () => {
      for await (const offer of planner.offers()) {
        await offer.bind({ lifetimeSeconds: 60, grants: [crewGrant()] })
      }
    })()
    const policyless = nodes[1]!.host.askName(planner.name, 'w1')
    await expect(world.until(policyless)).rejects.toMatchObject({
      code: 'refused',
      remoteCode: 'policy',
    })

    const w0 = await planner.spawn('w0', { lifetimeSeconds: 60, grants: [crewGrant()] })
    const g0 = await w0.join(CREW)
    await world.pass(500)
    expect(
      crew
        .members()
        .map((member) => member.name)
        .toSorted(),
    ).toEqual(['planner.acme.example', 'w0.planner.acme.example'])
    const reader = g0.messages()
    await world.until(crew.publish('to all'))
    await world.until(crew.publish('to nobody here', { to: 'w9.planner.acme.example' }))
    await world.until(crew.publish('to w0', { to: '*.planner.acme.example' }))
    await world.pass(50)
    expect([(await reader.take()).value?.body, (await reader.take()).value?.body]).toEqual([
      'to all',
      'to w0',
    ])
  })
})
