import { describe, expect, test } from 'vitest'
import {
  ADMISSION_MS_MAX,
  CHANNEL_FRAME_BYTES_MAX,
  type Channel,
  HELD_GOSSIP_MS_MAX,
  HELLO_PROTOCOL,
  MESSAGE_BYTES_MAX,
  type Peer,
  type Receiver,
  TOPIC_BUDGET_BYTES,
  TOPIC_ENTRY_BYTES,
  type Transport,
  VERDICT_MS_MAX,
  type Verdict,
} from '../../packages/agent/src/transport.ts'

/** Where the contract runs: one network of one kind of transport, for one test. */
export interface TransportBench extends AsyncDisposable {
  /** Opens a node that has this receiver. It takes the protocols of the first issue. */
  open(receiver: Receiver): Promise<Transport>
  /** Connects two nodes; resolves when the first has asked for it. */
  connect(from: Transport, to: Transport): Promise<void>
  /** Resolves when the condition holds; looks whenever `changed` was called. */
  until(condition: () => boolean): Promise<void>
  /** Something was told to a receiver, or a promise of the test has settled. */
  changed(): void
  /** Moves the clock of every node. */
  advance(ms: number): Promise<void>
  /** How much this node holds against a neighbour; 0 is nothing. */
  blame(at: Transport, peer: Peer): number
}

/** The protocol that works only after admission; see `openChannel`. */
const PROOF_PROTOCOL = '/ixj/proof/1'

/** A receiver that writes down what it is told. */
class Recorder implements Receiver {
  readonly #changed: () => void
  readonly connections: { readonly peer: Peer; readonly initiator: boolean }[] = []
  readonly disconnections: Peer[] = []
  readonly channels: {
    readonly peer: Peer
    readonly protocol: string
    readonly channel: Channel
  }[] = []
  readonly messages: { readonly topic: string; readonly text: string; readonly from: Peer }[] = []
  readonly changes: string[] = []
  readonly held: string[] = []
  verdict: (text: string) => Promise<Verdict> = async () => 'accept'

  constructor(changed: () => void) {
    this.#changed = changed
  }

  connected(peer: Peer, initiator: boolean): void {
    this.connections.push({ peer, initiator })
    this.#changed()
  }

  disconnected(peer: Peer): void {
    this.disconnections.push(peer)
    this.#changed()
  }

  channel(peer: Peer, protocol: string, channel: Channel): void {
    this.channels.push({ peer, protocol, channel })
    this.#changed()
  }

  async message(topic: string, bytes: Uint8Array, from: Peer): Promise<Verdict> {
    const text = new TextDecoder().decode(bytes)
    this.messages.push({ topic, text, from })
    this.#changed()
    return this.verdict(text)
  }

  subscriptionChanged(peer: Peer, topic: string, subscribed: boolean): void {
    this.changes.push(`${subscribed ? '+' : '-'} ${topic} ${peer}`)
    this.#changed()
  }

  subscriptionHeld(peer: Peer, topic: string): void {
    this.held.push(`${topic} ${peer}`)
    this.#changed()
  }

  texts(): readonly string[] {
    return this.messages.map((message) => message.text)
  }
}

/** A node of a test with what it was told. */
interface Subject {
  readonly at: Transport
  readonly told: Recorder
}

const crew = 'crew.acme.example'
const yard = 'yard.acme.example'

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function subject(bench: TransportBench): Promise<Subject> {
  const told = new Recorder(() => bench.changed())
  return { at: await bench.open(told), told }
}

async function connect(bench: TransportBench, from: Subject, to: Subject): Promise<void> {
  await bench.connect(from.at, to.at)
  await bench.until(
    () =>
      from.told.connections.some(({ peer }) => peer === to.at.peer) &&
      to.told.connections.some(({ peer }) => peer === from.at.peer),
  )
}

function admit(a: Subject, b: Subject): void {
  a.at.admit(b.at.peer)
  b.at.admit(a.at.peer)
}

/** Two nodes that have admitted each other. */
async function pair(bench: TransportBench): Promise<[Subject, Subject]> {
  const [a, b] = [await subject(bench), await subject(bench)]
  await connect(bench, a, b)
  admit(a, b)
  return [a, b]
}

/** Makes both members of a topic in each other's eyes. */
async function share(bench: TransportBench, a: Subject, b: Subject, topic: string): Promise<void> {
  a.at.allow(b.at.peer, topic)
  b.at.allow(a.at.peer, topic)
  await Promise.all([a.at.subscribe(topic), b.at.subscribe(topic)])
  await bench.until(
    () =>
      a.at.subscribers(topic).includes(b.at.peer) && b.at.subscribers(topic).includes(a.at.peer),
  )
}

