import { parseArgs } from 'node:util'
import { BENCHES } from './benches.ts'
import { comparisonLines, compareRatios } from './patterns/check.ts'
import type { PatternRow } from './patterns/rows.ts'
import { writePage, writePlots } from './page.ts'
import {
  circumstances,
  committedResults,
  PARTIAL,
  RESULTS,
  writeResults,
  type Results,
} from './results.ts'
import { formatTable } from './table.ts'
import { Timetable } from './timetable.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Afterwards, holds the patterns' ratios against those committed last. */
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    /** Measures nothing: makes docs/benchmarks.md and its pictures of what lies there. */
    page: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    /** A part of a bench, by its name; may be given several times. */
    row: { type: 'string', multiple: true, default: [] },
  },
})

const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals
const unknown = names.find((name) => BENCHES[name] === undefined)
if (unknown !== undefined) {
  const there = Object.keys(BENCHES).join(', ')
  process.stderr.write(`bench: there is no "${unknown}"; there are: ${there}\n`)
  process.exit(2)
}
if (!values.page) await runAll()
else await writePage()

async function runAll(): Promise<void> {
  const isWhole = !values.quick && values.row.length === 0
  const folder = isWhole ? RESULTS : PARTIAL
  const timetable = new Timetable(names, values.quick)
  for (const name of names) {
    try {
      const results = await runOne(name, timetable)
      writeResults(results, folder)
      if (name === 'patterns') await writePlots(results.rows as readonly PatternRow[], folder)
      const text = values.json ? JSON.stringify(results) : formatTable(results.table)
      process.stdout.write(`${text}\n`)
      if (name === 'patterns' && values.check) check(results)
    } catch (cause) {
      // One bench that fails does not take the others' figures with it.
      const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
      process.stderr.write(`bench ${name}: failed: ${text}\n`)
      process.exitCode = 1
    }
    timetable.ended(name)
  }
  if (isWhole) await writePage()
}

async function runOne(name: string, timetable: Timetable): Promise<Results> {
  const bench = BENCHES[name]
  if (bench === undefined) throw new Error(`There is no "${name}"`)
  const around = circumstances()
  const progress = (line: string) =>
    void process.stderr.write(`${timetable.text()}  ${name}: ${line}\n`)
  const began = performance.now()
  const { rows, table } = await bench(values.quick ? 0.1 : 1, progress, values.row)
  const seconds = Math.round((performance.now() - began) / 1_000)
  return { bench: name, quick: values.quick, ...around, seconds, rows, table }
}

function check(results: Results): void {
  const before = committedResults('patterns')
  if (before === undefined) {
    process.stderr.write('bench: nothing is committed to compare with\n')
    return
  }
  const [then, now] = [before.rows, results.rows] as (readonly PatternRow[])[]
  const comparisons = compareRatios(then ?? [], now ?? [])
  process.stdout.write(`\n${formatTable(comparisonLines(comparisons))}\n`)
  if (comparisons.some(({ fell }) => fell)) process.exitCode = 1
}
