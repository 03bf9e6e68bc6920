import { decodeFrame } from '../../../agent/src/neighbours/frames.ts'
import { PROOF_PROTOCOL } from '../../../agent/src/neighbours/greetings.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Fleet, type Station } from '../../../../test/world/fleet.ts'
import { grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { OPEN_INBOXES, TownPage, TownRelay } from '../../../../test/world/relay-town.ts'
import { name, World } from '../../../../test/world/world.ts'

const HOUR_MS = 3_600_000
const now = Date.now()
const fleet = new Fleet({ seed: 31, now })
const soon = () => AbortSignal.timeout(10_000)

let open: AsyncDisposableStack
let relay: TownRelay
let station: Station
beforeEach(async () => {
  open = new AsyncDisposableStack()
  relay = open.use(await TownRelay.open(fleet, 0))
  station = open.use(await fleet.open(2, { policy: OPEN_INBOXES }))
  station.mesh.keepDialing(relay.meshAddress)
})
afterEach(() => open.disposeAsync())

async function openPage(index: number): Promise<TownPage> {
  const page = open.use(await TownPage.open(fleet, index, [relay.address]))
  await page.admitted(1, soon())
  return page
}

it('a group of its name that others read keeps no agent from its inbox', async () => {
  const victim = name('m4.acme.example')
  const world = new World(99)
  const times = { notBefore: now - HOUR_MS, notAfter: now + HOUR_MS }
  const reader = await fleet.member(3)
  const grant = await grantAnyhow(world, fleet.acme, {
    subject: reader.name,
    topics: [victim],
    actions: ['subscribe'],
    ...times,
  })
  const first = await openPage(3)
  const blocker = await first.host.openAgent(withStatements(reader, grant))
  await blocker.join(victim, { quiet: true })
  while (!relay.mesh.subscribers(victim).includes(station.mesh.peer)) {
    // The relay has joined the group: that it has any is enough.
    if (relay.door.transport.subscribers(victim).length > 0) break
    await new Promise((done) => setTimeout(done, 20))
  }
  const second = await openPage(4)
  const agent = await second.host.openAgent(await fleet.member(4))
  const inbox = agent.messages({ signal: soon() })
  await station.agent.send(agent.name, 'note', { signal: soon() })
  expect((await inbox.take()).value).toMatchObject({ body: 'note' })
}, 30_000)

it('what a page gives again is answered by its relay, and comes to its host once', async () => {
  const page = await openPage(3)
  const { transport } = page
  const openChannel = transport.openChannel.bind(transport)
  const given = { frames: 0 }
  transport.openChannel = async (...words) => {
    const channel = await openChannel(...words)
    if (words[1] !== '/ixj/deliver/1') return channel
    return {
      frames: () => channel.frames(),
      close: () => channel.close(),
      // Everything ten times.
      send: async (frame) => {
        for (let count = 0; count < 10; count++) await channel.send(frame)
        given.frames += 10
      },
    }
  }
  const agent = await page.host.openAgent(await fleet.member(3))
  const inbox = station.agent.messages({ signal: soon() })
  for (const body of ['first', 'last']) {
    await agent.send(station.agent.name, body, { signal: soon() })
    expect((await inbox.take()).value).toMatchObject({ body })
  }
  while (given.frames < 20) await new Promise((done) => setTimeout(done, 10))
  expect(station.host.counts.get('duplicate')).toBeUndefined()
})

it('what a page asks to have carried is proved ahead, and not asked for once more', async () => {
  const page = open.use(await TownPage.open(fleet, 3, [relay.address]))
  const { transport } = page
  const openChannel = transport.openChannel.bind(transport)
  const kinds: string[] = []
  transport.openChannel = async (...words) => {
    const channel = await openChannel(...words)
    if (words[1] !== PROOF_PROTOCOL) return channel
    return {
      send: (frame) => channel.send(frame),
      close: () => channel.close(),
      async *frames() {
        for await (const frame of channel.frames()) {
          kinds.push(decodeFrame(frame).kind)
          yield frame
        }
      },
    }
  }
  await page.admitted(1, soon())
  const { crew } = await page.member(fleet, 3)
  await station.crew.publish('all is carried')
  const heard = crew.messages({ signal: soon() })
  await station.crew.publish('and heard')
  expect((await heard.take()).done).toBe(false)
  // Its own inbox, the agent's and the crew.
  await vi.waitFor(() => expect(relay.host.counts.get('not-hosted')).toBeUndefined())
  expect(kinds.length).toBeGreaterThan(0)
  expect(kinds.filter((kind) => kind === 'fetch' || kind === 'ask')).toEqual([])
})

describe('a relay that carries as many groups as it may', () => {
  const group = (index: number) => name(`g${index}.acme.example`)
  const times = { notBefore: now - HOUR_MS, notAfter: now + HOUR_MS }
  let crowded: TownRelay
  beforeEach(async () => {
    crowded = open.use(
      await TownRelay.open(fleet, 1, {
        limits: { carriedGroupsMax: 3 },
        // On loopback all have one address: here each path stands for one.
        addressOf: ({ url: path = '' }) => `address ${path}`,
      }),
    )
  })

  /** A page of this address that reads these groups, which its relay carries as far as it may. */
  async function openReader(index: number, address: string, ...groups: readonly number[]) {
    const grant = await grantAnyhow(new World(200 + index), fleet.acme, {
      subject: `n${index}.acme.example`,
      topics: groups.map((each) => group(each)),
      actions: ['subscribe'],
      ...times,
    })
    const identity = withStatements(await fleet.node(index), grant)
    const { url, name: relayName } = crowded.address
    const at = { url: `${url}${address}`, name: relayName }
    const page = open.use(await TownPage.openAs(identity, fleet, [at]))
    await page.admitted(1, soon())
    for (const each of groups) await page.host.self.join(group(each), { quiet: true })
    return page
  }

  const carries = (each: number) => crowded.door.transport.subscribers(group(each)).length > 0
  /** Which of the groups it carries, once they are these, or after 4 s. */
  async function carried(...wanted: readonly number[]): Promise<readonly number[]> {
    const found = () => [1, 2, 3, 4, 5].filter((each) => carries(each))
    const until = Date.now() + 4_000
    while (found().join() !== wanted.join() && Date.now() < until) {
      await new Promise((done) => setTimeout(done, 20))
    }
    return found()
  }

  it('takes the newest of the address that has most for another that has fewer', async () => {
    await openReader(5, 'greedy', 1, 2)
    await openReader(6, 'greedy', 3)
    expect(await carried(1, 2, 3)).toEqual([1, 2, 3])
    await openReader(7, 'other', 4)
    expect(await carried(1, 2, 4)).toEqual([1, 2, 4])
  })

  it('refuses who has as many as anybody, and says so', async () => {
    await openReader(5, 'one', 1, 2)
    await openReader(6, 'other', 3)
    const page = await openReader(7, 'other', 4)
    await vi.waitFor(() => expect(page.host.counts.get('not-hosted')).toBe(1), { timeout: 4_000 })
    expect(await carried(1, 2, 3)).toEqual([1, 2, 3])
  })
})
