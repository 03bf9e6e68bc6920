import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { serverPath } from './server-process.ts'

/** The programs that are not installed, or not for us. */
export function missingPrograms(programs: readonly string[]): string[] {
  const folders = serverPath().split(delimiter)
  return programs.filter((program) => !folders.some((folder) => canRun(join(folder, program))))
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return false
    throw error
  }
}
