import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fillPage } from '../../bench/fill-page.ts'
import { PAGE, pageOf } from '../../bench/page.ts'
import { plotsOf } from '../../bench/patterns/plots.ts'
import type { PatternRow } from '../../bench/patterns/rows.ts'
import { readResults, RESULTS } from '../../bench/results.ts'

const patterns = readResults('patterns')?.rows as readonly PatternRow[]

test('docs/benchmarks.md holds the figures of bench/results, and no others', () => {
  const page = readFileSync(PAGE, 'utf8')
  expect(page).toContain('<!-- measured: throughput -->')
  expect(pageOf(page)).toBe(page)
})

test('the pictures in bench/results are those of its figures', async () => {
  const plots = await plotsOf(patterns)
  expect([...plots.keys()]).toEqual(['throughput.svg', 'cpu.svg', 'bytes.svg', 'latency.svg'])
  for (const [name, svg] of plots) {
    expect(readFileSync(join(RESULTS, name), 'utf8') === svg, name).toBe(true)
  }
})

test('plotsOf() draws each contender, and nothing without rows', async () => {
  const [, throughput] = [...(await plotsOf(patterns)).entries()][0] ?? []
  expect(throughput).toContain('NATS, plain')
  expect(throughput).toContain('ixj: signed')
  expect(await plotsOf([])).toEqual(new Map())
})

const BLOCK = 'Before\n<!-- measured: speed -->\nold\n<!-- end -->\nafter'

test('fillPage() makes measured blocks anew and leaves the rest', () => {
  const filled = fillPage(BLOCK, (name) => `${name}: 5`)
  expect(filled).toBe('Before\n<!-- measured: speed -->\n\nspeed: 5\n\n<!-- end -->\nafter')
  expect(fillPage(filled, (name) => `${name}: 5`)).toBe(filled)
})

test('fillPage() refuses a block that nobody makes', () => {
  expect(() => fillPage(BLOCK, () => undefined)).toThrow('nobody measures "speed"')
})
