import type { Peer } from '@ixj/agent'
import { systemClock } from '@ixj/node'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { newCounts } from '../../src/door/counts.ts'
import { DoorSocket } from '../../src/door/door-socket.ts'
import { DOOR_LIMITS, type DoorLimits } from '../../src/door/limits.ts'
import { Fleet } from '../../../../test/world/fleet.ts'
import { loginOf, RawPage } from '../../../../test/world/raw-page.ts'
import { TownPage, TownRelay } from '../../../../test/world/relay-town.ts'

const fleet = new Fleet({ seed: 11, now: Date.now() })
let opened = new AsyncDisposableStack()
afterEach(async () => {
  await opened.disposeAsync()
  opened = new AsyncDisposableStack()
})

/** A relay at which each path of a socket stands for an address of its own. */
async function openRelay(limits: Partial<DoorLimits>): Promise<TownRelay> {
  const addressOf = ({ url: path = '' }) => `address ${path}`
  return opened.use(await TownRelay.open(fleet, 0, { addressOf, limits }))
}

function call({ address }: TownRelay, from: string): RawPage {
  const raw = new RawPage(`${address.url}${from}`)
  opened.defer(() => raw.socket.terminate())
  return raw
}

/** Sockets of an address that say nothing. */
async function silentOnes(relay: TownRelay, from: string, count: number): Promise<RawPage[]> {
  const made = Array.from({ length: count }, () => call(relay, from))
  for (const raw of made) await raw.challenge()
  return made
}

describe('sockets that have not logged in', () => {
  it('make room for those of an address that has fewer, the oldest first', async () => {
    const relay = await openRelay({ enteringMax: 4 })
    await silentOnes(relay, 'quiet', 1)
    const [oldest] = await silentOnes(relay, 'crowd', 3)
    await silentOnes(relay, 'newcomer', 1)
    const reason = 'too many wait here to log in: try again, or your other relay'
    expect(await oldest!.ended()).toEqual({ code: 1013, reason })
    expect(relay.door.counts.cuts.crowded).toBe(1)
    expect(relay.door.load.entering).toBe(4)
  })

  it('get no more room where their address has the most', async () => {
    const relay = await openRelay({ enteringMax: 4 })
    await silentOnes(relay, 'crowd', 4)
    const refused = call(relay, 'crowd')
    await refused.ended()
    expect(refused.status).toBe(503)
    expect(relay.door.counts).toMatchObject({ refused: { crowded: 1 }, cuts: { crowded: 0 } })
  })

  it('keep their places where each address has one', async () => {
    const relay = await openRelay({ enteringMax: 2 })
    for (const from of ['one', 'two']) await silentOnes(relay, from, 1)
    const refused = call(relay, 'three')
    await refused.ended()
    expect(refused.status).toBe(503)
    expect(relay.door.counts.cuts.crowded).toBe(0)
  })

  it('take no place from those that have', async () => {
    const relay = await openRelay({ enteringMax: 2 })
    for (const index of [1, 2, 3]) {
      const page = opened.use(await TownPage.open(fleet, index, [relay.address]))
      await page.admitted(1, AbortSignal.timeout(5_000))
    }
    expect(relay.door.counts).toMatchObject({ refused: { crowded: 0 }, cuts: { crowded: 0 } })
    expect(relay.door.load).toMatchObject({ loggedIn: 3, entering: 0 })
  })
})

describe('control frames', () => {
  it('do not keep a message going that does not go on', async () => {
    const relay = await openRelay({ progressMs: 400 })
    const raw = call(relay, '')
    await raw.challenge()
    raw.socket.send('a', { fin: false })
    raw.socket.on('pong', () => raw.socket.ping())
    raw.socket.ping()
    expect(await raw.ended()).toMatchObject({ code: 4411 })
  })

  it('are no message that does not go on', async () => {
    const relay = await openRelay({ progressMs: 400, loginMs: 2_000 })
    const raw = call(relay, '')
    await raw.challenge()
    raw.socket.on('pong', () => raw.socket.ping())
    raw.socket.ping()
    expect(await raw.ended()).toMatchObject({ code: 4408 })
    expect(relay.door.counts.cuts.slow).toBe(0)
  })

  it('count as frames, and are read at the pace of frames', async () => {
    const relay = await openRelay({ framesPerSecond: 10 })
    const raw = call(relay, '')
    await raw.challenge()
    for (let sent = 0; sent < 50; sent++) raw.socket.ping()
    await once(raw.socket, 'pong')
    expect(relay.door.counts.paused).toBe(1)
  })
})

it('frames that wait count more than their bytes', async () => {
  const server = createServer()
  opened.defer(() => void server.close())
  const sockets = new WebSocketServer({ server })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const raw = new RawPage(`ws://127.0.0.1:${port}/`)
  opened.defer(() => raw.socket.terminate())
  const [socket, { socket: stream }] = (await once(sockets, 'connection')) as [
    WebSocket,
    IncomingMessage,
  ]
  const identity = loginOf(await fleet.node(1))
  const challenge = { nonce: new Uint8Array(32), relay: identity.name, peer: 'peer' as Peer }
  const of = { stream, group: '', origin: 'none', challenge }
  const waiting = new DoorSocket(socket, of, {
    limits: DOOR_LIMITS,
    clock: systemClock,
    counts: newCounts(),
    identity,
    join: () => expect.fail('nobody logs in'),
    ended: () => undefined,
  })
  await raw.challenge()
  for (let sent = 0; sent < 1_000; sent++) waiting.send(new Uint8Array(1))
  expect(waiting.waitingBytes).toBeGreaterThanOrEqual(1_000 * 128)
  for (let heard = 0; heard < 1_000; heard++) await raw.next()
  expect(waiting.waitingBytes).toBe(0)
})
