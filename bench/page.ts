import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BENCHES } from './benches.ts'
import { fillPage, markdownTable } from './fill-page.ts'
import { PATTERN_BLOCKS } from './patterns/page.ts'
import { plotsOf } from './patterns/plots.ts'
import type { PatternRow } from './patterns/rows.ts'
import { scaleBlocks } from './scale/page.ts'
import { scalePlots } from './scale/plots.ts'
import type { ScaleRow } from './scale/scale.ts'
import { readResults, RESULTS, writeText, type Results } from './results.ts'

/** The page for people, which shows what was last committed. */
export const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url))

/** The page about what grows, how, and what breaks first. */
export const SCALE_PAGE = fileURLToPath(new URL('../docs/scale.md', import.meta.url))

/** Makes the pages' tables and their pictures of the results that lie in bench/results. */
export async function writePage(): Promise<void> {
  for (const page of [PAGE, SCALE_PAGE]) writeText(page, pageOf(readFileSync(page, 'utf8')))
  const scale = (readResults('scale')?.rows ?? []) as readonly ScaleRow[]
  for (const [name, svg] of await scalePlots(scale)) writeText(join(RESULTS, name), svg)
  const patterns = readResults('patterns')
  if (patterns !== undefined) await writePlots(patterns.rows as readonly PatternRow[], RESULTS)
}

/** Draws the patterns' pictures into a folder. */
export async function writePlots(rows: readonly PatternRow[], folder: string): Promise<void> {
  for (const [name, svg] of await plotsOf(rows)) writeText(join(folder, name), svg)
}

/** A page with its measured blocks as the results have them. */
export function pageOf(page: string): string {
  const patterns = readResults('patterns')
  const calculated = scaleBlocks(readResults('scale'), readResults('dns'))
  return fillPage(page, (name) => {
    if (name === 'circumstances') return circumstancesBlock()
    if (name in BENCHES) return benchBlock(readResults(name))
    if (name in calculated) return calculated[name]
    const block = PATTERN_BLOCKS[name]
    if (block === undefined) return undefined
    if (patterns === undefined) return 'Not measured yet.'
    return block(patterns.rows as readonly PatternRow[])
  })
}

function circumstancesBlock(): string {
  const measured = Object.keys(BENCHES).map((name) => readResults(name))
  const found = measured.filter((results) => results !== undefined)
  if (found.length === 0) return 'Not measured yet.'
  return markdownTable(
    ['bench', 'commit', 'date', 'took', 'load before', 'run'],
    found.map(({ bench, commit, date, seconds, load, quick }) => [
      bench,
      commit,
      date.slice(0, 16).replace('T', ' '),
      `${Math.round(seconds)} s`,
      String(load),
      quick ? 'quick' : 'whole',
    ]),
  ).concat(machineText(found[0]))
}

function machineText(results: Results | undefined): string {
  if (results === undefined) return ''
  const { processors, memoryGiB, node, versions } = results
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `\n\nMachine: ${processors}, ${memoryGiB} GiB; Node ${node}; ${peers.join(', ')}.`
}

/** A table of lines for people, as a terminal shows it. */
function benchBlock(results: Results | undefined): string {
  if (results === undefined) return 'Not measured yet.'
  const [head = [], ...lines] = results.table
  const columns = Math.max(head.length, ...lines.map((line) => line.length))
  const whole = Array.from({ length: columns }, (_, column) => head[column] ?? '')
  return markdownTable(whole, lines)
}