/** Opens a channel and hands back both ends. */
async function channel(
  bench: TransportBench,
  from: Subject,
  to: Subject,
  protocol = HELLO_PROTOCOL,
): Promise<[Channel, Channel]> {
  const before = to.told.channels.length
  const near = await settled(bench, from.at.openChannel(to.at.peer, protocol))
  await bench.until(() => to.told.channels.length > before)
  const far = to.told.channels[before]
  if (far === undefined) throw new Error('until() resolved too early')
  expect(far).toMatchObject({ peer: from.at.peer, protocol })
  return [near, far.channel]
}

/** Awaits a promise while the bench's world runs. */
async function settled<T>(bench: TransportBench, promise: Promise<T>): Promise<T> {
  let done = false
  const note = (): void => {
    done = true
    bench.changed()
  }
  promise.then(note, note)
  await bench.until(() => done)
  return promise
}

async function nextFrame(bench: TransportBench, frames: AsyncIterator<Uint8Array>) {
  const result = await settled(bench, frames.next())
  return result.done === true ? undefined : result.value
}

/** Whatever either side sent to the other before this has arrived after it. */
async function roundTrip(bench: TransportBench, a: Subject, b: Subject): Promise<void> {
  const [near, far] = await channel(bench, a, b)
  await settled(bench, near.send(bytesOf('there')))
  expect(await nextFrame(bench, far.frames()[Symbol.asyncIterator]())).toEqual(bytesOf('there'))
  await settled(bench, far.send(bytesOf('back')))
  expect(await nextFrame(bench, near.frames()[Symbol.asyncIterator]())).toEqual(bytesOf('back'))
  await settled(bench, Promise.all([near.close(), far.close()]))
}

async function failure(bench: TransportBench, promise: Promise<unknown>): Promise<unknown> {
  return settled(
    bench,
    promise.then(
      () => 'no failure',
      (error: { code?: string }) => error.code ?? error,
    ),
  )
}

/**
 * The contract of the `Transport` port, one fact a test.
 * Every transport runs it: `transportContract('memory', openMemoryBench)`.
 */
export function transportContract(kind: string, open: () => Promise<TransportBench>): void {
  describe(`${kind} transport`, () => {
    connectionFacts(open)
    channelFacts(open)
    admissionFacts(open)
    rightFacts(open)
    messageFacts(open)
    limitFacts(open)
  })
}

function connectionFacts(open: () => Promise<TransportBench>): void {
  test('connected() names the other side and says who began', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    await connect(bench, a, b)
    expect(a.told.connections).toEqual([{ peer: b.at.peer, initiator: true }])
    expect(b.told.connections).toEqual([{ peer: a.at.peer, initiator: false }])
  })

  test('disconnect() is told to both sides, once', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await a.at.disconnect(b.at.peer)
    await bench.until(() => a.told.disconnections.length > 0 && b.told.disconnections.length > 0)
    expect(a.told.disconnections).toEqual([b.at.peer])
    expect(b.told.disconnections).toEqual([a.at.peer])
    expect(await failure(bench, a.at.openChannel(b.at.peer, HELLO_PROTOCOL))).toBe('no-peer')
  })

  test('disposing ends connections; the other side is told, this side no more', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await settled(bench, a.at[Symbol.asyncDispose]())
    await bench.until(() => b.told.disconnections.length > 0)
    expect(b.told.disconnections).toEqual([a.at.peer])
    expect(a.told.disconnections).toEqual([])
  })

  test('disposing twice is fine, and every verb fails with closed after it', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await settled(bench, a.at[Symbol.asyncDispose]())
    await settled(bench, a.at[Symbol.asyncDispose]())
    expect(await failure(bench, a.at.publish(crew, bytesOf('late')))).toBe('closed')
    expect(await failure(bench, a.at.subscribe(crew))).toBe('closed')
    expect(await failure(bench, a.at.openChannel(b.at.peer, HELLO_PROTOCOL))).toBe('closed')
  })

  test('rights and admission end with the connection', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    await a.at.disconnect(b.at.peer)
    await bench.until(() => a.told.disconnections.length > 0 && b.told.disconnections.length > 0)
    expect(a.at.subscribers(crew)).toEqual([])
    a.told.connections.length = 0
    b.told.connections.length = 0
    await connect(bench, a, b)
    b.at.admit(a.at.peer)
    b.at.allow(a.at.peer, crew)
    await roundTrip(bench, a, b)
    expect(a.at.subscribers(crew)).toEqual([])
    a.at.admit(b.at.peer)
    await bench.until(() => a.told.held.length > 0)
    expect(a.told.held).toEqual([`${crew} ${b.at.peer}`])
  })
}

