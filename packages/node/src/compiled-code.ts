import { lstatSync, mkdirSync } from 'node:fs'
import { constants, enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import process from 'node:process'

/** Writable by others than its owner. */
const OTHERS_WRITE = 0o022

/**
 * Has Node keep what it compiles for the next start, of this process and of those that it starts: of
 * modules that are imported afterwards. It is written when the process ends, to `ixj/compiled` in the
 * user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`), some 10 MiB for each version of Node, and
 * may be deleted at any time. What `NODE_COMPILE_CACHE` or `NODE_DISABLE_COMPILE_CACHE` says goes
 * before it. Where nothing can be kept, a warning of the process tells why, and it starts as slowly
 * as before.
 */
export function keepCompiledCode(): void {
  const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE, XDG_CACHE_HOME } = process.env
  if ((NODE_COMPILE_CACHE ?? NODE_DISABLE_COMPILE_CACHE ?? '') !== '') return
  // "If an implementation encounters a relative path in any of these variables it should consider the
  // path invalid and ignore it" (XDG Base Directory Specification): it may be anybody's folder.
  const isChosen = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME)
  const caches = isChosen ? XDG_CACHE_HOME : join(homedir(), '.cache')
  const folder = join(caches, 'ixj', 'compiled')
  const fault = openFolder(folder)
  if (fault === undefined) process.env['NODE_COMPILE_CACHE'] = folder
  else process.emitWarning(`Cannot keep compiled code in ${folder}, so starts are slow: ${fault}`)
}

/** Why nothing is kept there, if so. */
function openFolder(folder: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    return (cause as Error).message
  }
  // What lies there is run: nobody else may have put it there. Node's own choice, the folder for
  // temporary files, is open to everybody.
  const { uid, mode } = lstatSync(folder)
  const user = process.getuid?.()
  if (user !== undefined && uid !== user) return `it belongs to user ${uid}, this is ${user}`
  if ((mode & OTHERS_WRITE) !== 0) return `others may write it, mode ${(mode & 0o777).toString(8)}`
  const { status, message } = enableCompileCache(folder)
  return status === constants.compileCacheStatus.FAILED ? (message ?? 'no reason given') : undefined
}
