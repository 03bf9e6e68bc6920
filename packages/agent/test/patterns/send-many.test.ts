import { equalBytes, toHex } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'
import { decodeBundle } from '../../src/bundles/bundle.ts'
import { acknowledge, openRawHost, RAW, type RawHost } from '../deliver/raw-host.ts'
import { bodies, outcomeOf, toInbox, Town } from '../town.ts'

const B = name('b.acme.example')

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

/** What came on the host's direct stream. */
const bundlesOf = ({ streams }: RawHost) =>
  streams.flatMap((stream) => stream.bundles.map((bytes) => decodeBundle(bytes, nodeSha256)))

describe('sendMany()', () => {
  it('delivers all in their order, under the ids that it tells', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const inbox = (await town.agent('b', 2)).messages({ queueMax: 1_000 })
    const sent = await town.world.until(a.sendMany(B, numbers(600)))
    await town.world.pass(50)
    const got = inbox.drain()
    expect(got.map(({ body }) => body)).toEqual(numbers(600))
    expect(sent.ids.map(toHex)).toEqual(got.map(({ id }) => toHex(id)))
    expect(sent.peers).toBe(1)
  })

  it('puts one signature under the bundles that it fills', async () => {
    await using host = await openRawHost()
    await host.town.world.until(host.agent.sendMany(RAW, numbers(600)))
    await host.town.world.pass(100)
    const [one, two, rest] = bundlesOf(host)
    expect([one, two, rest].map((bundle) => bundle?.header.count)).toEqual([256, 256, 88])
    expect(one?.tree).not.toBe(null)
    expect(equalBytes(one!.signature, two!.signature)).toBe(true)
    // What is not full has waited for company.
    expect(rest?.tree).toBe(null)
  })

  it('sends nothing of what has no room, or where one body is too large', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const inbox = (await town.agent('b', 2)).messages()
    await expect(a.sendMany(B, numbers(4_097))).rejects.toMatchObject({ code: 'backpressure' })
    const tooMuch = numbers(300).map(() => new Uint8Array(60 * 1024 - 200))
    await expect(a.sendMany(B, tooMuch)).rejects.toMatchObject({ code: 'backpressure' })
    const tooLarge = [1, 2, new Uint8Array(60 * 1024)]
    await expect(a.sendMany(B, tooLarge)).rejects.toMatchObject({ code: 'too-large' })
    await town.world.pass(100)
    expect(bodies(inbox)).toEqual([])
  })

  it('of none is done at once', async () => {
    await using town = await Town.open(1)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    expect(await a.sendMany(B, [])).toEqual({ ids: [], peers: 0 })
  })

  it('stores tasks one by one, as `send` does', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const b = await town.agent('b', 2)
    const sent = await town.world.until(a.sendMany(B, [1, 2], { class: 'task' }))
    const tasks = b.tasks()[Symbol.asyncIterator]()
    const handed = [await town.world.until(tasks.next()), await town.world.until(tasks.next())]
    expect(new Set(handed.map(({ value }) => value?.body))).toEqual(new Set([1, 2]))
    expect(sent.ids).toHaveLength(2)
  })

  it('leaves the places of bundles that nobody saw to those behind them', async () => {
    await using host = await openRawHost()
    const { agent, town, streams } = host
    const body = new Uint8Array(60 * 1024 - 200)
    // 4 MiB are under way and are not acknowledged; what is behind is given up after 10 s.
    const filling = outcomeOf(
      agent.sendMany(
        RAW,
        numbers(100).map(() => body),
      ),
    )
    await town.world.pass(11_000)
    expect(filling.code).toBe('backpressure')
    await acknowledge(streams[0]!, bundlesOf(host).length)
    await town.world.pass(100)
    await town.world.until(agent.sendMany(RAW, ['next', body, 'last']))
    await town.world.pass(100)
    let next = 1
    for (const { header } of bundlesOf(host)) {
      expect(header.first).toBe(next)
      next += header.count
    }
    expect(next).toBeLessThan(100)
  })
})

describe('publishMany()', () => {
  it('reaches every member in order, in few bundles', async () => {
    await using town = await Town.open(2)
    const { crew } = await town.member('a', 1)
    const others = [await town.member('b', 1), await town.member('c', 2)]
    await town.world.pass(2_000)
    const queues = others.map((member) => member.crew.messages({ queueMax: 1_000 }))
    const decisions = town.nodes[1]!.host.decisions()
    const sent = await town.world.until(crew.publishMany(numbers(300)))
    await town.world.pass(500)
    expect(queues.map(bodies)).toEqual([numbers(300), numbers(300)])
    expect(decisions.drain().filter(({ about }) => about === 'bundle')).toHaveLength(2)
    expect(sent.ids).toHaveLength(300)
  })
})
