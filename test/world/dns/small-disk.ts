import { spawnSync } from 'node:child_process'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './programs.ts'

const UNSHARE = 'unshare'

/** A folder on a disk of its own, which is soon full. */
export interface SmallDisk extends AsyncDisposable {
  readonly folder: string
}

/** Whether this user may make one: only root may, and not in every container. */
export function canMakeDisks(): boolean {
  // In a name space of its own, so that nothing stays mounted.
  const words = ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]
  return process.platform === 'linux' && spawnSync(UNSHARE, words).status === 0
}

/** Makes one of so many KiB in memory. */
export async function openSmallDisk(kibibytes: number): Promise<SmallDisk> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ixj-disk-'))
  const words = ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', folder.path]
  const { status, output } = await runProgram('mount', words)
  if (status !== 0) throw new Error(`Cannot make a disk: ${output}`)
  return {
    folder: folder.path,
    [Symbol.asyncDispose]: async () => {
      await runProgram('umount', [folder.path])
      await folder.remove()
    },
  }
}
