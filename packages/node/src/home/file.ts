import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, link, mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HomeError } from './home-error.ts'

/** Only its owner may read or write it. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** The bits by which somebody else could read a file or change it. */
export const OTHERS_MAY_READ = 0o077
/** The bits by which somebody else could change a file. */
export const OTHERS_MAY_WRITE = 0o022

/** What a file must keep to before a byte of it is believed. */
export interface ReadRules {
  readonly bytesMax: number
  /** Mode bits that it must not have. */
  readonly forbidden: number
  /** Of a larger file its last bytes are read; without this it is refused. */
  readonly last?: boolean
}

/**
 * Reads a small file; undefined if there is none. Its size and mode are those of the open file, so
 * nothing is put in its place between check and use.
 * @throws HomeError `unsafe-mode` with the command that cures it, `too-large`, `malformed` (no plain
 * file), `file`
 */
export async function readBounded(path: string, rules: ReadRules): Promise<Uint8Array | undefined> {
  const handle = await openExisting(path)
  if (handle === undefined) return undefined
  try {
    const stats = await handle.stat()
    if (!stats.isFile())
      throw new HomeError('malformed', `Cannot read ${path}: it is no plain file`)
    checkMode(path, stats, rules.forbidden)
    if (rules.last === true && stats.size > rules.bytesMax) {
      return await readAt(handle, stats.size - rules.bytesMax, rules.bytesMax)
    }
    return await readWhole(handle, path, rules.bytesMax)
  } catch (cause) {
    throw asHomeError(cause, `Cannot read ${path}`)
  } finally {
    await handle.close()
  }
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    // Not blocking: a pipe that somebody put there would never open.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined
    throw asHomeError(cause, `Cannot read ${path}`)
  }
}

async function readWhole(handle: FileHandle, path: string, bytesMax: number): Promise<Uint8Array> {
  // One byte more than may be: a file that grows while it is read is seen, too.
  const bytes = await readAt(handle, 0, bytesMax + 1)
  if (bytes.length <= bytesMax) return bytes
  throw new HomeError('too-large', `Cannot read ${path}: over ${bytesMax} bytes, the limit`)
}

/** So many bytes from there; fewer at the file's end. */
async function readAt(handle: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const place = start + filled
    const { bytesRead } = await handle.read(buffer, filled, length - filled, place)
    if (bytesRead === 0) return buffer.slice(0, filled)
    filled += bytesRead
  }
  return buffer
}

/**
 * Writes a file in whole or not at all, in place of the one that was there: a crash leaves the old
 * one or the new one. Resolves when it would survive a crash.
 * @throws HomeError `file`
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  await withTemporary(path, text, (temporary) => rename(temporary, path))
}

/**
 * Writes a file that must not be there yet, in whole or not at all.
 * @throws HomeError `exists`, `file`
 */
export async function createFile(path: string, text: string): Promise<void> {
  await withTemporary(path, text, async (temporary) => {
    // A rename would overwrite; a link refuses, without a moment between looking and doing.
    await link(temporary, path)
    await unlink(temporary)
  })
}

async function withTemporary(
  path: string,
  text: string,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', FILE_MODE)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await place(temporary)
    await syncFolder(dirname(path))
  } catch (cause) {
    await removeIfThere(temporary)
    if (isSystemError(cause, 'EEXIST')) {
      throw new HomeError('exists', `Cannot write ${path}: it exists, and is not overwritten`, {
        cause,
      })
    }
    throw asHomeError(cause, `Cannot write ${path}`)
  }
}

/** Removes a file; nothing happens if there is none. @throws HomeError `file` */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (cause) {
    if (!isSystemError(cause, 'ENOENT')) throw asHomeError(cause, `Cannot remove ${path}`)
  }
}

/** Whether anything has this path. @throws HomeError `file` */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return false
    throw asHomeError(cause, `Cannot read ${path}`)
  }
}

/** Makes a folder that only its owner may enter, unless there is one. @throws HomeError `file` */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE })
  } catch (cause) {
    throw asHomeError(cause, `Cannot make folder ${path}`)
  }
}

/** Checks that a folder has none of these mode bits. @throws HomeError `unsafe-mode`, `file` */
export async function checkFolder(path: string, forbidden: number): Promise<void> {
  try {
    checkMode(path, await stat(path), forbidden)
  } catch (cause) {
    throw asHomeError(cause, `Cannot use folder ${path}`)
  }
}

function checkMode(path: string, stats: Stats, forbidden: number): void {
  // Windows has no such bits, and shows the same ones for every file.
  if (process.platform === 'win32' || (stats.mode & forbidden) === 0) return
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
  const may = forbidden === OTHERS_MAY_READ ? 'read or change' : 'change'
  const wanted = stats.isDirectory() ? '700' : '600'
  const reason = `its mode is ${mode}, so others may ${may} it; run: chmod ${wanted} ${quotePath(path)}`
  throw new HomeError('unsafe-mode', `Cannot use ${path}: ${reason}`)
}

function quotePath(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

/** A rename survives a crash only when its folder has been written, too. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isSystemError(cause: unknown, code: string): boolean {
  return cause instanceof Error && (cause as NodeJS.ErrnoException).code === code
}

/** What the operating system refused, as an error of ours; anything else is a bug and stays so. */
function asHomeError(cause: unknown, tried: string): Error {
  if (cause instanceof HomeError) return cause
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
  if (typeof code === 'string') return new HomeError('file', `${tried}: ${code}`, { cause })
  return cause instanceof Error ? cause : new Error(String(cause))
}
