import type { Agent, Group, IncomingRequest, Message, Queue } from '@ixj/agent'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Fleet, type Station } from '../../../../test/world/fleet.ts'
import { OPEN_INBOXES, TownPage, TownRelay } from '../../../../test/world/relay-town.ts'

const fleet = new Fleet({ seed: 11, now: Date.now() })
const SOON_MS = 10_000
const soon = () => AbortSignal.timeout(SOON_MS)

let open: AsyncDisposableStack
let relays: TownRelay[]
let station: Station
beforeEach(async () => {
  open = new AsyncDisposableStack()
  relays = [await TownRelay.open(fleet, 0), await TownRelay.open(fleet, 1)]
  for (const relay of relays) open.use(relay)
  station = open.use(await fleet.open(2, { policy: OPEN_INBOXES }))
  for (const { meshAddress } of relays) station.mesh.keepDialing(meshAddress)
})
afterEach(() => open.disposeAsync())

interface Tab {
  readonly page: TownPage
  readonly agent: Agent
  readonly crew: Group
}

/** A page with one member of the crew, on these relays. */
async function openTab(index: number, ...on: readonly TownRelay[]): Promise<Tab> {
  const page = open.use(
    await TownPage.open(
      fleet,
      index,
      on.map(({ address }) => address),
    ),
  )
  await page.admitted(on.length, soon())
  return { page, ...(await page.member(fleet, index)) }
}

/** Resolves when a group has exactly that many members as seen here. */
async function sees(group: Group, members: number): Promise<void> {
  const changes = group.presence({ signal: soon() })
  while (group.members().length !== members) {
    if ((await changes.take()).done === true) throw new Error(`${members} members did not come`)
  }
  changes.close()
}

/** The bodies of the next messages. */
async function bodies(queue: Queue<Message>, count: number): Promise<readonly unknown[]> {
  const found = []
  while (found.length < count) {
    const next = await queue.take()
    if (next.done === true) throw new Error(`it ended after ${found.length} messages`)
    found.push(next.value.body)
  }
  return found
}

/** Takes and does the first task. */
async function doFirst(agent: Agent): Promise<unknown> {
  for await (const task of agent.tasks({ signal: soon() })) {
    await task.done()
    return task.body
  }
  return undefined
}

/** Answers every request with its body, until the test ends. */
async function answer(requests: AsyncIterable<IncomingRequest>): Promise<void> {
  for await (const request of requests) await request.reply(request.body)
}

