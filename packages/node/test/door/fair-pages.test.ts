import { afterEach, beforeEach, expect, it } from 'vitest'
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
