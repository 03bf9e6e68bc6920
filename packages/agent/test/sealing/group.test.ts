import { memoryStore, type Clock } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { memoryHistory } from '../../src/history/memory-rows.ts'
import { SECRET_AGE_MS_MAX } from '../../src/sealing/limits.ts'
import { SECRET_TYPE } from '../../src/sealing/secret-type.ts'
import { taskQueue } from '../tasks/task-queue.ts'
import { bodies, CREW, CREW_GRANT, Town } from '../town.ts'
import { CHIEF_GRANT, hand, openCrew, SECRET, secretsIn } from './crew.ts'

describe('a group that is joined sealed', () => {
  it('is read by its members, and what they write is sealed', async () => {
    const { town, chief, hands } = await openCrew(3)
    await using _ = town
    const [one, two] = hands
    const queues = [chief, one!, two!].map(({ crew }) => crew.messages())
    await town.world.until(one!.crew.publish(SECRET))
    await town.world.pass(500)
    const read = queues.map((queue) => queue.drain().map(({ body, sealed }) => [body, sealed]))
    expect(read).toEqual([[[SECRET, true]], [], [[SECRET, true]]])
  })

  it('shows nothing of what is said to whoever carries it', async () => {
    const rows = memoryHistory()
    const { town, hands } = await openCrew(2, { history: rows })
    await using _ = town
    await town.world.until(hands[0]!.crew.publish(SECRET))
    await town.world.pass(500)
    const kept = await rows.read((await rows.load()).map(({ id }) => id))
    const shows = kept.map((bytes) => Buffer.from(bytes!).includes(SECRET))
    expect(shows.length).toBeGreaterThan(1)
    expect(shows).not.toContain(true)
  })

  it('is not read by a member without an encryption key, who is told', async () => {
    const { town, hands } = await openCrew(2)
    await using _ = town
    const { world, acme } = town
    await world.node(acme, 'n3.acme.example').then((node) => town.nodes.push(node))
    await world.connect('n1.acme.example', 'n2.acme.example', 'n3.acme.example')
    const bare = await hand(town, 'bare', 3, { sealed: false, sealable: false })
    await world.pass(7_000)
    const queue = bare.crew.messages()
    await world.until(hands[0]!.crew.publish(SECRET))
    await world.pass(3_000)
    expect(bodies(queue)).toEqual([])
    expect(bare.node.host.counts.get('secret-missing')).toBeGreaterThan(0)
  })

  it('cannot be joined sealed without an encryption key', async () => {
    await using town = await Town.open(1)
    const agent = await town.agent('bare', 1, { grants: [CREW_GRANT] })
    await expect(agent.join(CREW, { sealed: true })).rejects.toMatchObject({ code: 'unsealable' })
  })

  it('sends nothing before a secret has come, and never in the clear', async () => {
    await using town = await Town.open(2)
    const one = await hand(town, 'm1', 1)
    const two = await hand(town, 'm2', 2)
    await town.world.pass(7_000)
    const queue = two.crew.messages()
    const sending = town.world.until(one.crew.publish(SECRET))
    await expect(sending).rejects.toMatchObject({ code: 'unsealable' })
    expect(bodies(queue)).toEqual([])
  })

  it('waits with the first message until the secret has come', async () => {
    await using town = await Town.open(2)
    const one = await hand(town, 'm1', 1)
    await town.world.pass(1_000)
    const sending = one.crew.publish(SECRET)
    const chief = await hand(town, 'chief', 2, { grants: [CHIEF_GRANT] })
    const queue = chief.crew.messages()
    await town.world.until(sending)
    await town.world.pass(3_000)
    expect(bodies(queue)).toEqual([SECRET])
  })

  it('shows applications nothing of how its secret is given, in history neither', async () => {
    const { town, hands } = await openCrew(2)
    await using _ = town
    const [one] = hands
    const all = one!.crew.messages({ history: 100 })
    await town.world.pass(500)
    expect(all.drain().map(({ contentType }) => contentType)).not.toContain(SECRET_TYPE)
  })

  it('sends in the clear where a verb says so', async () => {
    const { town, chief, hands } = await openCrew(2)
    await using _ = town
    const queue = chief.crew.messages()
    await town.world.until(hands[0]!.crew.publish('plain', { seal: false }))
    await town.world.pass(500)
    expect(queue.drain().map(({ sealed }) => sealed)).toEqual([false])
  })

  it('seals questions and their answers, tasks, and registers', async () => {
    const { town, chief, hands } = await openCrew(2)
    await using _ = town
    const { world } = town
    const [one] = hands
    const asked: boolean[] = []
    void (async () => {
      for await (const request of one!.agent.requests()) {
        asked.push(request.sealed)
        await request.reply(request.body)
      }
    })()
    const answers: unknown[] = []
    const run = chief.crew.fanOut(SECRET, { lifespanMs: 2_000 })
    const asking = (async () => {
      for await (const reply of run) {
        if (reply.status === 'replied') answers.push([reply.message.body, reply.message.sealed])
      }
    })()
    await world.until(asking)
    expect({ asked, answers }).toEqual({ asked: [true], answers: [[SECRET, true]] })

    const tasks = taskQueue(one!.agent)
    const { acknowledged } = await world.until(chief.crew.publish(SECRET, { class: 'task' }))
    await world.until(acknowledged.all())
    expect(tasks.drain()).toMatchObject([{ body: SECRET, sealed: true }])

    one!.crew.state.set('pose', SECRET)
    await world.pass(500)
    expect(chief.crew.state.get(one!.agent.name, 'pose')?.value).toBe(SECRET)
  })

  it('gives who comes late the secret', async () => {
    const { town, chief, hands } = await openCrew(3)
    await using _ = town
    const late = await hand(town, 'late', 3)
    await town.world.pass(7_000)
    const queue = late.crew.messages()
    await town.world.until(hands[0]!.crew.publish(SECRET))
    await town.world.until(chief.crew.publish('welcome'))
    await town.world.pass(500)
    expect(new Set(bodies(queue))).toEqual(new Set([SECRET, 'welcome']))
  })

  it('is given by its owner, who needs no grant', async () => {
    await using town = await Town.open(2)
    const { world } = town
    const owner = await town.agent('owner', 1, { sealable: true })
    const topic = 'den.owner.acme.example'
    const den = await owner.join(topic, { sealed: true })
    const grants = [{ actions: ['publish', 'subscribe'], topics: [topic] }] as const
    // The organisation stands above the owner, and may let others in.
    const other = await town.agent('other', 2, { sealable: true, grants })
    const group = await other.join(topic, { sealed: true })
    await world.pass(7_000)
    const queue = den.messages()
    await world.until(group.publish(SECRET))
    await world.pass(500)
    expect(queue.drain()).toMatchObject([{ body: SECRET, sealed: true }])
  })

  it('has its tasks read after a restart of the member', async () => {
    await using town = await Town.open(1)
    const { world, acme } = town
    const chief = await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] })
    const store = memoryStore()
    const node = await world.bind(acme, 'n2.acme.example')
    const member = await world.bind(acme, 'm2.acme.example', {
      grants: [CREW_GRANT],
      sealable: true,
    })
    const open = async () => {
      const at = await world.node(acme, 'n2.acme.example', { identity: node, store })
      await world.connect('n1.acme.example', 'n2.acme.example')
      const agent = await at.host.openAgent(member)
      const crew = await agent.join(CREW, { sealed: true })
      return { at, agent, crew }
    }
    const before = await open()
    await world.pass(7_000)
    await world.until(chief.crew.publish(SECRET, { class: 'task' }))
    await world.pass(1_000)
    await world.until(before.at.host[Symbol.asyncDispose]())
    const after = await open()
    const tasks = taskQueue(after.agent)
    await world.pass(2_000)
    expect(tasks.drain()).toMatchObject([{ body: SECRET, sealed: true }])
    const queue = after.crew.messages()
    await world.until(chief.crew.publish('still here'))
    await world.pass(500)
    expect(bodies(queue)).toEqual(['still here'])
  })
})

describe('a secret', () => {
  it('that is a day old is replaced', async () => {
    const store = memoryStore()
    // A clock that can be moved on by a day: to let it pass takes 12 s.
    let aheadMs = 0
    const clock: Clock = {
      now: () => town.world.clock.now() + aheadMs,
      at: (time, run) => town.world.clock.at(time - aheadMs, run),
    }
    await using town = await Town.open(0)
    town.nodes.push(await town.world.node(town.acme, 'n1.acme.example', { store, clock }))
    await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] })
    await town.world.pass(1_000)
    const [first] = await secretsIn(store)
    aheadMs = SECRET_AGE_MS_MAX - 4_000
    await town.world.pass(2_000)
    expect((await secretsIn(store)).map(({ idText }) => idText)).toEqual([first!.idText])
    await town.world.pass(2_000)
    const [second] = await secretsIn(store)
    expect(second!.epoch - first!.epoch).toBeGreaterThanOrEqual(SECRET_AGE_MS_MAX)
  })
})
