import { CHANNEL_FRAME_BYTES_MAX, type Channel, HELLO_PROTOCOL } from '@ixj/agent'
import { concatBytes } from '@ixj/trust'
import type { Connection, Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { CHANNELS_MAX, FRAMES_IN_TURN_MAX, FRAMES_TOGETHER_BYTES_MAX } from '../src/mesh/limits.ts'
import type { Raw } from './mesh-attackers.ts'
import { bytesOf, MeshBench, type Victim } from './mesh-bench.ts'

/** A victim whose hello channels the test reads itself, and a raw peer connected to it. */
async function siege(bench: MeshBench): Promise<{
  victim: Victim
  raw: Raw
  connection: Connection
  channels: Channel[]
}> {
  const [victim, raw] = [await bench.victim(), await bench.raw()]
  const channels: Channel[] = []
  victim.told.channel = (_peer, _protocol, channel) => {
    channels.push(channel)
    raw.note()
  }
  return { victim, raw, connection: await raw.dial(victim.mesh.addresses), channels }
}

/** Sends raw bytes on a hello channel and gives the victim's end of it. */
async function write(
  bench: MeshBench,
  { connection, channels }: { readonly connection: Connection; readonly channels: Channel[] },
  bytes: readonly number[],
): Promise<{ stream: Stream; channel: Channel }> {
  const before = channels.length
  const stream = await connection.newStream(HELLO_PROTOCOL)
  stream.send(Uint8Array.from(bytes))
  await bench.until(() => channels.length > before)
  const channel = channels[before]
  if (channel === undefined) throw new Error('until() resolved too early')
  return { stream, channel }
}

/** Resolves when the stream has ended, however. */
async function ended(stream: Stream): Promise<void> {
  if (stream.status !== 'open') return
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.addEventListener('close', () => resolve())
  await promise
}

async function firstFrame(channel: Channel): Promise<string | undefined> {
  for await (const frame of channel.frames()) return new TextDecoder().decode(frame)
  return undefined
}

/** All that a channel is given in one turn, as a raw peer reads it: the bytes, and in how many pieces. */
async function readOf(bench: MeshBench, frames: readonly Uint8Array[]) {
  const attack = await siege(bench)
  const { stream, channel } = await write(bench, attack, [1, 0])
  const pieces: Uint8Array[] = []
  stream.addEventListener('message', ({ data }) => {
    pieces.push(data instanceof Uint8Array ? data : data.subarray())
    attack.raw.note()
  })
  await Promise.all(frames.map((frame) => channel.send(frame)))
  const length = frames.reduce((sum, frame) => sum + frame.length + lengthBytesOf(frame), 0)
  await bench.until(() => pieces.reduce((sum, piece) => sum + piece.length, 0) >= length)
  return { pieces: pieces.length, bytes: concatBytes(...pieces) }
}

function lengthBytesOf({ length }: Uint8Array): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : 3
}

describe('a channel that is given several frames in one turn', () => {
  test('writes small ones together, each after its length, in their order', async () => {
    await using bench = new MeshBench()
    const frames = Array.from({ length: 100 }, (_, index) => new Uint8Array(100).fill(index))
    const { pieces, bytes } = await readOf(bench, frames)
    expect(bytes).toEqual(concatBytes(...frames.flatMap((frame) => [Uint8Array.of(100), frame])))
    // 10 KB: one frame of the connection, where each had one of its own.
    expect(pieces).toBeLessThanOrEqual(2)
  })

  test('keeps the order of small and large ones, and hands over no more than 16 KiB of small ones', async () => {
    await using bench = new MeshBench()
    const sizes = [1, 100, 60_000, 2, FRAMES_TOGETHER_BYTES_MAX, 3, 3, 9_000, 9_000, 5]
    const frames = sizes.map((size, index) => new Uint8Array(size).fill(index))
    const { bytes } = await readOf(bench, frames)
    let from = 0
    for (const frame of frames) {
      from += lengthBytesOf(frame)
      expect(bytes.subarray(from, from + frame.length)).toEqual(frame)
      from += frame.length
    }
    expect(from).toBe(bytes.length)
  })

  test('tells each that the channel has ended before it was handed over', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const { channel } = await write(bench, attack, [1, 0])
    await channel.close()
    const sent = [1, 2, 3].map((byte) => channel.send(Uint8Array.of(byte)))
    for (const each of await Promise.allSettled(sent)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'closed' } })
    }
  })
})

