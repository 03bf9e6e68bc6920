import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, cp, mkdtempDisposable, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { HistoryRows } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { historyContract } from '../../../../test/contract/history-contract.ts'
import { canMakeDisks, openSmallDisk } from '../../../../test/world/dns/small-disk.ts'
import { placeOf, rowOf } from '../../../../test/world/history-rows.ts'
import { HISTORY_QUEUED_BYTES_MAX, HISTORY_STAGED_BYTES } from '../../src/history/limits.ts'
import { openPlaceJournal } from '../../src/history/place-journal.ts'
import { openSqliteHistory } from '../../src/history/sqlite-history.ts'
import { systemClock } from '../../src/system-clock.ts'

const WRITER = fileURLToPath(new URL('../../../../test/world/history-writer.ts', import.meta.url))

async function openBench() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ixj-history-'))
  const path = join(folder.path, 'history', 'bundles.sqlite')
  let rows: HistoryRows = await openSqliteHistory(path)
  return {
    path,
    rows,
    again: async () => {
      await rows[Symbol.asyncDispose]()
      rows = await openSqliteHistory(path)
      return rows
    },
    [Symbol.asyncDispose]: async () => {
      await rows[Symbol.asyncDispose]()
      await folder.remove()
    },
  }
}

/** Histories in copies of a folder, as a crash would leave it. */
async function openCopies() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ixj-history-'))
  const opened: HistoryRows[] = []
  const pathOf = (number: number) => join(folder.path, String(number), 'bundles.sqlite')
  return {
    path: (rows: HistoryRows) => pathOf(opened.indexOf(rows)),
    copy: async (path: string) => {
      const copied = pathOf(opened.length)
      await cp(join(path, '..'), join(copied, '..'), { recursive: true })
      const rows = await openSqliteHistory(copied)
      opened.push(rows)
      return rows
    },
    [Symbol.asyncDispose]: async () => {
      for (const rows of opened) await rows[Symbol.asyncDispose]()
      await folder.remove()
    },
  }
}

historyContract('SQLite', openBench)

