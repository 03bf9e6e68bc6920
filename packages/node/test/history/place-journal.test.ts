import {
  appendFile,
  mkdir,
  mkdtempDisposable,
  readdir,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { placeOf } from '../../../../test/world/history-rows.ts'
import {
  JOURNAL_FILE_BYTES,
  JOURNAL_GATHER_MS,
  JOURNAL_GATHERED_MAX,
} from '../../src/history/limits.ts'
import { openPlaceJournal } from '../../src/history/place-journal.ts'

const folderFor = () => mkdtempDisposable(join(tmpdir(), 'ixj-places-'))
const clock = new ManualClock()

/** Opens a journal, writes these, and closes it. */
async function write(folder: string, ...numbers: readonly number[]): Promise<void> {
  await using journal = await openPlaceJournal(folder, clock)
  await journal.load(0)
  for (const number of numbers) journal.append(placeOf(number))
}

async function read(folder: string, now = 0) {
  await using journal = await openPlaceJournal(folder, clock)
  return await journal.load(now)
}

describe('a journal of places', () => {
  it('gives what was written, in order, over several openings', async () => {
    await using folder = await folderFor()
    await write(folder.path, 1, 2, 3, 4)
    await write(folder.path, 5, 6)
    expect(await read(folder.path)).toEqual([1, 2, 3, 4, 5, 6].map((each) => placeOf(each)))
    for (const file of await readdir(folder.path)) {
      expect((await stat(join(folder.path, file))).mode & 0o777).toBe(0o600)
    }
  })

  it('passes over a record that was broken off, whatever is left of it', async () => {
    await using folder = await folderFor()
    await write(folder.path, 1, 2)
    const path = join(folder.path, 'places-1')
    const { size } = await stat(path)
    for (let cut = 1; cut < 60; cut++) {
      await truncate(path, size - cut)
      expect(await read(folder.path)).toEqual([placeOf(1)])
    }
    await write(folder.path, 3)
    expect(await read(folder.path)).toEqual([1, 3].map((each) => placeOf(each)))
  })

  it('passes over junk at its end', async () => {
    await using folder = await folderFor()
    await write(folder.path, 1)
    await appendFile(join(folder.path, 'places-1'), Buffer.alloc(500, 0xff))
    expect(await read(folder.path)).toEqual([placeOf(1)])
  })

  it('forgets what has ended, whole files of it, and touches no other', async () => {
    await using folder = await folderFor()
    await writeFile(join(folder.path, 'places-of-others'), 'theirs')
    await write(folder.path, 1)
    const { forgetAt } = placeOf(1)
    expect(await read(folder.path, forgetAt)).toHaveLength(1)
    expect(await read(folder.path, forgetAt + 1)).toEqual([])
    expect(await readdir(folder.path)).toEqual(['places-of-others'])
  })

  it('writes what may be gathered together, some milliseconds later', async () => {
    await using folder = await folderFor()
    const moving = new ManualClock()
    await using journal = await openPlaceJournal(folder.path, moving)
    for (const number of [1, 2, 3]) journal.append(placeOf(number), { gathered: true })
    expect(await read(folder.path)).toEqual([])
    await moving.advance(JOURNAL_GATHER_MS)
    expect(await read(folder.path)).toEqual([1, 2, 3].map((each) => placeOf(each)))
  })

  it('keeps the order of what may be gathered and what may not', async () => {
    await using folder = await folderFor()
    await using journal = await openPlaceJournal(folder.path, new ManualClock())
    journal.append(placeOf(1), { gathered: true })
    journal.append(placeOf(2))
    expect(await read(folder.path)).toEqual([1, 2].map((each) => placeOf(each)))
  })

  it('writes what was gathered when it closes', async () => {
    await using folder = await folderFor()
    {
      await using journal = await openPlaceJournal(folder.path, new ManualClock())
      journal.append(placeOf(1), { gathered: true })
    }
    expect(await read(folder.path)).toEqual([placeOf(1)])
  })

  it('writes at once when much has been gathered', async () => {
    await using folder = await folderFor()
    await using journal = await openPlaceJournal(folder.path, new ManualClock())
    for (let first = 1; first < JOURNAL_GATHERED_MAX; first++) {
      journal.append({ ...placeOf(1), first }, { gathered: true })
    }
    expect(await read(folder.path)).toHaveLength(JOURNAL_GATHERED_MAX - 1)
  })

  it('goes on in a new file when one is full, and reads all of them', async () => {
    await using folder = await folderFor()
    const count = Math.ceil(JOURNAL_FILE_BYTES / 40)
    await using journal = await openPlaceJournal(folder.path, clock)
    for (let first = 1; first <= count; first++) journal.append({ ...placeOf(1), first })
    expect((await readdir(folder.path)).length).toBeGreaterThan(1)
    expect((await read(folder.path)).length).toBe(count)
  })

  it('takes places where an old file cannot be removed', async () => {
    await using folder = await folderFor()
    const stuck = join(folder.path, 'places-1')
    const count = Math.ceil(JOURNAL_FILE_BYTES / 40)
    const later = new ManualClock()
    await later.advance(1_000)
    {
      await using journal = await openPlaceJournal(folder.path, later)
      await journal.load(0)
      journal.append({ ...placeOf(1), forgetAt: 1 })
      // A folder in the place of a file cannot be removed as one.
      await rm(stuck)
      await mkdir(stuck)
      for (let first = 1; first <= 2 * count; first++) {
        journal.append({ ...placeOf(1), first, forgetAt: 1 })
      }
    }
    // The others went.
    expect(await readdir(folder.path)).toEqual(['places-1'])
  })
})
