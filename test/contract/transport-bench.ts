import { expect } from 'vitest'
import {
  type Channel,
  HELLO_PROTOCOL,
  type Peer,
  type Receiver,
  type Transport,
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

/** Whatever a transport passes on, it passes on within this. */
const PASS_ON_MS = 250

/** Waits until a node was told so many messages, and for what it accepted of them to be passed on. */
export async function passedOn(bench: TransportBench, by: Subject, count: number): Promise<void> {
  await bench.until(() => by.told.messages.length >= count)
  await bench.advance(PASS_ON_MS)
}

/** A protocol that works only after admission. */
export const PROOF_PROTOCOL = '/ixj/proof/1'

/** A receiver that writes down what it is told. */
export class Recorder implements Receiver {
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
export interface Subject {
  readonly at: Transport
  readonly told: Recorder
}

/** A topic. */
export const crew = 'crew.acme.example'
/** Another topic. */
export const yard = 'yard.acme.example'

/** UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** A node with a recorder. */
export async function subject(bench: TransportBench): Promise<Subject> {
  const told = new Recorder(() => bench.changed())
  return { at: await bench.open(told), told }
}

/** Connects two nodes and waits until both were told. */
export async function connect(bench: TransportBench, from: Subject, to: Subject): Promise<void> {
  await bench.connect(from.at, to.at)
  await bench.until(
    () =>
      from.told.connections.some(({ peer }) => peer === to.at.peer) &&
      to.told.connections.some(({ peer }) => peer === from.at.peer),
  )
}

/** Each admits the other. */
export function admit(a: Subject, b: Subject): void {
  a.at.admit(b.at.peer)
  b.at.admit(a.at.peer)
}

/** Two nodes that have admitted each other. */
export async function pair(bench: TransportBench): Promise<[Subject, Subject]> {
  const [a, b] = [await subject(bench), await subject(bench)]
  await connect(bench, a, b)
  admit(a, b)
  return [a, b]
}

/** Makes both members of a topic in each other's eyes. */
export async function share(
  bench: TransportBench,
  a: Subject,
  b: Subject,
  topic: string,
): Promise<void> {
  a.at.allow(b.at.peer, topic)
  b.at.allow(a.at.peer, topic)
  await Promise.all([a.at.subscribe(topic), b.at.subscribe(topic)])
  await bench.until(
    () =>
      a.at.subscribers(topic).includes(b.at.peer) && b.at.subscribers(topic).includes(a.at.peer),
  )
}

/** Opens a channel and hands back both ends. */
export async function openChannel(
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
export async function settled<T>(bench: TransportBench, promise: PromiseLike<T>): Promise<T> {
  let done = false
  const note = (): void => {
    done = true
    bench.changed()
  }
  promise.then(note, note)
  await bench.until(() => done)
  return promise
}

/** The next frame, or undefined at the end. */
export async function nextFrame(bench: TransportBench, frames: AsyncIterator<Uint8Array>) {
  const result = await settled(bench, frames.next())
  return result.done === true ? undefined : result.value
}

/** Whatever either side sent to the other before this has arrived after it. */
export async function roundTrip(bench: TransportBench, a: Subject, b: Subject): Promise<void> {
  const [near, far] = await openChannel(bench, a, b)
  await settled(bench, near.send(bytesOf('there')))
  expect(await nextFrame(bench, far.frames()[Symbol.asyncIterator]())).toEqual(bytesOf('there'))
  await settled(bench, far.send(bytesOf('back')))
  expect(await nextFrame(bench, near.frames()[Symbol.asyncIterator]())).toEqual(bytesOf('back'))
  await settled(bench, Promise.all([near.close(), far.close()]))
}

/** The code of the failure, or the error if it has none. */
export async function failure(bench: TransportBench, promise: Promise<unknown>): Promise<unknown> {
  return settled(
    bench,
    promise.then(
      () => 'no failure',
      (error: { code?: string }) => error.code ?? error,
    ),
  )
}