describe('a channel against a peer that breaks its rules', () => {
  test('a frame over the limit is refused when it is announced, before any of it came', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    // 67,585 = 66 * 1024 + 1.
    const { stream, channel } = await write(bench, attack, [0x81, 0x90, 0x04])
    await expect(firstFrame(channel)).rejects.toMatchObject({ code: 'too-large' })
    await ended(stream)
    await expect(channel.send(bytesOf('late'))).rejects.toMatchObject({ code: 'closed' })
  })

  test('a small frame keeps no large piece alive that it came in, and a large one is that piece', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const large = 20_000
    const lengthOfLarge = [(large & 0x7f) | 0x80, ((large >> 7) & 0x7f) | 0x80, large >> 14]
    const bytes = [1, 7, ...lengthOfLarge, ...Array.from({ length: large }, () => 9)]
    const { channel } = await write(bench, attack, bytes)
    const frames = channel.frames()[Symbol.asyncIterator]()
    const small = (await frames.next()).value as Uint8Array
    const big = (await frames.next()).value as Uint8Array
    expect([...small]).toEqual([7])
    expect(small.buffer).not.toBe(big.buffer)
    expect(big).toEqual(new Uint8Array(large).fill(9))
    expect(big.buffer.byteLength).toBeLessThan(2 * large)
  })

  test('a length of more bytes than the limit needs is refused', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const { channel } = await write(bench, attack, [0x80, 0x80, 0x80, 0x80])
    await expect(firstFrame(channel)).rejects.toMatchObject({ code: 'too-large' })
  })

  test('a length that is not in its shortest form is refused', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    // 5 in two and in three bytes, 128 in three, and 0 in two; then 128 as it should be.
    for (const prefix of [
      [0x85, 0x00],
      [0x85, 0x80, 0x00],
      [0x80, 0x81, 0x00],
      [0x80, 0x00],
    ]) {
      const { channel } = await write(bench, attack, [...prefix, ...new Uint8Array(200).fill(120)])
      await expect(firstFrame(channel)).rejects.toThrow('shortest form')
    }
    const { channel } = await write(bench, attack, [0x80, 0x01, ...new Uint8Array(128).fill(120)])
    expect(await firstFrame(channel)).toHaveLength(128)
  })

  test('an empty frame ends the channel', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const { channel } = await write(bench, attack, [0])
    await expect(firstFrame(channel)).rejects.toMatchObject({ code: 'closed' })
  })

  test('an end in the middle of a frame is no end in good order', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const { stream, channel } = await write(bench, attack, [5, 1, 2, 3])
    await stream.close()
    await expect(firstFrame(channel)).rejects.toMatchObject({ code: 'closed' })
  })

  test('a frame in pieces arrives whole', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const { stream, channel } = await write(bench, attack, [5])
    const frame = firstFrame(channel)
    for (const byte of bytesOf('whole')) stream.send(Uint8Array.of(byte))
    expect(await frame).toBe('whole')
  })

  test('the limit itself, as a length of three bytes, passes', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const { stream, channel } = await write(bench, attack, [0x80, 0x90, 0x04])
    stream.send(new Uint8Array(CHANNEL_FRAME_BYTES_MAX).fill(120))
    expect(await firstFrame(channel)).toHaveLength(CHANNEL_FRAME_BYTES_MAX)
  })

  test('a frame that came before a reset is lost, and the reset is told', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const { stream, channel } = await write(bench, attack, [5, 1, 2])
    const frame = firstFrame(channel)
    stream.abort(new Error('enough'))
    await expect(frame).rejects.toMatchObject({ code: 'closed' })
  })

  test('small frames that came at once leave others their turns', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const count = 8 * FRAMES_IN_TURN_MAX
    const frames = Array.from({ length: count }, () => [1, 120]).flat()
    const { channel } = await write(bench, attack, frames)
    let turns = 0
    let read = 0
    for await (const frame of channel.frames()) {
      expect(frame).toHaveLength(1)
      read += 1
      // Each of these is called once the program has turned to others.
      if (read % FRAMES_IN_TURN_MAX === 0) setImmediate(() => (turns += 1))
      if (read === count) break
    }
    expect(turns).toBeGreaterThanOrEqual(6)
  })

  test('frames can be read only once', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const { channel } = await write(bench, attack, [1, 120])
    expect(await firstFrame(channel)).toBe('x')
    await expect(firstFrame(channel)).rejects.toThrow('only once')
  })

  test('a peer may have only so many channels of one protocol open', async () => {
    await using bench = new MeshBench()
    const attack = await siege(bench)
    const streams: Stream[] = []
    for (let index = 0; index < CHANNELS_MAX; index++) {
      streams.push((await write(bench, attack, [1, 120])).stream)
    }
    await ended(await attack.connection.newStream(HELLO_PROTOCOL))
    expect(attack.channels).toHaveLength(CHANNELS_MAX)
    expect(streams.every(({ status }) => status === 'open')).toBe(true)
    // One that ends makes room for one more.
    streams[0]?.abort(new Error('done'))
    await write(bench, attack, [1, 120])
  })
})

describe('openMesh()', () => {
  test('takes no connection before its receiver is attached', async () => {
    await using bench = new MeshBench()
    const [open, raw] = [await bench.victim(), await bench.raw()]
    const mesh = await bench.unattached()
    await expect(raw.dial(mesh.addresses)).rejects.toBeInstanceOf(Error)
    await raw.dial(open.mesh.addresses)
  })

  test('disposing leaves no call on the clock', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection } = await siege(bench)
    victim.mesh.keepDialing('/ip4/127.0.0.1/tcp/1')
    await bench.until(() => victim.told.connections.length === 1)
    victim.mesh.admit(raw.peer)
    await victim.mesh[Symbol.asyncDispose]()
    expect(bench.clock.pending).toBe(0)
    await bench.until(() => connection.status !== 'open')
  })
})
