import {
  CARRIED_PER_PAGE_MAX,
  CARRY_FRAMES_PER_SECOND,
  CARRY_PROTOCOL,
  encodeCarry,
  SOCKET_FRAME_BYTES_MAX,
} from '@ixj/agent/relay'
import type { Channel } from '@ixj/agent'
import { once } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { DoorLimits } from '../../src/door/limits.ts'
import { Fleet } from '../../../../test/world/fleet.ts'
import { grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { RawPage } from '../../../../test/world/raw-page.ts'
import { TownPage, TownRelay } from '../../../../test/world/relay-town.ts'
import { name, World } from '../../../../test/world/world.ts'

const HOUR_MS = 3_600_000
const now = Date.now()
const fleet = new Fleet({ seed: 23, now })
const SOON_MS = 10_000
const soon = () => AbortSignal.timeout(SOON_MS)
let opened = new AsyncDisposableStack()
afterEach(async () => {
  await opened.disposeAsync()
  opened = new AsyncDisposableStack()
})

/** A relay at which each path of a socket stands for an address of its own. */
async function openRelay(limits: Partial<DoorLimits> = {}): Promise<TownRelay> {
  const addressOf = ({ url: path = '' }) => `address ${path}`
  return opened.use(await TownRelay.open(fleet, 0, { addressOf, limits }))
}

function call({ address }: TownRelay, from = ''): RawPage {
  const raw = new RawPage(`${address.url}${from}`)
  opened.defer(() => raw.socket.terminate())
  return raw
}

describe('a door takes', () => {
  it('so many sockets over all, and one more when one has ended', async () => {
    const relay = await openRelay({ socketsMax: 1 })
    const first = call(relay, 'one')
    await first.challenge()
    const refused = call(relay, 'two')
    await refused.ended()
    expect([refused.status, relay.door.counts.refused.full]).toEqual([503, 1])
    first.socket.terminate()
    await vi.waitFor(() => expect(relay.door.load.sockets).toBe(0))
    await call(relay, 'two').challenge()
  })

  it('so many sockets of one address, and others of another', async () => {
    const relay = await openRelay({ socketsPerAddressMax: 2 })
    for (const _ of [1, 2]) await call(relay, 'one').challenge()
    const refused = call(relay, 'one')
    await refused.ended()
    expect([refused.status, relay.door.counts.refused['address-full']]).toEqual([429, 1])
    await call(relay, 'two').challenge()
  })

  it('so many new ones of one address in a second, however soon they end', async () => {
    const relay = await openRelay({ upgradesPerSecond: 3 })
    const calls = Array.from({ length: 6 }, () => call(relay, 'one'))
    await vi.waitFor(() => expect(relay.door.counts.refused.hurried).toBe(3))
    expect(calls.filter(({ status }) => status === 429).length).toBeLessThanOrEqual(3)
    await call(relay, 'two').challenge()
  })

  it('frames of so many bytes, and not one more', async () => {
    const relay = await openRelay()
    const ends = []
    for (const bytes of [SOCKET_FRAME_BYTES_MAX, SOCKET_FRAME_BYTES_MAX + 1]) {
      const raw = call(relay)
      await raw.challenge()
      raw.socket.send(new Uint8Array(bytes))
      ends.push((await raw.ended()).code)
    }
    // It is no login; and what is too large is not even read (RFC 6455 section 7.4.1).
    expect(ends).toEqual([4401, 1009])
    expect(relay.door.counts.cuts['too-large']).toBe(1)
  })

  it('no compression, though it is offered', async () => {
    const relay = await openRelay()
    const socket = new WebSocket(relay.address.url, ['ixj.1'], { perMessageDeflate: true })
    opened.defer(() => socket.terminate())
    await once(socket, 'open')
    expect(socket.extensions).toBe('')
  })

  it('so many bytes in a second, and reads the rest later', async () => {
    const relay = await openRelay({ bytesPerSecond: 1_000 })
    const raw = call(relay)
    await raw.challenge()
    for (let sent = 0; sent < 20; sent++) raw.socket.ping(new Uint8Array(100))
    await vi.waitFor(() => expect(relay.door.counts.paused).toBeGreaterThan(0))
  })
})

describe('a door ends', () => {
  it('who says nothing and answers no ping, and nobody who answers', async () => {
    const relay = await openRelay({ idleMs: 300, loginMs: 60_000 })
    const [deaf, alive] = [call(relay), call(relay)]
    for (const raw of [deaf, alive]) await raw.challenge()
    deaf.socket.pause()
    await vi.waitFor(() => expect(relay.door.load.sockets).toBe(1), { timeout: SOON_MS })
    expect(relay.door.counts.cuts.silent).toBe(1)
    alive.socket.ping()
    await once(alive.socket, 'pong')
  })

  it('without the other side’s part of the handshake, where that does not come in time', async () => {
    const relay = await openRelay({ closeMs: 200 })
    const raw = call(relay)
    await raw.challenge()
    raw.socket.pause()
    const began = performance.now()
    await relay.door.drain()
    expect(relay.door.load.sockets).toBe(0)
    // The library's own patience is 30 s.
    expect(performance.now() - began).toBeLessThan(5_000)
  })

  it.each<readonly [string, Partial<DoorLimits>]>([
    ['who reads nothing, when more than it may have waits for it', { waitingBytesMax: 65_536 }],
    [
      'who has most, when more waits for all than may',
      { waitingBytesMax: 2 ** 30, waitingBytesAllMax: 65_536 },
    ],
  ])('%s', async (_, limits) => {
    const relay = await openRelay({ ...limits, bytesPerSecond: 2 ** 30, progressMs: 60_000 })
    const sockets: WebSocket[] = []
    class Kept extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols)
        sockets.push(this)
      }
    }
    const deaf = opened.use(await TownPage.open(fleet, 1, [relay.address], { WebSocket: Kept }))
    const loud = opened.use(await TownPage.open(fleet, 2, [relay.address]))
    for (const page of [deaf, loud]) await page.admitted(1, soon())
    await deaf.member(fleet, 1)
    const { crew } = await loud.member(fleet, 2)
    const changes = crew.presence({ signal: soon() })
    while (crew.members().length < 2) await changes.take()
    sockets[0]!.pause()
    const signal = soon()
    while (relay.door.counts.cuts.backlog === 0 && !signal.aborted) {
      await crew.publish('x'.repeat(50_000))
    }
    expect(relay.door.counts.cuts.backlog).toBe(1)
    expect(relay.host.neighbours).toContain(loud.host.name)
  })
})

