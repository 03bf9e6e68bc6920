import type { Channel } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { makeBundle } from '../../../../test/world/made-bundle.ts'
import { decodeAcknowledgement } from '../../src/deliver/acknowledgement.ts'
import { DELIVER_PROTOCOL } from '../../src/deliver/deliver.ts'
import { DirectBundle } from '../../src/deliver/direct-bundle.ts'
import { Incoming } from '../../src/deliver/incoming.ts'
import { Outgoing } from '../../src/deliver/outgoing.ts'
import { SharedRoom } from '../../src/deliver/shared-room.ts'
import {
  DELIVER_REFUSALS_PER_SECOND,
  DELIVER_SILENT_MS,
  DELIVER_WINDOW_BUNDLES_MAX,
} from '../../src/limits.ts'
import { ManualClock } from '../../src/manual-clock.ts'
import type { KnownProof } from '../../src/neighbours/proof-shelf.ts'
import { acknowledge, openRawHost, RAW } from '../deliver/raw-host.ts'
import { annsBundle, CREW, DESK, NODE, openScene, type Scene } from '../scene.ts'
import { bodies } from '../town.ts'

/** A direct stream of the scene's neighbour to its host, and what the host acknowledged. */
async function openStream(scene: Scene) {
  const { raw, world } = scene
  const channel = await world.until(raw.transport.openChannel(NODE, DELIVER_PROTOCOL))
  const told: Uint8Array[] = []
  const state = { ended: false }
  const read = async () => {
    for await (const frame of channel.frames()) told.push(frame)
  }
  void read()
    .catch(() => 'its connection has ended')
    .then(() => (state.ended = true))
  return { channel, told, state }
}

const codesOf = (told: readonly Uint8Array[], sent: number) =>
  told.flatMap((frame) =>
    decodeAcknowledgement(frame, { before: 0, sent }).refused.map(({ code }) => code),
  )

const isConnected = ({ raw, world }: Scene) => world.network.isConnected(NODE, raw.peer)

describe('a hostile sender on a direct stream', () => {
  it('has its bundles pass the pipeline in full', async () => {
    await using scene = await openScene()
    const { channel, told } = await openStream(scene)
    const made = await annsBundle(scene, DESK)
    await scene.raw.prove(NODE, made.proof)
    await channel.send(made.bytes)
    await scene.world.pass(50)
    expect(bodies(scene.deskInbox)).toEqual(['hello'])
    const forged = made.bytes.with(made.bytes.length - 2, made.bytes.at(-2)! ^ 1)
    await channel.send(forged)
    await channel.send(made.bytes)
    await scene.world.pass(50)
    expect(bodies(scene.deskInbox)).toEqual([])
    const refused = told.flatMap(
      (frame, index) =>
        decodeAcknowledgement(frame, { before: index === 0 ? 0 : 1, sent: 3 }).refused,
    )
    expect(refused).toEqual([
      { place: 2, code: 'duplicate' },
      { place: 3, code: 'duplicate' },
    ])
  })

  it('opens no group by it, and reaches no inbox that is not here', async () => {
    await using scene = await openScene()
    const { channel, told } = await openStream(scene)
    for (const topic of [CREW, 'nobody.acme.example']) {
      const made = await makeBundle(scene.world, scene.ann, topic)
      await scene.raw.prove(NODE, made.proof)
      await channel.send(made.bytes)
    }
    await scene.world.pass(50)
    expect(codesOf(told, 2)).toEqual(['not-hosted', 'not-hosted'])
    expect([scene.crewInbox.size, scene.deskInbox.size]).toEqual([0, 0])
    expect(isConnected(scene)).toBe(true)
  })

  it('is cut off after 16 bundles that no honest node sends', async () => {
    await using scene = await openScene()
    const { channel } = await openStream(scene)
    for (let index = 0; index < 16; index++) await channel.send(Uint8Array.of(0xc1, index))
    await scene.world.pass(100)
    expect(isConnected(scene)).toBe(true)
    await channel.send(Uint8Array.of(0xc1, 16))
    await scene.world.pass(100)
    expect(isConnected(scene)).toBe(false)
  })

  it('that floods with what nobody here takes is read no faster than its budget', async () => {
    await using scene = await openScene()
    const { channel } = await openStream(scene)
    const made = await makeBundle(scene.world, scene.ann, 'nobody.acme.example')
    await scene.raw.prove(NODE, made.proof)
    const before = scene.node.host.counts.get('not-hosted') ?? 0
    const flood = async () => {
      for (let index = 0; index < 4_000; index++) await channel.send(made.bytes)
    }
    void flood().catch(() => 'the test ends before it does')
    await scene.world.pass(100)
    const refused = (scene.node.host.counts.get('not-hosted') ?? 0) - before
    expect(refused).toBeGreaterThanOrEqual(DELIVER_REFUSALS_PER_SECOND)
    expect(refused).toBeLessThan(DELIVER_REFUSALS_PER_SECOND * 1.2)
    expect(scene.node.host.deliveries.slowed).toBeGreaterThan(0)
  })

  it('has one stream, and is cut off for opening them without end', async () => {
    await using scene = await openScene()
    const first = await openStream(scene)
    await openStream(scene)
    await scene.world.pass(50)
    expect(first.state.ended).toBe(true)
    for (let index = 0; index < 30 && isConnected(scene); index++) {
      void scene.raw.transport.openChannel(NODE, DELIVER_PROTOCOL).catch(() => 'it was cut off')
      await scene.world.pass(3)
    }
    expect(isConnected(scene)).toBe(false)
  })

  it('that never reads what is acknowledged is not read on', async () => {
    const given = { frames: 0, decided: 0 }
    const channel: Channel = {
      send: () => new Promise<void>(() => {}),
      frames: async function* () {
        for (;;) {
          given.frames += 1
          yield Uint8Array.of(0)
        }
      },
      close: async () => {},
    }
    const stream = new Incoming(channel, {
      now: () => 0,
      later: (_, run) => {
        const immediate = setImmediate(run)
        return () => clearImmediate(immediate)
      },
      take: async () => {
        given.decided += 1
        return null
      },
      patience: () => undefined,
      ended: () => {},
    })
    await new Promise<void>((done) => setImmediate(done))
    expect(given).toEqual({
      frames: DELIVER_WINDOW_BUNDLES_MAX,
      decided: DELIVER_WINDOW_BUNDLES_MAX,
    })
    stream.close()
  })
})

