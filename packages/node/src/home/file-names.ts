import { readdir } from 'node:fs/promises'
import { isName, type Name } from '@ixj/names'
import { HomeError } from './home-error.ts'
import { FILE_NAME_MAX } from './limits.ts'

/** The file of a name. Names hold no `/` and start with no dot, so none leads out of its folder. */
export function fileName(name: Name, ending: string): string {
  if (name.length <= FILE_NAME_MAX) return `${name}${ending}`
  const size = `${name.length} characters, limit ${FILE_NAME_MAX}`
  throw new HomeError('too-large', `Cannot keep files of "${name}": ${size}`)
}

/** The names whose files lie in a folder, sorted; other files are passed over. */
export async function listNames(folder: string, ending: string): Promise<readonly Name[]> {
  const files = await listFolder(folder)
  return files
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, file.length - ending.length))
    .filter((name) => isName(name))
    .toSorted()
}

/** What a folder holds; nothing, if there is none. @throws HomeError `file` */
export async function listFolder(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return []
    throw new HomeError('file', `Cannot list ${path}: ${code ?? cause.message}`, { cause })
  }
}