describe('a page has its relay carry', () => {
  it('so many topics, and is told of each that is one too many', async () => {
    const relay = await openRelay()
    const grant = await grantAnyhow(new World(7), fleet.acme, {
      subject: 'n3.acme.example',
      topics: ['*.crowd.acme.example'],
      actions: ['subscribe'],
      notBefore: now - HOUR_MS,
      notAfter: now + HOUR_MS,
    })
    const identity = withStatements(await fleet.node(3), grant)
    const page = opened.use(await TownPage.openAs(identity, fleet, [relay.address]))
    await page.admitted(1, soon())
    const groups = Array.from({ length: CARRIED_PER_PAGE_MAX + 4 }, (_, index) =>
      name(`g${index}.crowd.acme.example`),
    )
    for (const group of groups) await page.host.self.join(group, { quiet: true })
    // Its own inbox is one of them.
    await vi.waitFor(() => expect(page.host.counts.get('not-hosted')).toBe(5), { timeout: SOON_MS })
    const isCarried = (group: string) => relay.door.transport.subscribers(group).length > 0
    await vi.waitFor(() => expect(groups.filter(isCarried)).toHaveLength(CARRIED_PER_PAGE_MAX - 1))
  })

  it('and says so in so many frames a second', async () => {
    const relay = await openRelay()
    const page = opened.use(await TownPage.open(fleet, 4, [relay.address]))
    const { transport } = page
    const openChannel = transport.openChannel.bind(transport)
    let carry: Channel | undefined
    transport.openChannel = async (...words) => {
      const channel = await openChannel(...words)
      if (words[1] === CARRY_PROTOCOL) carry = channel
      return channel
    }
    await page.admitted(1, soon())
    await vi.waitFor(() => expect(carry).toBeDefined())
    const frame = encodeCarry({ kind: 'end', topic: name('none.acme.example') })
    for (let sent = 0; sent <= CARRY_FRAMES_PER_SECOND; sent++) await carry!.send(frame)
    await vi.waitFor(() => expect(relay.host.counts.get('rate')).toBe(1), { timeout: SOON_MS })
  })
})