describe('a hostile host of an inbox', () => {
  it('that acknowledges what was not sent is told nothing more on that stream', async () => {
    await using host = await openRawHost()
    const { agent, raw, streams, town } = host
    await agent.send(RAW, 'x')
    await town.world.pass(100)
    await acknowledge(streams[0]!, 2)
    await town.world.pass(200)
    // It is handed over again, by gossip: what was under way is not taken for delivered.
    expect(raw.heard.filter(({ topic }) => topic === RAW)).toHaveLength(1)
    expect(town.nodes[0]!.host.deliveries).toMatchObject({ accepted: 0, resent: 1 })
  })

  it('that repeats an acknowledgement without end is cut off', async () => {
    await using host = await openRawHost()
    const { agent, raw, streams, town } = host
    const { world } = town
    for (let index = 0; index < 40; index++) {
      const sending = agent.send(RAW, 'x', { lifespanMs: 1_000 })
      await world.until(sending.catch(() => 'it was cut off'))
      await world.pass(50)
      const stream = streams.at(-1)!
      await acknowledge(stream, 1_000).catch(() => 'that stream has ended')
      await world.pass(11_000)
    }
    expect(world.network.isConnected('n1.acme.example', raw.peer)).toBe(false)
  })

  it('that ends every stream makes its sender open no more than 4 a second', async () => {
    await using host = await openRawHost()
    const { agent, raw, streams, town } = host
    raw.direct = (channel) => {
      streams.push({ channel, bundles: [] })
      void (async () => {
        for await (const _ of channel.frames()) {
          await acknowledge({ channel, bundles: [] }, 1)
          await channel.close()
        }
      })()
    }
    for (let index = 0; index < 100; index++)
      void agent.send(RAW, index, { lifespanMs: 1_000 + index })
    await town.world.pass(1_000)
    expect(streams.length).toBeLessThanOrEqual(8)
  })
})

describe('hosts that decide about nothing', () => {
  it('hold so much together and no more; one with less than an equal part is given to', () => {
    const clock = new ManualClock()
    const room = new SharedRoom(1_000)
    const hooks = {
      now: () => clock.now(),
      room,
      mayReceive: () => true,
      unwanted: () => {},
      putOff: () => false,
      decided: () => {},
      hasRoom: () => {},
      ended: () => {},
    }
    // Its channel never opens: what is handed to it stays under way.
    const hosts = Array.from({ length: 10 }, () => new Outgoing(new Promise(() => {}), hooks))
    const id = new Uint8Array(32)
    const proof = { id, idText: '', bytes: id, statements: [] } as unknown as KnownProof
    const rest = { topic: DESK, id, toReader: false, proof, until: Infinity }
    const filled = hosts.map((host) => {
      let count = 0
      while (host.push(new DirectBundle({ ...rest, bytes: new Uint8Array(10) }))) count += 1
      return count
    })
    expect(filled).toEqual([100, ...Array.from({ length: 9 }, () => 10)])
    for (const host of hosts) host.close()
    expect(room.held).toBe(0)
  })

  it('are left after half a minute, and get by gossip what they did not decide about', async () => {
    await using host = await openRawHost()
    const { town, agent, raw } = host
    const sent = agent.send(RAW, 'heard by nobody', { lifespanMs: 60_000 })
    expect((await town.world.until(sent)).peers).toBe(1)
    expect(raw.heard).toHaveLength(0)
    await town.world.pass(DELIVER_SILENT_MS + 2_000)
    expect(town.nodes[0]!.host.deliveries).toMatchObject({ silent: 1, resent: 1, lost: 0 })
    expect(raw.heard.map(({ topic }) => topic)).toEqual([RAW])
  })
})
