import { type AuditError, encodeRecord } from '@ixj/audit'
import { describe, expect, it } from 'vitest'
import { sha256, utf8Bytes, utf8Text } from '@ixj/trust'
import { openAuditLog } from '../../src/audit/audit-log.ts'
import {
  CHECKPOINT_MS,
  CHECKPOINTS_TAIL_BYTES,
  LOG_BATCH_BYTES_MAX,
  LOG_GATHER_MS,
  LOG_QUEUE_BYTES_MAX,
  LOG_RETRY_MS,
} from '../../src/audit/limits.ts'
import { nodeSigner } from '../../src/node-keys.ts'
import { LogBench, numbersOf } from '../../../../test/world/log-bench.ts'
import { numbered, TRUST } from '../../../../test/world/numbered-log.ts'

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'resolved',
    (cause: unknown) => (cause as AuditError).code,
  )

describe('openAuditLog()', () => {
  it('keeps records in the order of the calls, and goes on after them when it is opened anew', async () => {
    const bench = new LogBench()
    {
      await using log = await bench.open()
      for (const number of [1, 2, 3]) log.append(numbered(number))
    }
    await using log = await bench.open()
    await log.appendSafely(numbered(4))
    expect(numbersOf(bench.records())).toEqual([1, 2, 3, 4])
    expect(log.size).toBe(4)
  })

  it('acknowledges a record when it would survive a power cut, and not before', async () => {
    const bench = new LogBench()
    // Not closed: it is dead with its disk.
    const log = await bench.open()
    let acknowledged = false
    const safe = log.appendSafely(numbered(1)).then(() => (acknowledged = true))
    expect([acknowledged, bench.disk.syncs]).toEqual([false, 0])
    await safe
    expect(bench.disk.syncs).toBe(1)
    bench.disk.restart()
    expect(numbersOf(bench.records())).toEqual([1])
  })

  it('syncs records in groups: one for what came at once, one for what came meanwhile', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    const first = log.appendSafely(numbered(0))
    for (let number = 1; number < 100; number++) log.append(numbered(number))
    await first
    expect([log.size, bench.disk.syncs]).toEqual([100, 1])
    // The first goes at once; the others come while it is being written.
    const all = [log.appendSafely(numbered(100))]
    await Promise.resolve()
    await Promise.resolve()
    for (let number = 101; number < 200; number++) all.push(log.appendSafely(numbered(number)))
    await Promise.all(all)
    expect([log.size, bench.disk.syncs]).toEqual([200, 3])
  })

  it('writes what nobody waits for 50 ms after the first of it, in one group', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    for (const number of [1, 2]) log.append(numbered(number))
    await bench.clock.advance(LOG_GATHER_MS - 1)
    log.append(numbered(3))
    expect([log.size, bench.disk.syncs]).toEqual([0, 0])
    await bench.clock.advance(1)
    await bench.settle()
    expect([log.size, bench.disk.syncs]).toEqual([3, 1])
  })

  it('writes all that nobody waits for before it is closed, also where that is more than one group', async () => {
    const bench = new LogBench()
    const record = numbered(1, 250)
    const count = Math.ceil((1.5 * LOG_BATCH_BYTES_MAX) / encodeRecord(record).length)
    {
      await using log = await bench.open()
      for (let each = 0; each < count; each++) log.append(record)
    }
    expect(bench.records()).toHaveLength(count)
  })

  it('writes what nobody waits for along with what somebody does', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    log.append(numbered(1))
    await log.appendSafely(numbered(2))
    expect([log.size, bench.disk.syncs]).toEqual([2, 1])
  })

  it('needs no time to pass until a record is safe that somebody waits for', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    const before = bench.clock.now()
    await log.appendSafely(numbered(1))
    expect(bench.clock.now()).toBe(before)
  })

  it('signs a checkpoint over what is safe, 10 s after the first record without one', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    log.append(numbered(1))
    await bench.settle()
    expect(log.latest).toBe(null)
    await bench.clock.advance(CHECKPOINT_MS)
    await bench.settle()
    expect(log.latest?.size).toBe(1)
    expect(await bench.verify()).toMatchObject({ size: 1, covered: 1, checkpoints: 1, faults: [] })
    await bench.clock.advance(CHECKPOINT_MS * 3)
    expect((await bench.verify()).checkpoints).toBe(1)
  })

  it('covers everything by a last checkpoint when it closes; twice is fine', async () => {
    const bench = new LogBench()
    const log = await bench.open()
    log.append(numbered(1))
    log.append(numbered(2))
    await log[Symbol.asyncDispose]()
    await log[Symbol.asyncDispose]()
    expect(await bench.verify()).toMatchObject({ size: 2, covered: 2, faults: [] })
    expect(await codeOf(log.appendSafely(numbered(3)))).toBe('closed')
  })

  it('cuts off what a broken write left behind the last whole record', async () => {
    const bench = new LogBench()
    await using first = await bench.open()
    await first.appendSafely(numbered(1))
    const whole = bench.disk.bytes('records').length
    bench.disk.tamper('records', (bytes) => Uint8Array.of(...bytes, ...bytes.slice(0, 50)))
    await using second = await bench.open()
    expect([second.size, bench.disk.bytes('records').length]).toEqual([1, whole])
    await second.appendSafely(numbered(2))
    expect(numbersOf(bench.records())).toEqual([1, 2])
  })

  it('cuts off a note of a checkpoint that a broken write left', async () => {
    const bench = new LogBench()
    for (const number of [1, 2]) {
      await using log = await bench.open()
      log.append(numbered(number))
    }
    bench.disk.tamper('checkpoints', (bytes) => bytes.slice(0, -20))
    await using log = await bench.open()
    expect([log.size, log.latest?.size]).toEqual([2, 1])
  })

  it('refuses to go on with a log of which less is there than its checkpoint covers', async () => {
    const bench = new LogBench()
    {
      await using log = await bench.open()
      for (const number of [1, 2, 3]) log.append(numbered(number))
    }
    const before = bench.disk.bytes('records')
    bench.disk.tamper('records', (bytes) => bytes.slice(0, -1))
    expect(await codeOf(bench.open())).toBe('cut')
    // Nothing of the evidence was touched.
    expect(bench.disk.bytes('records')).toEqual(before.slice(0, -1))
  })

  it('refuses to go on with records that are not those of its checkpoint', async () => {
    const bench = new LogBench()
    const other = new LogBench()
    for (const [each, number] of [
      [bench, 1],
      [other, 2],
    ] as const) {
      await using log = await each.open()
      log.append(numbered(number))
    }
    bench.disk.tamper('records', () => other.disk.bytes('records'))
    expect(await codeOf(bench.open())).toBe('altered')
  })
})

