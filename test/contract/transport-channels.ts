import { expect, test } from 'vitest'
import { CHANNEL_FRAME_BYTES_MAX, HELLO_PROTOCOL } from '../../packages/agent/src/transport.ts'
import {
  bytesOf,
  connect,
  failure,
  nextFrame,
  openChannel,
  pair,
  roundTrip,
  settled,
  subject,
  type TransportBench,
} from './transport-bench.ts'

/** Frames between two neighbours. */
export function channelFacts(open: () => Promise<TransportBench>): void {
  test('frames arrive whole and in order, both ways, before admission', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    await connect(bench, a, b)
    const [near, far] = await openChannel(bench, a, b)
    const texts = Array.from({ length: 50 }, (_, index) => `frame ${index}`)
    const [nearFrames, farFrames] = [near.frames(), far.frames()].map((frames) =>
      frames[Symbol.asyncIterator](),
    ) as [AsyncIterator<Uint8Array>, AsyncIterator<Uint8Array>]
    await settled(
      bench,
      Promise.all(texts.flatMap((text) => [near.send(bytesOf(text)), far.send(bytesOf(text))])),
    )
    for (const text of texts) {
      expect(await nextFrame(bench, nearFrames)).toEqual(bytesOf(text))
      expect(await nextFrame(bench, farFrames)).toEqual(bytesOf(text))
    }
  })

  test('a frame of the limit passes, one byte more is refused where it is sent', async () => {
    await using bench = await open()
    const [near, far] = await openChannel(bench, ...(await pair(bench)))
    const largest = new Uint8Array(CHANNEL_FRAME_BYTES_MAX).fill(7)
    await settled(bench, near.send(largest))
    expect(await nextFrame(bench, far.frames()[Symbol.asyncIterator]())).toEqual(largest)
    const larger = new Uint8Array(CHANNEL_FRAME_BYTES_MAX + 1)
    expect(await failure(bench, near.send(larger))).toBe('too-large')
    expect(await failure(bench, far.send(larger))).toBe('too-large')
    expect(await failure(bench, near.send(new Uint8Array()))).toBeInstanceOf(RangeError)
  })

  test('close() ends both directions after what was sent; calling it twice is fine', async () => {
    await using bench = await open()
    const [near, far] = await openChannel(bench, ...(await pair(bench)))
    await settled(bench, near.send(bytesOf('last')))
    await settled(bench, near.close())
    await settled(bench, near.close())
    const frames = far.frames()[Symbol.asyncIterator]()
    expect(await nextFrame(bench, frames)).toEqual(bytesOf('last'))
    expect(await nextFrame(bench, frames)).toBeUndefined()
    expect(await nextFrame(bench, near.frames()[Symbol.asyncIterator]())).toBeUndefined()
    expect(await failure(bench, near.send(bytesOf('late')))).toBe('closed')
    expect(await failure(bench, far.send(bytesOf('late')))).toBe('closed')
    await settled(bench, far.close())
  })

  test('a broken connection ends a channel with closed', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const [near, far] = await openChannel(bench, a, b)
    const waiting = failure(bench, far.frames()[Symbol.asyncIterator]().next())
    await a.at.disconnect(b.at.peer)
    expect(await waiting).toBe('closed')
    expect(await failure(bench, near.send(bytesOf('late')))).toBe('closed')
  })

  test('send() waits while the other side does not read, and loses nothing', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const [near, far] = await openChannel(bench, a, b)
    let sent = 0
    const count = 400
    const sends = Array.from({ length: count }, async (_, index) => {
      await near.send(new Uint8Array(CHANNEL_FRAME_BYTES_MAX).fill(index))
      sent++
    })
    await roundTrip(bench, a, b)
    expect(sent).toBeLessThan(count)
    const frames = far.frames()[Symbol.asyncIterator]()
    for (let index = 0; index < count; index++) {
      expect((await nextFrame(bench, frames))?.[0]).toBe(index % 256)
    }
    await settled(bench, Promise.all(sends))
  })

  test('send() waits again, each time that the other side stops reading', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const [near, far] = await openChannel(bench, a, b)
    const frames = far.frames()[Symbol.asyncIterator]()
    const count = 120
    for (let round = 0; round < 2; round++) {
      let sent = 0
      const sends = Array.from({ length: count }, async (_, index) => {
        await near.send(new Uint8Array(CHANNEL_FRAME_BYTES_MAX).fill(index))
        sent++
      })
      await roundTrip(bench, a, b)
      expect(sent, `in round ${round}`).toBeLessThan(count)
      for (let index = 0; index < count; index++) {
        expect((await nextFrame(bench, frames))?.[0]).toBe(index)
      }
      await settled(bench, Promise.all(sends))
    }
  })

  test('openChannel() fails with no-peer for a stranger', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    expect(await failure(bench, a.at.openChannel(b.at.peer, HELLO_PROTOCOL))).toBe('no-peer')
  })

  test('openChannel() fails with refused for a protocol that the other side lacks', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    expect(await failure(bench, a.at.openChannel(b.at.peer, '/ixj/nothing/1'))).toBe('refused')
  })

  test('openChannel() stops when its signal does', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const signal = AbortSignal.abort(new Error('changed my mind'))
    await expect(a.at.openChannel(b.at.peer, HELLO_PROTOCOL, { signal })).rejects.toThrow(
      'changed my mind',
    )
  })
}