function channelFacts(open: () => Promise<TransportBench>): void {
  test('frames arrive whole and in order, both ways, before admission', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    await connect(bench, a, b)
    const [near, far] = await channel(bench, a, b)
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
    const [near, far] = await channel(bench, ...(await pair(bench)))
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
    const [near, far] = await channel(bench, ...(await pair(bench)))
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
    const [near, far] = await channel(bench, a, b)
    const waiting = failure(bench, far.frames()[Symbol.asyncIterator]().next())
    await a.at.disconnect(b.at.peer)
    expect(await waiting).toBe('closed')
    expect(await failure(bench, near.send(bytesOf('late')))).toBe('closed')
  })

  test('send() waits while the other side does not read, and loses nothing', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const [near, far] = await channel(bench, a, b)
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

function admissionFacts(open: () => Promise<TransportBench>): void {
  test('before admission only the hello channel works', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    await connect(bench, a, b)
    // It may be refused at once, or be ended before a frame has passed: the first counts as well.
    const used = (async () => {
      const near = await a.at.openChannel(b.at.peer, PROOF_PROTOCOL)
      for await (const frame of near.frames()) return frame
      return 'ended'
    })()
    expect(await failure(bench, used)).toMatch(/refused|closed/u)
    expect(b.told.channels).toEqual([])
    b.at.admit(a.at.peer)
    await channel(bench, a, b, PROOF_PROTOCOL)
  })

  test('gossip before admission is held, and honoured after it', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    await connect(bench, a, b)
    a.at.admit(b.at.peer)
    a.at.announce(b.at.peer, crew)
    await a.at.subscribe(crew)
    await roundTrip(bench, a, b)
    expect(b.told.held).toEqual([])
    expect(b.told.changes).toEqual([])
    b.at.allow(a.at.peer, crew)
    b.at.admit(a.at.peer)
    await bench.until(() => b.at.subscribers(crew).length > 0)
    expect(b.told.changes).toEqual([`+ ${crew} ${a.at.peer}`])
  })

  test('a peer that did not admit us is never counted as a subscriber', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    await connect(bench, a, b)
    a.at.admit(b.at.peer)
    a.at.allow(b.at.peer, crew)
    b.at.allow(a.at.peer, crew)
    await Promise.all([a.at.subscribe(crew), b.at.subscribe(crew)])
    await roundTrip(bench, a, b)
    expect(a.at.subscribers(crew)).toEqual([])
    expect(await settled(bench, a.at.publish(crew, bytesOf('anyone?')))).toBe(0)
  })

  test('a connection that nobody admits is closed after its time', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    await connect(bench, a, b)
    await bench.advance(ADMISSION_MS_MAX - 100)
    await roundTrip(bench, a, b)
    expect(a.told.disconnections).toEqual([])
    await bench.advance(100)
    await bench.until(() => a.told.disconnections.length > 0 && b.told.disconnections.length > 0)
  })

  test('gossip that is held too long ends the connection', async () => {
    await using bench = await open()
    const [a, b] = [await subject(bench), await subject(bench)]
    await connect(bench, a, b)
    a.at.admit(b.at.peer)
    a.at.announce(b.at.peer, crew)
    await a.at.subscribe(crew)
    await roundTrip(bench, a, b)
    await bench.advance(HELD_GOSSIP_MS_MAX)
    await bench.until(() => a.told.disconnections.length > 0 && b.told.disconnections.length > 0)
  })
}

