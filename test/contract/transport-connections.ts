import { expect, test } from 'vitest'
import {
  ADMISSION_MS_MAX,
  HELD_GOSSIP_MS_MAX,
  HELLO_PROTOCOL,
} from '../../packages/agent/src/transport.ts'
import {
  bytesOf,
  connect,
  crew,
  failure,
  openChannel,
  pair,
  PROOF_PROTOCOL,
  roundTrip,
  settled,
  share,
  subject,
  type TransportBench,
} from './transport-bench.ts'

/** Who is connected, and what ends with a connection. */
export function connectionFacts(open: () => Promise<TransportBench>): void {
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

/** The first gate: nothing but hello before admission. */
export function admissionFacts(open: () => Promise<TransportBench>): void {
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
    await openChannel(bench, a, b, PROOF_PROTOCOL)
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
    expect(b.told.disconnections).toEqual([])
    await bench.advance(HELD_GOSSIP_MS_MAX)
    await bench.until(() => a.told.disconnections.length > 0 && b.told.disconnections.length > 0)
  })
}