describe('a log whose checkpoints are not its own', () => {
  async function openBench(): Promise<LogBench> {
    const bench = new LogBench()
    await using log = await bench.open()
    for (const number of [1, 2, 3]) log.append(numbered(number))
    return bench
  }

  it('refuses a whole checkpoint of another key, also when it is the only one', async () => {
    const bench = await openBench()
    const seed = sha256(utf8Bytes('another key'))
    const signer = nodeSigner(seed)
    const key = { ...TRUST.key, publicKey: signer.publicKey }
    const before = bench.disk.bytes('checkpoints')
    const opening = openAuditLog({
      ...TRUST,
      key,
      signer,
      files: bench.disk,
      clock: bench.clock,
    })
    expect(await codeOf(opening)).toBe('unknown-key')
    expect(bench.disk.bytes('checkpoints')).toEqual(before)
  })

  it('refuses a checkpoint whose signature does not hold, also when it is the only one', async () => {
    const bench = await openBench()
    // Another size; the note still has its form.
    bench.disk.tamper('checkpoints', (bytes) =>
      utf8Bytes(utf8Text(bytes).replace('\n3\n', '\n2\n')),
    )
    expect(await codeOf(bench.open())).toBe('bad-signature')
  })

  it('refuses a file of checkpoints that ends in more than a broken write leaves', async () => {
    const bench = await openBench()
    bench.disk.tamper('checkpoints', (bytes) =>
      Uint8Array.of(...bytes, ...new Uint8Array(CHECKPOINTS_TAIL_BYTES)),
    )
    expect(await codeOf(bench.open())).toBe('altered')
  })
})

