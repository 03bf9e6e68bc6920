import { explanationOf } from '../../src/explanation-of.ts'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'
import { decodeBundle } from '../../src/bundles/bundle.ts'
import { bodies, outcomeOf, toInbox, Town } from '../town.ts'
import { acknowledge, openRawHost, RAW, type RawHost } from './raw-host.ts'

const B = name('b.acme.example')
const N1 = 'n1.acme.example'
const N2 = 'n2.acme.example'

/** An agent on n1 that writes to b on n2. */
async function openPair(town: Town) {
  const a = await town.agent('a', 1, { grants: [toInbox(B)] })
  const inbox = (await town.agent('b', 2)).messages()
  return { a, inbox, sender: town.nodes[0]!.host, receiver: town.nodes[1]!.host }
}

describe('a message to an inbox whose host is connected', () => {
  it('goes on a direct stream, and not by gossip', async () => {
    await using host = await openRawHost()
    const { agent, raw, streams, town } = host
    expect((await agent.send(RAW, 'x')).peers).toBe(1)
    await town.world.pass(100)
    expect(streams.map(({ bundles }) => bundles.length)).toEqual([1])
    expect(raw.heard.filter(({ topic }) => topic === RAW)).toEqual([])
  })

  it('is accepted by the same pipeline, and its sender is told', async () => {
    await using town = await Town.open(2)
    const { a, inbox, sender, receiver } = await openPair(town)
    const decisions = receiver.decisions()
    await town.world.until(a.send(B, 'x'))
    await town.world.pass(100)
    expect(bodies(inbox)).toEqual(['x'])
    const bundles = decisions.drain().filter(({ about }) => about === 'bundle')
    expect(bundles.map(({ code }) => code)).toEqual([null])
    expect(sender.deliveries.accepted).toBe(1)
  })

  it('tells its sender the code by which the host refused it', async () => {
    await using town = await Town.open(2)
    const { sender } = await openPair(town)
    const stranger = await town.agent('c', 1)
    await town.world.until(stranger.send(B, 'x'))
    await town.world.pass(100)
    expect([...sender.deliveries.refused]).toEqual([['policy', 1]])
    expect(sender.deliveries.accepted).toBe(0)
  })

  it('is offered again to a host that had no room for it, after longer each time', async () => {
    await using host = await openRawHost()
    const { agent, town, streams } = host
    const { deliveries } = town.nodes[0]!.host
    await agent.send(RAW, 'x')
    await town.world.pass(100)
    const [stream] = streams
    await acknowledge(stream!, 1, [{ place: 1, code: 'rate' }])
    await town.world.pass(500)
    expect(stream!.bundles).toHaveLength(1)
    await town.world.pass(2_000)
    expect(stream!.bundles).toHaveLength(2)
    expect(stream!.bundles[1]).toEqual(stream!.bundles[0])
    await acknowledge(stream!, 2, [{ place: 2, code: 'rate' }])
    await town.world.pass(1_500)
    expect(stream!.bundles).toHaveLength(2)
    await town.world.pass(2_000)
    await acknowledge(stream!, 3)
    await town.world.pass(10_000)
    expect(stream!.bundles).toHaveLength(3)
    expect([deliveries.accepted, [...deliveries.refused]]).toEqual([1, [['rate', 2]]])
  })

  it('is given up with its lifespan where no host has room for it', async () => {
    await using host = await openRawHost()
    const { agent, town, streams } = host
    await agent.send(RAW, 'x', { lifespanMs: 5_000 })
    for (let place = 1; place <= 3; place++) {
      await town.world.pass(4_500)
      if (streams[0]!.bundles.length < place) break
      await acknowledge(streams[0]!, place, [{ place, code: 'overloaded' }])
    }
    expect(streams[0]!.bundles).toHaveLength(1)
    expect([...town.nodes[0]!.host.deliveries.refused]).toEqual([['overloaded', 1]])
  })

  it('arrives though its sender closes as soon as it was handed over', async () => {
    await using town = await Town.open(2, { latencyMs: [5, 5] })
    const { a, inbox, sender } = await openPair(town)
    await town.world.until(a.send(B, 'the stream stands'))
    await town.world.until(Promise.all([a.send(B, 'last'), sender[Symbol.asyncDispose]()]))
    expect(bodies(inbox)).toEqual(['the stream stands', 'last'])
  })

  it('goes to every host of the inbox that is connected, and once to each', async () => {
    await using town = await Town.open(3)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const identity = await town.world.bind(town.acme, B)
    const inboxes = []
    for (const { host } of town.nodes.slice(1)) {
      inboxes.push((await host.openAgent(identity)).messages())
    }
    await town.world.until(a.send(B, 'first'))
    await town.world.pass(100)
    const { peers } = await town.world.until(a.send(B, 'second'))
    await town.world.pass(3_000)
    expect(peers).toBe(2)
    // Which of the hosts was found first got the first alone.
    const got = inboxes.map(bodies)
    expect(got.map((each) => each.filter((body) => body === 'second'))).toEqual([
      ['second'],
      ['second'],
    ])
  })

  it('goes by gossip to a host that takes no direct stream', async () => {
    await using host = await openRawHost()
    const { agent, raw, town } = host
    raw.direct = (channel) => void channel.close()
    await agent.send(RAW, 'x')
    await town.world.pass(200)
    await agent.send(RAW, 'y')
    await town.world.pass(200)
    expect(raw.heard.filter(({ topic }) => topic === RAW)).toHaveLength(2)
  })

  it('reaches a sub-agent that has its node’s inbox', async () => {
    await using town = await Town.open(2)
    const boss = await town.agent('boss', 2, { uses: 'both', depth: 1 })
    const w1 = await boss.spawn('w1', { lifetimeSeconds: 60 })
    const a = await town.agent('a', 1, { grants: [toInbox(w1.name)] })
    const inbox = w1.messages()
    await town.world.until(a.send(w1.name, 'x'))
    await town.world.pass(100)
    expect(bodies(inbox)).toEqual(['x'])
    expect(town.nodes[0]!.host.deliveries.accepted).toBe(1)
  })
})

