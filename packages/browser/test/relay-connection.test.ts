import { nodeRandom, nodeSha256, openNodeVerifier, systemClock } from '@ixj/node'
import type { Receiver } from '@ixj/agent'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Fleet } from '../../../test/world/fleet.ts'
import { TownRelay } from '../../../test/world/relay-town.ts'
import { openRelayTransport } from '../src/index.ts'

const fleet = new Fleet({ seed: 21, now: Date.now() })
let relay: TownRelay
beforeEach(async () => void (relay = await TownRelay.open(fleet, 0)))
afterEach(() => relay[Symbol.asyncDispose]())

test('a socket that ended while its answer was checked is not joined', async () => {
  const { name, signer } = await fleet.node(1)
  const checking = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const verifier = openNodeVerifier()
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
    relays: [relay.address],
    name,
    signer,
    origin: 'none',
    clock: systemClock,
    random: nodeRandom,
    verifier: {
      verify: async (...checked) => {
        checking.resolve()
        await released.promise
        return verifier.verify(...checked)
      },
    },
    hash: nodeSha256,
    WebSocket,
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
