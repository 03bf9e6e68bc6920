import fs from 'node:fs'
import { cp, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { rowOf } from '../../../../test/world/history-rows.ts'
import { openSqliteHistory } from '../../src/history/sqlite-history.ts'

/** Until it is disposed no file can be cut, and a write writes so many bytes at most. */
function faulty({ writesMost = Infinity } = {}): Disposable {
  vi.spyOn(fs, 'ftruncateSync').mockImplementation(() => {
    throw Object.assign(new Error('EIO: i/o error, ftruncate'), { code: 'EIO' })
  })
  const { writeSync } = fs
  vi.spyOn(fs, 'writeSync').mockImplementation((handle: number, bytes: unknown) =>
    writeSync(handle, Buffer.from(bytes as Uint8Array).subarray(0, writesMost)),
  )
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]: () => {
      vi.restoreAllMocks()
      syncBuiltinESMExports()
    },
  }
}

async function openFolder() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ixj-journal-'))
  const here = join(folder.path, 'here')
  const crashed = join(folder.path, 'crashed')
  await fs.promises.mkdir(here)
  return {
    path: join(here, 'bundles.sqlite'),
    journal: join(here, 'journal-1'),
    /** Which bundles there would be after a crash in this moment, as the first byte of each id. */
    afterCrash: async () => {
      await cp(here, crashed, { recursive: true })
      await using rows = await openSqliteHistory(join(crashed, 'bundles.sqlite'))
      return (await rows.load()).map(({ id }) => id[0])
    },
    [Symbol.asyncDispose]: () => folder.remove(),
  }
}

describe('the journal of a history', () => {
  it('hides nothing behind a record that was cut off, where its file cannot be emptied', async () => {
    await using folder = await openFolder()
    await writeFile(folder.journal, Buffer.from([0, 0, 0, 9, 0x9d]))
    using fault = faulty()
    await using rows = await openSqliteHistory(folder.path)
    const { row, bytes } = rowOf(1)
    await rows.put(row, bytes)
    fault[Symbol.dispose]()
    expect(await folder.afterCrash()).toEqual([1])
  })

  it('stores by a commit what it cannot take, and takes the next after it', async () => {
    await using folder = await openFolder()
    await using rows = await openSqliteHistory(folder.path)
    const [cut, next] = [rowOf(1), rowOf(2)]
    using fault = faulty({ writesMost: 30 })
    await rows.put(cut.row, cut.bytes)
    fault[Symbol.dispose]()
    await rows.put(next.row, next.bytes)
    expect(await folder.afterCrash()).toEqual([1, 2])
  })

  it('takes no record again whose bytes are others after a power cut', async () => {
    await using folder = await openFolder()
    await using rows = await openSqliteHistory(folder.path)
    for (const { row, bytes } of [rowOf(1), rowOf(2)]) await rows.put(row, bytes)
    const file = await readFile(folder.journal)
    // The last of it was never written to the disk.
    await writeFile(folder.journal, file.fill(0, file.length - 20))
    expect(await folder.afterCrash()).toEqual([1])
  })

  it('tells everybody whose bundle waits when a history closes and cannot be written', async () => {
    await using folder = await openFolder()
    const rows = await openSqliteHistory(folder.path)
    const other = new DatabaseSync(folder.path)
    other.exec('BEGIN IMMEDIATE')
    const large = [rowOf(1, 20_000), rowOf(2, 20_000)]
    const outcomes: string[] = []
    const put = async ({ row, bytes }: ReturnType<typeof rowOf>) => {
      await rows.put(row, bytes).catch(({ code }: { code: string }) => outcomes.push(code))
    }
    const first = put(large[0]!)
    // Its commit is under way.
    await new Promise((resolve) => setImmediate(resolve))
    const second = put(large[1]!)
    await rows[Symbol.asyncDispose]()
    other.close()
    expect(outcomes).toEqual(['not-stored', 'not-stored'])
    await Promise.all([first, second])
  })
})

/** More bundles than a call takes arguments; they are far from all that may wait. */
const MANY = 150_000

it('what is in the journal may be any number of bundles while no commit succeeds', async () => {
  await using folder = await openFolder()
  await using rows = await openSqliteHistory(folder.path)
  const other = new DatabaseSync(folder.path)
  other.exec('BEGIN IMMEDIATE')
  const { row, bytes } = rowOf(1, 10)
  for (let number = 0; number < MANY; number++) {
    const id = new Uint8Array(32)
    new DataView(id.buffer).setUint32(0, number)
    await rows.put({ ...row, id }, bytes)
  }
  const large = rowOf(2, 20_000)
  await expect(rows.put(large.row, large.bytes)).rejects.toMatchObject({ code: 'not-stored' })
  other.exec('ROLLBACK')
  other.close()
  await rows.put(large.row, large.bytes)
  expect((await fs.promises.stat(folder.journal)).size).toBe(0)
})