describe('a history in SQLite', () => {
  it('can be read by its owner alone', async () => {
    await using bench = await openBench()
    const { row, bytes } = rowOf(1)
    await bench.rows.put(row, bytes)
    for (const ending of ['', '-wal']) {
      expect((await stat(`${bench.path}${ending}`)).mode & 0o777).toBe(0o600)
    }
    expect((await stat(join(bench.path, '..'))).mode & 0o777).toBe(0o700)
  })

  it('says what to do about a file that is none, and leaves it alone', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-history-'))
    const path = join(folder.path, 'bundles.sqlite')
    await writeFile(path, 'no database, and longer than a header of one would be'.repeat(10))
    await expect(openSqliteHistory(path)).rejects.toMatchObject({
      code: 'file',
      message: expect.stringContaining('moved away, it is begun anew'),
    })
  })

  it('keeps bundles that are parts of one buffer, as those from a socket are', async () => {
    await using bench = await openBench()
    const parts = [rowOf(1), rowOf(2)]
    const whole = Buffer.concat(parts.map(({ bytes }) => bytes))
    let at = 0
    const stored = parts.map(({ row, bytes }) => {
      const part = whole.subarray(at, (at += bytes.length))
      return bench.rows.put(row, part)
    })
    await Promise.all(stored)
    const rows = await bench.again()
    const read = await rows.read(parts.map(({ row }) => row.id))
    expect(read.map((bytes) => toHex(bytes!))).toEqual(parts.map(({ bytes }) => toHex(bytes)))
  })

  it('keeps more at once than the memory holds that its thread shares, and less afterwards', async () => {
    await using bench = await openBench()
    const length = 60_000
    const many = Array.from(
      { length: Math.ceil(HISTORY_STAGED_BYTES / length) + 2 },
      (_, index) => {
        const { row } = rowOf(index + 1)
        return { row: { ...row, length }, bytes: new Uint8Array(length).fill(index + 1) }
      },
    )
    const last = rowOf(many.length + 1)
    await Promise.all(many.map(({ row, bytes }) => bench.rows.put(row, bytes)))
    await bench.rows.put(last.row, last.bytes)
    const all = [...many, last]
    const rows = await bench.again()
    const read = await rows.read(all.map(({ row }) => row.id))
    expect(read.map((bytes) => toHex(bytes!))).toEqual(all.map(({ bytes }) => toHex(bytes)))
  })

  it('lets nobody wait for a bundle that was removed while another was committed', async () => {
    await using bench = await openBench()
    const [one, other] = [rowOf(1, 60_000), rowOf(2, 60_000)]
    const stored = [bench.rows.put(one.row, one.bytes)]
    // The first is on its way to the disk.
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
    stored.push(bench.rows.put(other.row, other.bytes))
    bench.rows.remove([other.row.id])
    await Promise.all(stored)
    const [first, second] = await bench.rows.read([one.row.id, other.row.id])
    expect([first?.length, second]).toEqual([60_000, undefined])
  })

  it('is told what cannot wait for a slow disk', async () => {
    await using bench = await openBench()
    const large = 60_000
    const outcomes: string[] = []
    const stored = Array.from({ length: HISTORY_QUEUED_BYTES_MAX / large + 10 }, async (_, at) => {
      const { row, bytes } = rowOf(1, large)
      const id = new Uint8Array(32)
      new DataView(id.buffer).setUint32(0, at)
      await bench.rows.put({ ...row, id }, bytes).then(
        () => outcomes.push('stored'),
        (cause: { code: string }) => outcomes.push(cause.code),
      )
    })
    await Promise.all(stored)
    expect(new Set(outcomes)).toEqual(new Set(['stored', 'not-stored']))
    expect(outcomes.filter((outcome) => outcome === 'not-stored').length).toBeLessThan(20)
  })

  it.skipIf(!canMakeDisks())('tells a full disk, and goes on when there is room', async () => {
    await using disk = await openSmallDisk(2_048)
    await using rows = await openSqliteHistory(join(disk.folder, 'bundles.sqlite'))
    const others = join(disk.folder, 'of others')
    await writeFile(others, Buffer.alloc(1_000_000))
    const put = async (number: number) => {
      const { row, bytes } = rowOf(number, 60_000)
      await rows.put(row, bytes)
      return row.id
    }
    const stored: Uint8Array[] = []
    const fill = async () => {
      for (let number = 1; ; number++) stored.push(await put(number))
    }
    await expect(fill()).rejects.toMatchObject({ code: 'not-stored' })
    expect(stored.length).toBeGreaterThan(3)
    await unlink(others)
    stored.push(await put(200))
    const kept = await rows.read(stored)
    expect(kept.every((bytes) => bytes?.length === 60_000)).toBe(true)
  })

  it('has what is small in its journal when it is stored, and in its tables when it is opened again', async () => {
    await using bench = await openBench()
    await using after = await openCopies()
    const small = [rowOf(1), rowOf(2)]
    for (const { row, bytes } of small) await bench.rows.put(row, bytes)
    const journal = join(bench.path, '../journal-1')
    expect((await stat(journal)).size).toBeGreaterThan(200)
    expect((await stat(journal)).mode & 0o777).toBe(0o600)
    // What a crash in this moment would leave.
    const crashed = await after.copy(bench.path)
    const rows = await crashed.load()
    expect(rows.map((row) => ({ ...row }))).toEqual(small.map(({ row }) => row))
    const read = await crashed.read(rows.map(({ id }) => id))
    expect(read.map((bytes) => toHex(bytes!))).toEqual(small.map(({ bytes }) => toHex(bytes)))
    expect((await stat(join(after.path(crashed), '../journal-1'))).size).toBe(0)
    const again = await after.copy(after.path(crashed))
    expect((await again.load()).length).toBe(2)
  })

  it('reads its journal up to a record that is not whole', async () => {
    await using bench = await openBench()
    await using after = await openCopies()
    const { row, bytes } = rowOf(1)
    await bench.rows.put(row, bytes)
    await appendFile(join(bench.path, '../journal-1'), Buffer.from([0, 0, 0, 9, 0x9d]))
    const crashed = await after.copy(bench.path)
    expect((await crashed.load()).map(({ id }) => toHex(id))).toEqual([toHex(row.id)])
  })

  it('keeps what is in its journal when a commit fails, and commits it with the next', async () => {
    await using bench = await openBench()
    const [small, large] = [rowOf(1), rowOf(2, 20_000)]
    const other = new DatabaseSync(bench.path)
    other.exec('BEGIN IMMEDIATE')
    await bench.rows.put(small.row, small.bytes)
    await expect(bench.rows.put(large.row, large.bytes)).rejects.toMatchObject({
      code: 'not-stored',
    })
    expect(await bench.rows.read([small.row.id])).toEqual([small.bytes])
    other.exec('ROLLBACK')
    other.close()
    await bench.rows.put(large.row, large.bytes)
    expect((await stat(join(bench.path, '../journal-1'))).size).toBe(0)
    const rows = await bench.again()
    expect((await rows.load()).map(({ id }) => id[0])).toEqual([1, 2])
  })

  it('has lost nothing that was stored, and no place, after its process was killed', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-history-'))
    const words = ['--conditions=ixj:src', WRITER, folder.path]
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'ixj-compiled') }
    const writer = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(writer, 'close')
    let last = 0
    for await (const line of createInterface({ input: writer.stdout })) {
      last = Number(line)
      if (last === 25) writer.kill('SIGKILL')
    }
    await ended
    expect(last).toBeGreaterThanOrEqual(25)
    await using rows = await openSqliteHistory(join(folder.path, 'bundles.sqlite'))
    const there = new Set((await rows.load()).map(({ id }) => toHex(id)))
    await using journal = await openPlaceJournal(folder.path, systemClock)
    const places = await journal.load(Date.now())
    for (let number = 1; number <= last; number++) {
      expect(there).toContain(toHex(rowOf(number).row.id))
      expect(places[number - 1]).toEqual(placeOf(number))
    }
  })
})
