import { expect, test } from 'vitest'
import {
  MESSAGE_BYTES_MAX,
  TOPIC_BUDGET_BYTES,
  TOPIC_ENTRY_BYTES,
  VERDICT_MS_MAX,
  type Verdict,
} from '../../packages/agent/src/transport.ts'
import {
  admit,
  bytesOf,
  connect,
  crew,
  failure,
  pair,
  passedOn,
  roundTrip,
  settled,
  share,
  subject,
  type TransportBench,
  yard,
} from './transport-bench.ts'

/** What is delivered, passed on and blamed. */
export function messageFacts(open: () => Promise<TransportBench>): void {
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

  test('a newcomer gets what is passed on from the moment it is a subscriber', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    const c = await subject(bench)
    await share(bench, a, b, crew)
    await connect(bench, b, c)
    admit(b, c)
    await share(bench, b, c, crew)
    expect(await settled(bench, a.at.publish(crew, bytesOf('at once')))).toBe(1)
    await passedOn(bench, b, 1)
    await bench.until(() => c.told.texts().includes('at once'))
    expect(b.told.texts()).toEqual(['at once'])
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
    await passedOn(bench, b, 3)
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
    await passedOn(bench, b, 2)
    await bench.until(() => c.told.messages.length > 0)
    expect(c.told.texts()).toEqual(['end'])
  })
}

/** How large, and how many. */
export function limitFacts(open: () => Promise<TransportBench>): void {
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