describe('a log that cannot be written', () => {
  it('tells it, refuses those who wait, counts what is missing, and goes on by itself with a gap first', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    const events: string[] = []
    log.watch((event) => events.push(event.kind))
    await log.appendSafely(numbered(1))
    bench.disk.trouble = (operation) => (operation === 'write' ? 'disk-full' : undefined)
    log.append(numbered(2))
    expect(await codeOf(log.appendSafely(numbered(3)))).toBe('unwritable')
    expect((log.fault as AuditError).code).toBe('unwritable')
    log.append(numbered(4))
    log.append(numbered(5))
    expect(await codeOf(log.appendSafely(numbered(6)))).toBe('unwritable')
    await bench.clock.advance(LOG_RETRY_MS * 3)
    await bench.settle()
    expect([events, numbersOf(bench.records())]).toEqual([['failed'], [1]])
    bench.disk.trouble = () => undefined
    await bench.clock.advance(LOG_RETRY_MS)
    await bench.settle()
    expect(log.fault).toBe(null)
    expect(events).toEqual(['failed', 'recovered'])
    log.append(numbered(7))
    await bench.settle()
    // 2 had come before the failure was known; 4 and 5 are missing; 3 and 6 have not happened.
    expect(numbersOf(bench.records())).toEqual([1, 'gap of 2', 2, 7])
    expect(bench.records()[1]).toMatchObject({ kind: 'gap', reason: 'ENOSPC' })
  })

  it.each(['write', 'sync'])(
    'acknowledges nothing that a failed %s left in doubt',
    async (failing) => {
      for (let seed = 1; seed <= 20; seed++) {
        const bench = new LogBench(seed)
        const log = await bench.open()
        await log.appendSafely(numbered(1))
        bench.disk.trouble = (operation) => (operation === failing ? 'io-error' : undefined)
        expect(await codeOf(log.appendSafely(numbered(2)))).toBe('unwritable')
        bench.disk.trouble = () => undefined
        await bench.clock.advance(LOG_RETRY_MS)
        await bench.settle()
        await log.appendSafely(numbered(3))
        bench.disk.restart()
        expect(numbersOf(bench.records())).toEqual([1, 'gap of 0', 3])
      }
    },
  )

  it('recovers from a checkpoint that could not be written, with each record once', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    await log.appendSafely(numbered(1))
    let writes = 0
    bench.disk.trouble = (operation) =>
      operation === 'write' && ++writes === 1 ? 'disk-full' : undefined
    await bench.clock.advance(CHECKPOINT_MS)
    await bench.settle()
    expect(log.fault).not.toBe(null)
    await bench.clock.advance(LOG_RETRY_MS)
    await bench.settle()
    await bench.clock.advance(CHECKPOINT_MS)
    await bench.settle()
    expect(numbersOf(bench.records())).toEqual([1, 'gap of 0'])
    expect(await bench.verify()).toMatchObject({ size: 2, covered: 2, faults: [] })
  })

  it('takes a disk that is too slow for one that cannot be written', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    const record = numbered(1, 250)
    const count = Math.ceil(LOG_QUEUE_BYTES_MAX / encodeRecord(record).length) + 10
    for (let each = 0; each < count; each++) log.append(record)
    expect((log.fault as AuditError).code).toBe('unwritable')
    while (log.fault !== null) await bench.settle()
    const numbers = numbersOf(bench.records())
    const gap = numbers.findIndex((number) => typeof number === 'string')
    expect(numbers[gap]).toBe(`gap of ${count - gap}`)
    expect(gap).toBe(numbers.length - 1)
  })

  it('keeps what waits when it is closed meanwhile, if it can be written by then', async () => {
    const bench = new LogBench()
    const log = await bench.open()
    bench.disk.trouble = () => 'io-error'
    log.append(numbered(1))
    await bench.settle()
    bench.disk.trouble = () => undefined
    await log[Symbol.asyncDispose]()
    expect(numbersOf(bench.records())).toEqual(['gap of 0', 1])
    expect(await bench.verify()).toMatchObject({ size: 2, covered: 2, faults: [] })
  })
})
