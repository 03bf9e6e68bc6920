import { AgentError } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import { expect, test } from 'vitest'
import { allAbilities } from '../../src/host/open-host.ts'
import { CHIEF_GRANT, hand, SECRET } from '../sealing/crew.ts'
import { taskQueue } from '../tasks/task-queue.ts'
import { bodies, CREW, toInbox, Town } from '../town.ts'

const MAY_ASK = {
  id: 'all may ask',
  effect: 'permit',
  sender: parsePattern('**.acme.example'),
  actions: ['request'],
  topic: parsePattern('**.acme.example'),
} as const

/** Nothing comes, as in a page that is offline. */
async function nothing(): Promise<never> {
  throw new AgentError('unreachable', 'Cannot load what births need: offline')
}

test('openHostWith() asks for an ability when it is used, and each use says that it did not come', async () => {
  const asked: string[] = []
  const births = async () => {
    asked.push('births')
    return await nothing()
  }
  const abilities = { ...allAbilities, births, gathering: nothing }
  await using town = await Town.open(1, { abilities })
  const boss = await town.agent('boss', 1, { uses: 'both', depth: 1 })
  expect(asked).toEqual([])
  const failed = { code: 'unreachable' }
  await expect(boss.spawn('w1', { lifetimeSeconds: 60 })).rejects.toMatchObject(failed)
  await expect(boss.gather('boss.acme.example')).rejects.toMatchObject(failed)
  expect(asked).toEqual(['births'])
})

test('an offer is refused, and told here, when what reads it does not come', async () => {
  const isThere = { births: true }
  const births = () => (isThere.births ? allAbilities.births() : nothing())
  await using town = await Town.open(2, {
    rules: [MAY_ASK],
    abilities: { ...allAbilities, births },
  })
  const boss = await town.agent('boss', 1, { uses: 'both', depth: 1 })
  const decisions = town.nodes[0]!.host.decisions()
  const asking = town.nodes[1]!.host.askName(boss.name, 'w1')
  // The one who asks has it; the one who is asked does not.
  isThere.births = false
  await expect(town.world.until(asking)).rejects.toMatchObject({
    code: 'refused',
    remoteCode: 'own-fault',
  })
  expect(decisions.drain()).toContainEqual(
    expect.objectContaining({ about: 'delivery', code: 'own-fault' }),
  )
})

/** Abilities of which the one that seals to groups can be taken away; `asked` counts calls for it. */
function sealingAbilities() {
  const of = { isThere: true, asked: 0 }
  const sealing = () => {
    of.asked += 1
    return of.isThere ? allAbilities.sealing() : nothing()
  }
  return { of, abilities: { ...allAbilities, sealing } }
}

test('join() asks for what seals a group for a member that seals, and fails without it', async () => {
  const { of, abilities } = sealingAbilities()
  await using town = await Town.open(2, { abilities })
  const plain = await town.member('plain', 1)
  const { crew } = await town.member('other', 2)
  const heard = crew.messages()
  await town.world.pass(1_000)
  await town.world.until(plain.crew.publish('all may read this'))
  await town.world.pass(500)
  expect({ heard: bodies(heard), asked: of.asked }).toEqual({
    heard: ['all may read this'],
    asked: 0,
  })
  of.isThere = false
  const agent = await town.agent('chief', 1, { sealable: true, grants: [CHIEF_GRANT] })
  await expect(agent.join(CREW, { sealed: true })).rejects.toMatchObject({ code: 'unreachable' })
  of.isThere = true
  await using sealed = await agent.join(CREW, { sealed: true })
  await town.world.until(sealed.publish(SECRET))
})

test('what is sealed to a group is not read where what opens it does not come, and is after joining anew', async () => {
  await using town = await Town.open(1)
  const { world, acme } = town
  const { of, abilities } = sealingAbilities()
  town.nodes.push(await world.node(acme, 'n2.acme.example', { abilities }))
  await world.connect('n1.acme.example', 'n2.acme.example')
  of.isThere = false
  const chief = await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] })
  const page = await hand(town, 'page', 2, { sealed: false })
  const heard = page.crew.messages()
  await world.pass(7_000)
  await world.until(chief.crew.publish(SECRET))
  await world.pass(5_000)
  expect(bodies(heard)).toEqual([])
  expect(page.node.host.counts.get('secret-missing')).toBeGreaterThan(1)

  of.isThere = true
  await page.crew[Symbol.asyncDispose]()
  const again = await page.agent.join(CREW)
  const read = again.messages()
  await world.pass(30_000)
  expect(bodies(read)).toEqual([SECRET])
})

test('a task is asked for again, and taken, once what keeps tasks has come', async () => {
  const of = { isThere: false, asked: 0 }
  const tasks = () => {
    of.asked += 1
    return of.isThere ? allAbilities.tasks() : nothing()
  }
  await using town = await Town.open(1)
  const { world, acme } = town
  const abilities = { ...allAbilities, tasks }
  town.nodes.push(await world.node(acme, 'n2.acme.example', { abilities }))
  await world.connect('n1.acme.example', 'n2.acme.example')
  const boss = await town.agent('boss', 1, { grants: [toInbox('w1.acme.example')] })
  const worker = await town.agent('w1', 2, { grants: [toInbox('boss.acme.example')] })
  const taken = taskQueue(worker)
  await world.until(boss.send('w1.acme.example', 'not to be kept', {}))
  await world.pass(500)
  expect(of.asked).toBe(0)

  const sending = worker.send('boss.acme.example', 'nobody keeps it', { class: 'task' })
  await expect(world.until(sending)).rejects.toMatchObject({ code: 'unreachable' })
  const sent = await world.until(boss.send('w1.acme.example', 'carry on', { class: 'task' }))
  await world.pass(3_000)
  expect(taken.drain()).toEqual([])
  expect(town.nodes[1]!.host.counts.get('own-fault')).toBeGreaterThan(0)

  of.isThere = true
  await world.until(sent.acknowledged.all())
  expect(taken.drain()).toMatchObject([{ body: 'carry on' }])
})

test('a reader whose history cannot be loaded reads what comes, and the node tells of it', async () => {
  const of = { isThere: false }
  const history = () => (of.isThere ? allAbilities.history() : nothing())
  await using town = await Town.open(2, { abilities: { ...allAbilities, history } })
  const [a, b] = [await town.member('a', 1), await town.member('b', 2)]
  bodies(b.crew.messages())
  await town.world.pass(1_000)
  await town.world.until(a.crew.publish('before'))
  await town.world.pass(1_000)
  const decisions = town.nodes[1]!.host.decisions()
  const read = b.crew.messages({ history: 10 })
  await town.world.until(a.crew.publish('after'))
  await town.world.pass(1_000)
  expect(bodies(read)).toEqual(['after'])
  expect(decisions.drain()).toContainEqual(
    expect.objectContaining({ about: 'history', code: 'transport' }),
  )
  of.isThere = true
  const again = b.crew.messages({ history: 10 })
  await town.world.pass(1_000)
  expect(bodies(again)).toEqual(['before', 'after'])
})
