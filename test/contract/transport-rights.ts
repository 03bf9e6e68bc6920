import { expect, test } from 'vitest'
import {
  admit,
  bytesOf,
  connect,
  crew,
  pair,
  passedOn,
  roundTrip,
  settled,
  share,
  subject,
  type TransportBench,
} from './transport-bench.ts'

/** The second gate: who may receive a topic, and who may know of it. */
export function rightFacts(open: () => Promise<TransportBench>): void {
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

  test('a peer that lost its right does not get it back by subscribing again', async () => {
    await using bench = await open()
    const [a, b] = await pair(bench)
    await share(bench, a, b, crew)
    a.at.disallow(b.at.peer, crew)
    await b.at.unsubscribe(crew)
    await b.at.subscribe(crew)
    await bench.until(() => a.told.held.length > 0)
    expect(a.told.held).toEqual([`${crew} ${b.at.peer}`])
    expect(await settled(bench, a.at.publish(crew, bytesOf('not for you')))).toBe(0)
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
    await passedOn(bench, b, 1)
    await bench.until(() => c.told.messages.length > 0)
    b.at.disallow(c.at.peer, crew)
    await settled(bench, a.at.publish(crew, bytesOf('two')))
    await passedOn(bench, b, 2)
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