describe('a relay', () => {
  it('carries a group for a page: both sides see and hear each other', async () => {
    const { agent, crew } = await openTab(3, relays[0]!)
    await Promise.all([sees(crew, 2), station.sees(2, soon())])
    const here = crew.messages({ signal: soon() })
    const there = station.crew.messages({ signal: soon() })
    await crew.publish('from the page')
    await station.crew.publish('from the node')
    const [heard, read] = await Promise.all([there.take(), here.take()])
    expect(heard.value).toMatchObject({ body: 'from the page', sender: agent.name })
    expect(read.value).toMatchObject({ body: 'from the node', sender: station.agent.name })
  })

  it('carries the members of a group that ask each other, both ways', async () => {
    const { agent, crew } = await openTab(3, relays[0]!)
    await Promise.all([sees(crew, 2), station.sees(2, soon())])
    void answer(station.agent.requests())
    void answer(agent.requests())
    for (const asking of [crew, station.crew]) {
      const replies = []
      for await (const reply of asking.fanOut('echo', { quorum: 1, lifespanMs: 5_000 })) {
        replies.push(reply)
      }
      expect(replies).toMatchObject([{ status: 'replied', message: { body: 'echo' } }])
    }
  })

  it('passes messages, requests and tasks to the inbox of a page', async () => {
    const { agent } = await openTab(3, relays[0]!)
    const inbox = agent.messages({ signal: soon() })
    void answer(agent.requests())
    await station.agent.send(agent.name, 'note')
    expect(await bodies(inbox, 1)).toEqual(['note'])
    expect(await station.agent.request(agent.name, 'ask')).toMatchObject({ body: 'ask' })
    const first = doFirst(agent)
    const task = await station.agent.send(agent.name, 'task', { class: 'task' })
    expect(await first).toBe('task')
    await task.acknowledged.all()
    while (station.host.deliveries.accepted < 3) await new Promise((done) => setImmediate(done))
    expect([...station.host.deliveries.refused]).toEqual([])
  })

  it('passes messages, requests and tasks of a page to inboxes on other nodes', async () => {
    const { agent, page } = await openTab(3, relays[0]!)
    const inbox = station.agent.messages({ signal: soon() })
    void answer(station.agent.requests())
    await agent.send(station.agent.name, 'note')
    expect(await bodies(inbox, 1)).toEqual(['note'])
    expect(await agent.request(station.agent.name, 'ask')).toMatchObject({ body: 'ask' })
    const first = doFirst(station.agent)
    const task = await agent.send(station.agent.name, 'task', { class: 'task' })
    expect(await first).toBe('task')
    await task.acknowledged.all()
    while (page.host.deliveries.accepted < 3) await new Promise((done) => setImmediate(done))
    expect([...page.host.deliveries.refused]).toEqual([])
  })

  it('passes what pages write to each other, on one relay and over two', async () => {
    const ann = await openTab(3, relays[0]!)
    const bob = await openTab(4, relays[0]!)
    relays[0]!.mesh.keepDialing(relays[1]!.meshAddress)
    const cat = await openTab(5, relays[1]!)
    for (const { agent } of [bob, cat]) void answer(agent.requests())
    expect(await ann.agent.request(bob.agent.name, 'near')).toMatchObject({ body: 'near' })
    expect(await ann.agent.request(cat.agent.name, 'far')).toMatchObject({ body: 'far' })
  })

  it('receives nothing for a page any more when it has left', async () => {
    const { page, agent, crew } = await openTab(3, relays[0]!)
    await Promise.all([sees(crew, 2), station.sees(2, soon())])
    await station.agent.send(agent.name, 'note')
    await page[Symbol.asyncDispose]()
    await sees(station.crew, 1)
    while (relays[0]!.mesh.subscribers('crew.acme.example').length > 0) {
      await new Promise((done) => setImmediate(done))
    }
    // The relay takes back the inbox a moment after the group.
    await vi.waitFor(async () => {
      const asking = station.agent.request(agent.name, 'ask', { lifespanMs: 500 })
      await expect(asking).rejects.toMatchObject({ code: 'unreachable' })
    }, SOON_MS)
  })
})

describe('a page on two relays', () => {
  it('loses nothing and gets nothing twice when one is killed in mid-stream', async () => {
    const { page, agent, crew } = await openTab(3, relays[0]!, relays[1]!)
    await Promise.all([sees(crew, 2), station.sees(2, soon())])
    const readers = [crew.messages({ queueMax: 4_096 }), station.crew.messages({ queueMax: 4_096 })]
    const inboxes = [
      agent.messages({ queueMax: 4_096 }),
      station.agent.messages({ queueMax: 4_096 }),
    ]
    const said = Array.from({ length: 120 }, (_, index) => index)
    for (const index of said) {
      await Promise.all([
        crew.publish(index),
        station.crew.publish(index),
        agent.send(station.agent.name, index),
        station.agent.send(agent.name, index),
      ])
      if (index === 60) await relays[0]!.kill()
    }
    for (const queue of [...readers, ...inboxes]) {
      // The first may be repaired, and what is repaired comes late.
      const heard = await bodies(queue, said.length)
      expect(heard.toSorted((one, other) => Number(one) - Number(other))).toEqual(said)
    }
    for (const queue of [...readers, ...inboxes]) expect(queue.drain()).toEqual([])
    expect(page.host.neighbours).toEqual([relays[1]!.host.name])
  }, 60_000)

  it('comes back to a relay that was away', async () => {
    const { page, crew } = await openTab(3, relays[0]!)
    const { port } = relays[0]!
    await relays[0]!.kill()
    const again = open.use(await TownRelay.open(fleet, 0, { port }))
    station.mesh.keepDialing(again.meshAddress)
    await page.admitted(1, soon())
    await Promise.all([sees(crew, 2), station.sees(2, soon())])
    const there = station.crew.messages({ signal: soon() })
    await crew.publish('back')
    expect(await bodies(there, 1)).toEqual(['back'])
  })
})
