import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtempDisposable, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const MODULE = fileURLToPath(new URL('../src/compiled-code.ts', import.meta.url))
const LIMITS = fileURLToPath(new URL('../src/home/limits.ts', import.meta.url))
const PROGRAM = `
const { keepCompiledCode } = await import(${JSON.stringify(MODULE)})
keepCompiledCode()
await import(${JSON.stringify(LIMITS)})
console.log(process.env.NODE_COMPILE_CACHE ?? 'nowhere')`

/** A program that imports something, with these variables; what it says of where it is kept. */
async function start(variables: Readonly<Record<string, string>>) {
  const words = ['--input-type=module', '--eval', PROGRAM]
  const env = { PATH: process.env['PATH'], ...variables }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { env })
  return { kept: stdout.trim(), stderr }
}

describe('keepCompiledCode()', () => {
  it('keeps what is imported afterwards, in a folder that is the user’s alone', async () => {
    await using home = await mkdtempDisposable(join(tmpdir(), 'ixj-compiled-'))
    const folder = join(home.path, '.cache/ixj/compiled')
    expect(await start({ HOME: home.path })).toEqual({ kept: folder, stderr: '' })
    const [version] = await readdir(folder)
    expect(await readdir(join(folder, version!))).not.toEqual([])
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it('goes to the cache folder that the user chose', async () => {
    await using caches = await mkdtempDisposable(join(tmpdir(), 'ixj-compiled-'))
    const { kept } = await start({ HOME: '/nonexistent', XDG_CACHE_HOME: caches.path })
    expect(kept).toBe(join(caches.path, 'ixj/compiled'))
  })

  it.each(['', 'caches'])('goes to no folder below where it was started: "%s"', async (given) => {
    await using home = await mkdtempDisposable(join(tmpdir(), 'ixj-compiled-'))
    const { kept } = await start({ HOME: home.path, XDG_CACHE_HOME: given })
    expect(kept).toBe(join(home.path, '.cache/ixj/compiled'))
  })

  it('runs nothing from a folder that others may write, and says so', async () => {
    await using home = await mkdtempDisposable(join(tmpdir(), 'ixj-compiled-'))
    const folder = join(home.path, '.cache/ixj/compiled')
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o777)
    const { kept, stderr } = await start({ HOME: home.path })
    expect(kept).toBe('nowhere')
    expect(stderr).toContain(`Cannot keep compiled code in ${folder}`)
    expect(stderr).toContain('others may write it, mode 777')
    expect(await readdir(folder)).toEqual([])
  })

  it('starts all the same where there is no folder to write to', async () => {
    const { kept, stderr } = await start({ HOME: '/dev/null' })
    expect(kept).toBe('nowhere')
    expect(stderr).toContain('ENOTDIR')
  })

  it.each(['NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE'])(
    'leaves it to %s where that is set',
    async (variable) => {
      await using home = await mkdtempDisposable(join(tmpdir(), 'ixj-compiled-'))
      const chosen = join(home.path, 'chosen')
      const { stderr } = await start({ HOME: home.path, [variable]: chosen })
      expect(stderr).toBe('')
      expect(await readdir(home.path)).not.toContain('.cache')
    },
  )
})
