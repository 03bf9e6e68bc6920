import type { Receiver } from '@ixj/agent'
import { sha256 } from '@ixj/trust'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Fleet } from '../../../test/world/fleet.ts'
import { loginOf } from '../../../test/world/raw-page.ts'
import { TownRelay } from '../../../test/world/relay-town.ts'
import { openRelayTransport } from '../src/index.ts'

const fleet = new Fleet({ seed: 21, now: Date.now() })
let relay: TownRelay
beforeEach(async () => void (relay = await TownRelay.open(fleet, 0)))
afterEach(() => relay[Symbol.asyncDispose]())

test('a socket that ended while its answer was checked is not joined', async () => {
  const { verifier, ...login } = loginOf(await fleet.node(1))
  const checking = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const told: string[] = []
  const receiver: Receiver = {
    connected: (peer) => void told.push(`+${peer}`),
    disconnected: (peer) => void told.push(`-${peer}`),
    channel: () => {},
    message: async () => 'ignore',
    subscriptionChanged: () => {},
    subscriptionHeld: () => {},
  }
  await using transport = openRelayTransport({
    ...login,
    relays: [relay.address],
    origin: 'none',
    verifier: {
      verify: async (...checked) => {
        checking.resolve()
        await released.promise
        return verifier.verify(...checked)
      },
    },
    hash: sha256,
  })
  const lost = new Promise<void>((done) => {
    transport.onChange(() => {
      if (transport.relays[0]?.failures === 1) done()
    })
  })
  transport.attach(receiver)
  await checking.promise
  await relay.kill()
  await lost
  released.resolve()
  for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done))
  expect(transport.size).toBe(0)
  expect(told).toEqual([])
})
