import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Name } from '@ixj/names'
import { OTHERS_MAY_WRITE, readBounded, removeIfThere, replaceFile } from './file.ts'
import { HomeError } from './home-error.ts'
import { CHANGE_WAIT_MS } from './limits.ts'

const SQLITE_BUSY = 5
const HOLDER_BYTES_MAX = 64
/** How often a lock is tried again that others have for some milliseconds. */
const RETRY_MS = 10

/**
 * Takes the lock of a name in a folder until it is disposed of, or the process ends in whatever
 * way. The lock is the kernel's, on NAME.lock, through SQLite: nothing has to be cleaned up after a
 * crash, and no process number is mistaken for another's, in containers too. NAME.holder says who
 * has it, for people.
 * @throws HomeError `in-use`, also within one process; `file`
 */
export async function openNameLock(folder: string, name: Name): Promise<AsyncDisposable> {
  const holder = join(folder, `${name}.holder`)
  const database = lockFile(join(folder, `${name}.lock`))
  if (database === undefined) {
    const reason = `${await describeHolder(holder)} uses it; end that, or take another name`
    throw new HomeError('in-use', `Cannot open "${name}" in ${folder}: ${reason}`)
  }
  try {
    await replaceFile(holder, `process ${process.pid}\n`)
  } catch (cause) {
    database.close()
    throw cause
  }
  return {
    [Symbol.asyncDispose]: async () => {
      if (!database.isOpen) return
      // First the note, then the lock: whoever takes it next has written a note of its own.
      await removeIfThere(holder)
      database.close()
    },
  }
}

/**
 * Takes the lock of a file that is about to be read and written anew, waiting for whoever does the
 * same; at most {@link CHANGE_WAIT_MS}.
 * @throws HomeError `in-use`, `file`
 */
export async function openChangeLock(folder: string, label: string): Promise<AsyncDisposable> {
  const path = join(folder, `${label}.lock`)
  const until = Date.now() + CHANGE_WAIT_MS
  for (;;) {
    const database = lockFile(path)
    if (database !== undefined) return { [Symbol.asyncDispose]: async () => database.close() }
    if (Date.now() >= until) {
      const reason = `others have ${path} for over ${CHANGE_WAIT_MS} ms`
      throw new HomeError('in-use', `Cannot change the ${label}: ${reason}`)
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

/** The open lock; undefined if somebody else has it. Nobody else may open this file, or it is lost. */
function lockFile(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof Error && 'errcode' in cause) {
      if (cause.errcode === SQLITE_BUSY) return undefined
      throw new HomeError('file', `Cannot lock ${path}: ${cause.message}`, { cause })
    }
    throw cause
  }
}

async function describeHolder(path: string): Promise<string> {
  const rules = { bytesMax: HOLDER_BYTES_MAX, forbidden: OTHERS_MAY_WRITE }
  const text = Buffer.from((await readBounded(path, rules)) ?? []).toString('latin1')
  return /^process \d+\n$/.test(text) ? text.trim() : 'another process'
}