function rightFacts(open: () => Promise<TransportBench>): void {
  test('a subscription before the right is held, told, and honoured when the right comes', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    b.at.announce(a.at.peer, crew)
    await b.at.subscribe(crew)
    await bench.until(() => a.told.held.length > 0)
    expect(a.told.held).toEqual([`${crew} ${b.at.peer}`])
    expect(a.at.subscribers(crew)).toEqual([])
    expect(await settled(bench, a.at.publish(crew, bytesOf('too early')))).toBe(0)
    a.at.allow(b.at.peer, crew)
    expect(a.at.subscribers(crew)).toEqual([b.at.peer])
    expect(a.told.changes).toEqual([`+ ${crew} ${b.at.peer}`])
    expect(await settled(bench, a.at.publish(crew, bytesOf('in time')))).toBe(1)
    await bench.until(() => b.told.messages.length > 0)
    expect(b.told.messages).toEqual([{ topic: crew, text: 'in time', from: a.at.peer }])
  })

  test('disallow() stops every byte and takes the announcement back', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    a.at.disallow(b.at.peer, crew)
    expect(a.at.subscribers(crew)).toEqual([])
    expect(a.told.changes.at(-1)).toBe(`- ${crew} ${b.at.peer}`)
    expect(await settled(bench, a.at.publish(crew, bytesOf('behind your back')))).toBe(0)
    await bench.until(() => b.at.subscribers(crew).length === 0)
    await roundTrip(bench, a, b)
    expect(b.told.messages).toEqual([])
    // The subscription is kept: the right alone brings it back.
    a.at.allow(b.at.peer, crew)
    expect(a.at.subscribers(crew)).toEqual([b.at.peer])
    await bench.until(() => b.at.subscribers(crew).length === 1)
    expect(await settled(bench, a.at.publish(crew, bytesOf('welcome back')))).toBe(1)
    await bench.until(() => b.told.messages.length > 0)
    expect(b.told.texts()).toEqual(['welcome back'])
  })

  test('disallow() also stops what is passed on', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const c = await subject(bench)
    await connect(bench, b, c)
    admit(b, c)
    await share(bench, a, b, crew)
    await share(bench, b, c, crew)
    await settled(bench, a.at.publish(crew, bytesOf('one')))
    await bench.until(() => c.told.messages.length > 0)
    b.at.disallow(c.at.peer, crew)
    await settled(bench, a.at.publish(crew, bytesOf('two')))
    await bench.until(() => b.told.messages.length > 1)
    await roundTrip(bench, b, c)
    expect(c.told.texts()).toEqual(['one'])
  })

  test('an admitted peer without a right learns no topic name and gets no message', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    b.at.allow(a.at.peer, crew)
    await Promise.all([a.at.subscribe(crew), b.at.subscribe(crew)])
    await bench.until(() => a.told.held.length > 0)
    expect(await settled(bench, a.at.publish(crew, bytesOf('secret')))).toBe(0)
    await roundTrip(bench, a, b)
    expect(b.told.changes).toEqual([])
    expect(b.told.held).toEqual([])
    expect(b.at.subscribers(crew)).toEqual([])
    expect(b.told.messages).toEqual([])
  })

  test('announce() lets a peer send, and gives it nothing', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await Promise.all([a.at.subscribe(crew), b.at.subscribe(crew)])
    b.at.allow(a.at.peer, crew)
    a.at.announce(b.at.peer, crew)
    await bench.until(() => b.at.subscribers(crew).length > 0)
    expect(await settled(bench, b.at.publish(crew, bytesOf('for you')))).toBe(1)
    await bench.until(() => a.told.messages.length > 0)
    expect(await settled(bench, a.at.publish(crew, bytesOf('not for you')))).toBe(0)
    await roundTrip(bench, a, b)
    expect(b.told.messages).toEqual([])
  })

  test('unsubscribe() is told to neighbours that knew', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    await a.at.unsubscribe(crew)
    await bench.until(() => b.at.subscribers(crew).length === 0)
    expect(b.told.changes).toEqual([`+ ${crew} ${a.at.peer}`, `- ${crew} ${a.at.peer}`])
    expect(await settled(bench, b.at.publish(crew, bytesOf('gone')))).toBe(0)
  })
}

