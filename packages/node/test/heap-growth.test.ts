import { execFile } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const MODULE = fileURLToPath(new URL('../src/heap-growth.ts', import.meta.url))
const PROGRAM = `
const { letHeapGrow } = await import(${JSON.stringify(MODULE)})
if (process.argv[1] === 'grows') letHeapGrow()
const live = Array.from({ length: 500_000 }, (_, index) => [index])
gc()
console.log(live.length)`

/** To how many times of what lives in it the heap of a program may grow, by what V8 tells of itself. */
async function growthOf(heap: 'grows' | 'is left', flags: readonly string[] = []): Promise<number> {
  // A program that V8 lets grow little by itself, as it does with one in which little grows old.
  const tells = ['--expose-gc', '--trace-gc-verbose', '--optimize-for-size', ...flags]
  const words = [...tells, '--input-type=module', '--eval', PROGRAM, heap]
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 1e8 })
  const limits = [
    ...stdout.matchAll(/\[HeapController\] Limit: old size: (\d+) KB, new limit: (\d+)/g),
  ]
  const [, size, limit] = limits.at(-1)!
  return Number(limit) / Number(size)
}

describe('letHeapGrow()', () => {
  it('lets a heap grow to four times of what lives in it', async () => {
    expect(await growthOf('is left')).toBeLessThan(4)
    expect(await growthOf('grows')).toBeGreaterThanOrEqual(4)
  })

  it('leaves to whoever starts the program what they said', async () => {
    expect(await growthOf('grows', ['--heap-growing-percent=50'])).toBeLessThan(4)
  })
})
