import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DnsError } from '../proof.ts'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
/** The bits by which somebody else could read a file or change it. */
const OTHERS = 0o077

/**
 * Makes an empty file that only its owner may read, and its folder. @throws DnsError `storage`, also
 * if it is there
 */
export function createPrivateFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE })
    checkMode(dirname(path))
    closeSync(openSync(path, 'wx', FILE_MODE))
  } catch (cause) {
    throw asStorageError(cause, `Cannot make ${path}`)
  }
}

/**
 * Checks that nobody but its owner may read a file or enter its folder: a zone's key is in it.
 * @throws DnsError `storage` with the command that cures it
 */
export function checkPrivateFile(path: string): void {
  try {
    checkMode(dirname(path))
    checkMode(path)
  } catch (cause) {
    throw asStorageError(cause, `Cannot open ${path}`)
  }
}

function checkMode(path: string): void {
  const stats = statSync(path)
  // Windows has no such bits, and shows the same ones for every file.
  if (process.platform === 'win32' || (stats.mode & OTHERS) === 0) return
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
  const wanted = stats.isDirectory() ? '700' : '600'
  const quoted = /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
  const reason = `its mode is ${mode}, so others may read it; run: chmod ${wanted} ${quoted}`
  throw new DnsError('storage', `Cannot use ${path}: ${reason}`)
}

/** What the operating system or SQLite refused, as an error of ours; anything else is a bug. */
export function asStorageError(cause: unknown, tried: string): Error {
  if (cause instanceof DnsError) return cause
  if (!(cause instanceof Error)) return new Error(String(cause))
  const code = (cause as NodeJS.ErrnoException).code
  if (code === undefined) return cause
  const why = 'errcode' in cause ? cause.message : code
  return new DnsError('storage', `${tried}: ${why}`, { cause })
}