describe('messages behind one that is not acknowledged', () => {
  /** A first message at the host; how many messages are in each bundle that comes. */
  async function openBusy() {
    const host = await openRawHost()
    const { agent, town } = host
    await agent.send(RAW, 'first')
    await town.world.pass(100)
    const counts = () =>
      host.streams[0]!.bundles.map((bytes) => decodeBundle(bytes, nodeSha256).header.count)
    return { ...host, counts, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
  }

  it('gather for 5 ms', async () => {
    await using host = await openBusy()
    const { agent, town, counts } = host
    await agent.send(RAW, 'alone, since the first was long ago')
    for (const body of ['b', 'c', 'd']) void agent.send(RAW, body)
    await town.world.pass(4)
    void agent.send(RAW, 'e')
    await town.world.pass(100)
    expect(counts()).toEqual([1, 1, 4])
  })

  it('go on at once when it is acknowledged', async () => {
    await using host = await openBusy()
    const { agent, town, counts, streams } = host
    await acknowledge(streams[0]!, 1)
    await agent.send(RAW, 'alone')
    const gathered = ['b', 'c'].map((body) => outcomeOf(agent.send(RAW, body)))
    await town.world.pass(2)
    await acknowledge(streams[0]!, 2)
    await town.world.pass(1)
    expect(gathered.map(({ value }) => value?.peers)).toEqual([1, 1])
    await town.world.pass(100)
    expect(counts()).toEqual([1, 1, 2])
  })

  it('do not wait once a bundle is full', async () => {
    await using host = await openBusy()
    const { agent, town, counts } = host
    await agent.send(RAW, 'alone')
    for (let index = 0; index < 600; index++) void agent.send(RAW, index)
    await town.world.pass(0)
    await town.world.pass(100)
    expect(counts()).toEqual([1, 1, 256, 256, 88])
  })
})

describe('a direct stream that ends before its bundles were acknowledged', () => {
  it('leaves them to the next one, as the same bytes', async () => {
    await using host = await openRawHost()
    const { agent, streams, town } = host
    await agent.send(RAW, 'x')
    await town.world.pass(100)
    await acknowledge(streams[0]!, 1)
    await town.world.pass(100)
    await agent.send(RAW, 'y')
    await town.world.pass(100)
    await streams[0]!.channel.close()
    await town.world.pass(100)
    expect(streams.map(({ bundles }) => bundles.length)).toEqual([2, 1])
    expect(streams[1]!.bundles[0]).toEqual(streams[0]!.bundles[1])
    expect(town.nodes[0]!.host.deliveries).toMatchObject({ accepted: 1, resent: 1, lost: 0 })
  })

  it('delivers once what the host had and could not acknowledge', async () => {
    await using town = await Town.open(2, { latencyMs: [20, 20] })
    const { a, inbox, sender } = await openPair(town)
    await town.world.until(a.send(B, 'first'))
    await town.world.pass(200)
    await a.send(B, 'second')
    await town.world.pass(30)
    town.world.network.disconnect(N1, N2)
    await town.world.pass(100)
    town.world.network.connect(N1, N2)
    await town.world.pass(1_000)
    expect(bodies(inbox)).toEqual(['first', 'second'])
    expect(sender.deliveries).toMatchObject({ accepted: 2, resent: 1, lost: 0 })
  })

  it('delivers after a partition what was lost with it', async () => {
    await using town = await Town.open(2, { latencyMs: [20, 20] })
    const { a, inbox } = await openPair(town)
    await town.world.until(a.send(B, 'first'))
    await town.world.pass(200)
    await a.send(B, 'second')
    town.world.network.disconnect(N1, N2)
    await town.world.pass(60_000)
    town.world.network.connect(N1, N2)
    await town.world.pass(1_000)
    expect(bodies(inbox)).toEqual(['first', 'second'])
  })

  it('loses them when their lifespan ends first, and says so', async () => {
    await using town = await Town.open(2, { latencyMs: [20, 20] })
    const { a, sender } = await openPair(town)
    await town.world.until(a.send(B, 'first'))
    await town.world.pass(200)
    const decisions = sender.decisions()
    await a.send(B, 'second', { lifespanMs: 3_000 })
    town.world.network.disconnect(N1, N2)
    await town.world.pass(5_000)
    const told = decisions.drain().filter(({ about }) => about === 'delivery')
    expect(told).toMatchObject([{ code: 'lifespan' }])
    expect(explanationOf(told[0]!)).toMatchObject({ topic: B, outcome: 'ignored' })
    expect(sender.deliveries.lost).toBe(1)
  })

  it('gives no bundle to a neighbour whose right has ended meanwhile', async () => {
    await using host = await openRawHost()
    const { agent, raw, streams, town } = host
    void agent.send(RAW, 'x')
    await raw.say(N1, { kind: 'end', topic: name(RAW) })
    await town.world.pass(500)
    const later = outcomeOf(agent.send(RAW, 'y', { lifespanMs: 1_000 }))
    await town.world.pass(1_100)
    expect(later.code).toBe('unreachable')
    expect(streams.flatMap(({ bundles }) => bundles)).toEqual([])
  })
})

/** Sends bundles of 60 KiB until one has to wait, and gives what that comes to. */
async function fill({ agent, town }: RawHost) {
  for (;;) {
    const sent = outcomeOf(agent.send(RAW, new Uint8Array(60 * 1024 - 200)))
    // One behind another that is on its way waits 5 ms for company.
    await town.world.pass(6)
    if (sent.value === undefined) return sent
  }
}

describe('a host that does not acknowledge', () => {
  it('is sent 4 MiB, and its sender is told 10 s after it took something last', async () => {
    await using host = await openRawHost()
    const waiting = await fill(host)
    await host.town.world.pass(9_970)
    expect(waiting).toEqual({})
    await host.town.world.pass(40)
    expect(waiting.code).toBe('backpressure')
    const bytes = host.streams[0]!.bundles.reduce((sum, { length }) => sum + length, 0)
    expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024)
    expect(bytes).toBeGreaterThan(4 * 1024 * 1024 - 62_000)
  })

  it('lets 16 MiB of one lane wait, and then refuses at once', async () => {
    await using host = await openRawHost()
    await fill(host)
    const body = new Uint8Array(60 * 1024 - 200)
    const most = Math.floor((16 * 1024 * 1024) / body.length)
    const sent = Array.from({ length: most + 5 }, () => outcomeOf(host.agent.send(RAW, body)))
    await host.town.world.pass(0)
    const codes = () => new Set(sent.slice(0, most - 2).map(({ code }) => code))
    expect(codes()).toEqual(new Set([undefined]))
    expect(sent.slice(-3).map(({ code }) => code)).toEqual(Array(3).fill('backpressure'))
    // Those behind the first that is given up do not wait as long each.
    await host.town.world.pass(10_100)
    expect(codes()).toEqual(new Set(['backpressure']))
  })

  it('is sent on as soon as it acknowledges', async () => {
    await using host = await openRawHost()
    const waiting = await fill(host)
    await host.town.world.pass(500)
    await acknowledge(host.streams[0]!, 1)
    await host.town.world.pass(100)
    expect(waiting.value?.peers).toBe(1)
  })

  it('fails nothing while it is seconds behind, however often', async () => {
    await using host = await openRawHost()
    const body = new Uint8Array(60 * 1024 - 200)
    // Three windows of 4 MiB, of which it decides about one every 9 s.
    const sent = Array.from({ length: 200 }, () => outcomeOf(host.agent.send(RAW, body)))
    for (let window = 0; window < 3; window++) {
      await host.town.world.pass(9_000)
      const [{ bundles }] = host.streams as [(typeof host.streams)[0]]
      await acknowledge(host.streams[0]!, bundles.length)
    }
    await host.town.world.pass(100)
    expect(sent.map(({ code }) => code)).toEqual(sent.map(() => undefined))
    expect(sent.map(({ value }) => value?.peers)).toEqual(sent.map(() => 1))
  })

  it('is waited for until the lifespan ends of what waits', async () => {
    await using host = await openRawHost()
    await fill(host)
    const body = new Uint8Array(60 * 1024 - 200)
    const late = outcomeOf(host.agent.send(RAW, body, { class: 'state' }))
    await host.town.world.pass(1_900)
    expect(late).toEqual({})
    await host.town.world.pass(200)
    expect(late.code).toBe('expired')
  })

  it('is waited for no longer than 1 s by an agent that closes', async () => {
    await using host = await openRawHost()
    const waiting = await fill(host)
    await host.town.world.pass(2_000)
    const closed = outcomeOf(host.agent[Symbol.asyncDispose]())
    await host.town.world.pass(1_000)
    expect(waiting.code).toBe('backpressure')
    expect('value' in closed).toBe(true)
  })

  it('harms no other host, though it does not even read', async () => {
    await using host = await openRawHost({ reads: false })
    const { agent, town } = host
    const inbox = (await town.agent('b', 2)).messages()
    const stuck = await fill(host)
    const sent = outcomeOf(agent.send(B, 'x'))
    await town.world.pass(100)
    expect(stuck).toEqual({})
    expect(sent.value?.peers).toBe(1)
    expect(bodies(inbox)).toEqual(['x'])
  })
})
