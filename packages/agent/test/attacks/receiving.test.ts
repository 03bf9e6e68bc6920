import { describe, expect, it } from 'vitest'
import { makeBundle, partOf, proofOf } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { provingStatements } from '../../src/host/identity.ts'
import { ACCEPTED, carry, CREW, grantOn, NODE, openScene, refusedAs } from '../scene.ts'
import { bodies, Town, toInbox } from '../town.ts'

const WANTED = 'desk.crew.acme.example'
const RESULTS = 'results.desk.acme.example'

/** A planner on n1 that writes to an inbox on n2. */
async function openPair(town: Town) {
  const planner = await town.agent('planner', 1, { grants: [toInbox(WANTED)] })
  const desk = await town.agent('desk.crew', 2)
  return { planner, inbox: desk.messages() }
}

/** A neighbour of this node that may read every group below the crew, and says so of the inbox. */
async function openSpy(town: Town, node: string): Promise<RawNode> {
  const identity = await town.world.bind(town.acme, 'spy.acme.example', {
    grants: [{ actions: ['subscribe'], topics: ['**.crew.acme.example'] }],
  })
  const spy = await new RawNode(town.world, town.acme, identity).meet(node)
  await spy.join(node, WANTED)
  return spy
}

const heardOf = (spy: RawNode) => spy.heard.filter(({ topic }) => topic === WANTED)

describe('a right to read a group', () => {
  it.each([
    ['is an inbox here', 'n2.acme.example', 1],
    ['is not open here', 'n1.acme.example', 0],
  ])('gives nothing of a name that %s', async (_, node, index) => {
    await using town = await Town.open(2)
    const { planner, inbox } = await openPair(town)
    const decisions = town.nodes[index]!.host.decisions()
    const spy = await openSpy(town, node)
    expect(decisions.drain().filter(({ about }) => about === 'right')).toMatchObject([
      { code: 'wrong-topic', verdict: 'reject' },
    ])
    await town.world.until(planner.send(WANTED, 'for the desk alone'))
    await town.world.pass(1_000)
    expect(bodies(inbox)).toEqual(['for the desk alone'])
    expect(heardOf(spy)).toEqual([])
  })

  it('does not stop the inbox of that name from opening later, and opens nothing then', async () => {
    await using town = await Town.open(2)
    const planner = await town.agent('planner', 2, { grants: [toInbox(WANTED)] })
    const spy = await openSpy(town, 'n1.acme.example')
    const desk = await town.agent('desk.crew', 1)
    const inbox = desk.messages()
    await town.world.until(planner.send(WANTED, 'for the desk alone'))
    await town.world.pass(1_000)
    expect(bodies(inbox)).toEqual(['for the desk alone'])
    expect(heardOf(spy)).toEqual([])
  })
})

describe('a right to an inbox', () => {
  it('gives nothing of the group that opens by that name later', async () => {
    await using town = await Town.open(1)
    const { world, acme } = town
    const node = 'n1.acme.example'
    const identity = await world.bind(acme, 'spy.acme.example')
    const host = await grantAnyhow(world, acme, {
      subject: identity.name,
      topics: [CREW],
      actions: ['host'],
    })
    const spy = await new RawNode(world, acme, identity).meet(node)
    const proof = proofOf([...provingStatements(identity, []), host])
    await spy.prove(node, proof)
    await spy.say(node, {
      kind: 'right',
      topic: CREW,
      of: 'inbox',
      carrier: CREW,
      agent: null,
      agentKey: null,
      subscribe: null,
      host: host.id,
      proof: proof.id,
    })
    spy.transport.allow(node, CREW)
    await spy.transport.subscribe(CREW)
    await world.pass(50)
    // As an inbox it holds: what is written to that name reaches its host.
    const planner = await town.agent('planner', 1, { grants: [toInbox(CREW)] })
    await world.until(planner.send(CREW, 'for the inbox'))
    await world.pass(50)
    const heard = () => spy.heard.filter(({ topic }) => topic === CREW)
    expect(heard()).toHaveLength(1)
    const { crew } = await town.member('ann', 1)
    await world.until(crew.publish('for the group alone'))
    await world.pass(6_000)
    expect(heard()).toHaveLength(1)
  })
})

describe('a gathering', () => {
  it('takes what is published, and nothing that is asked or answered', async () => {
    await using scene = await openScene()
    const { world, desk, raw } = scene
    const results = await desk.gather(RESULTS, { windowMs: 10 })
    const asker = await bindAnyhow(world, desk.identity, 'asker.desk.acme.example')
    const grant = await grantAnyhow(world, desk.identity, {
      subject: asker.name,
      topics: [RESULTS],
      actions: ['request', 'answer'],
    })
    const writer = await bindAnyhow(world, desk.identity, 'writer.desk.acme.example')
    const mayWrite = await grantAnyhow(world, desk.identity, {
      subject: writer.name,
      topics: [RESULTS],
      actions: ['publish'],
    })
    await raw.reach(NODE, RESULTS)
    const make = (action: 'request' | 'answer', authority?: null) =>
      makeBundle(world, withStatements(asker, grant), RESULTS, {
        under: grant,
        action,
        parts: [partOf(world, action)],
        ...(authority === undefined ? {} : { authority }),
      })
    expect(await carry(scene, await make('request'))).toEqual(refusedAs('not-hosted'))
    expect(await carry(scene, await make('answer'))).toEqual(refusedAs('not-asked'))
    expect(await carry(scene, await make('answer', null))).toEqual(refusedAs('not-asked'))
    const genuine = await makeBundle(world, withStatements(writer, mayWrite), RESULTS, {
      under: mayWrite,
    })
    expect(await carry(scene, genuine)).toEqual(ACCEPTED)
    await world.pass(50)
    const batch = await results[Symbol.asyncIterator]().next()
    expect(batch.value).toMatchObject({ messages: [{ sender: writer.name }], senders: 1 })
  })
})

describe('a group', () => {
  it('takes no answer that nothing was asked for, whatever grant it names', async () => {
    await using scene = await openScene()
    const { world, acme } = scene
    const worker = await world.bind(acme, 'worker.acme.example', {
      grants: [{ actions: ['answer', 'subscribe'], topics: [CREW] }],
    })
    const under = grantOn(worker, CREW)
    const smuggled = await makeBundle(world, worker, CREW, { under, action: 'answer' })
    expect(await carry(scene, smuggled)).toEqual(refusedAs('not-asked'))
    expect(scene.crewInbox.size).toBe(0)
  })
})