function messageFacts(open: () => Promise<TransportBench>): void {
  test('publish() resolves to how many took it, and 0 when nobody is there', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const c = await subject(bench)
    expect(await settled(bench, a.at.publish(crew, bytesOf('nobody')))).toBe(0)
    await connect(bench, a, c)
    admit(a, c)
    await share(bench, a, b, crew)
    await share(bench, a, c, crew)
    expect(await settled(bench, a.at.publish(crew, bytesOf('two')))).toBe(2)
    await bench.until(() => b.told.messages.length > 0 && c.told.messages.length > 0)
  })

  test('the same bytes again are handed over again and delivered once', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    expect(await settled(bench, a.at.publish(crew, bytesOf('twice')))).toBe(1)
    expect(await settled(bench, a.at.publish(crew, bytesOf('twice')))).toBe(1)
    await settled(bench, a.at.publish(crew, bytesOf('end')))
    await bench.until(() => b.told.texts().includes('end'))
    expect(b.told.texts()).toEqual(['twice', 'end'])
    expect(a.told.messages).toEqual([])
  })

  test('the same bytes on two topics are two messages', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    await share(bench, a, b, yard)
    await settled(bench, a.at.publish(crew, bytesOf('same')))
    await settled(bench, a.at.publish(yard, bytesOf('same')))
    await bench.until(() => b.told.messages.length > 1)
    expect(b.told.messages.map(({ topic }) => topic)).toEqual([crew, yard])
  })

  test('a message on a topic that was left is dropped and poisons nothing', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    await share(bench, a, b, yard)
    // In one turn, so that `a` cannot know yet that `b` has left.
    const [, taken] = await settled(
      bench,
      Promise.all([b.at.unsubscribe(yard), a.at.publish(yard, bytesOf('bytes'))]),
    )
    expect(taken).toBe(1)
    await bench.until(() => a.at.subscribers(yard).length === 0)
    await settled(bench, a.at.publish(crew, bytesOf('bytes')))
    await bench.until(() => b.told.messages.length > 0)
    expect(b.told.messages).toEqual([{ topic: crew, text: 'bytes', from: a.at.peer }])
    await b.at.subscribe(yard)
    await bench.until(() => a.at.subscribers(yard).length > 0)
    await settled(bench, a.at.publish(yard, bytesOf('bytes')))
    await bench.until(() => b.told.messages.length > 1)
    expect(b.told.messages.at(-1)).toEqual({ topic: yard, text: 'bytes', from: a.at.peer })
  })

  test('only an accepted message is passed on', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const c = await subject(bench)
    await connect(bench, b, c)
    admit(b, c)
    await share(bench, a, b, crew)
    await share(bench, b, c, crew)
    b.told.verdict = async (text) => text as Verdict
    for (const text of ['ignore', 'reject', 'accept']) {
      await settled(bench, a.at.publish(crew, bytesOf(text)))
    }
    await bench.until(() => c.told.messages.length > 0)
    expect(c.told.messages).toEqual([{ topic: crew, text: 'accept', from: b.at.peer }])
    expect(b.told.texts()).toEqual(['ignore', 'reject', 'accept'])
  })

  test('a rejected message blames its neighbour; an ignored one, and our own bug, do not', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    b.told.verdict = async (text) => {
      if (text === 'bug') throw new Error('a bug of the receiver')
      return text as Verdict
    }
    for (const text of ['bug', 'ignore']) await settled(bench, a.at.publish(crew, bytesOf(text)))
    await bench.until(() => b.told.messages.length === 2)
    await roundTrip(bench, a, b)
    expect(bench.blame(b.at, a.at.peer)).toBe(0)
    await settled(bench, a.at.publish(crew, bytesOf('reject')))
    await bench.until(() => b.told.messages.length === 3)
    await roundTrip(bench, a, b)
    expect(bench.blame(b.at, a.at.peer)).toBeGreaterThan(0)
  })

  test('a verdict that comes too late is an ignore', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const c = await subject(bench)
    await connect(bench, b, c)
    admit(b, c)
    await share(bench, a, b, crew)
    await share(bench, b, c, crew)
    const late = Promise.withResolvers<Verdict>()
    b.told.verdict = async (text) => (text === 'late' ? late.promise : 'accept')
    await settled(bench, a.at.publish(crew, bytesOf('late')))
    await bench.until(() => b.told.messages.length > 0)
    await bench.advance(VERDICT_MS_MAX)
    late.resolve('accept')
    await settled(bench, a.at.publish(crew, bytesOf('end')))
    await bench.until(() => c.told.messages.length > 0)
    expect(c.told.texts()).toEqual(['end'])
  })
}

function limitFacts(open: () => Promise<TransportBench>): void {
  test('a message of the limit passes, one byte more is refused', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    const larger = new Uint8Array(MESSAGE_BYTES_MAX + 1).fill(97)
    expect(await failure(bench, a.at.publish(crew, larger))).toBe('too-large')
    expect(await settled(bench, a.at.publish(crew, larger.subarray(1)))).toBe(1)
    await bench.until(() => b.told.messages.length > 0)
    expect(b.told.texts()[0]).toHaveLength(MESSAGE_BYTES_MAX)
  })

  test('joining past what a neighbour can track fails with topic-budget', async () => {
    await using bench = await open()
    const { at } = await subject(bench)
    // The longest name that DNS has.
    const label = 'a'.repeat(63)
    const name = (index: number): string =>
      `${String(index).padStart(61, '0')}.${label}.${label}.${label}`
    const most = Math.floor(TOPIC_BUDGET_BYTES / (TOPIC_ENTRY_BYTES + '/ixj/1/'.length + 253))
    for (let index = 0; index < most; index++) await at.subscribe(name(index))
    expect(await failure(bench, at.subscribe(name(most)))).toBe('topic-budget')
    await at.subscribe(name(0))
    await at.unsubscribe(name(0))
    await at.subscribe(name(most))
  })
}
