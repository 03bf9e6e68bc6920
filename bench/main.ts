import { keepCompiledCode } from '@ixj/node/compiled-code'
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

const USAGE = `usage: npm run bench -- [BENCH…] [--quick] [--row PART]… [--check] [--json]
       npm run bench -- --page

Measures ${Object.keys(BENCHES).join(', ')}: all, or those that are named. A whole run takes
up to half an hour on 2 cores and writes bench/results/ and the pages in docs/ that are made of them;
what is quick or a part writes bench/results/partial/ alone.

  --quick     shorter, to see that it runs; its figures are no results
  --row PART  a part of a bench; may be given several times
  --check     afterwards, holds the ratios of the patterns against those committed last
  --page      measures nothing: makes the pages and pictures of what lies there
  --json      results as JSON, one object a line`

const OPTIONS = {
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    /** Afterwards, holds the patterns' ratios against those committed last. */
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    /** Measures nothing: makes docs/benchmarks.md and its pictures of what lies there. */
    page: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    /** A part of a bench, by its name; may be given several times. */
    row: { type: 'string', multiple: true, default: [] as string[] },
  },
} as const
const { values, positionals } = readArguments()

const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals
const unknown = names.find((name) => BENCHES[name] === undefined)
if (unknown !== undefined) {
  const there = Object.keys(BENCHES).join(', ')
  process.stderr.write(`bench: there is no "${unknown}"; there are: ${there}\n`)
  process.exit(2)
}
if (values.help) process.stdout.write(`${USAGE}\n`)
else if (values.page) await writePage()
else await runAll()

function readArguments() {
  try {
    return parseArgs(OPTIONS)
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    process.stderr.write(`bench: ${cause.message}\n\n${USAGE}\n`)
    return process.exit(2)
  }
}

async function runAll(): Promise<void> {
  // Of the processes of a part each compiles the same.
  keepCompiledCode()
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
  process.stderr.write(`${timetable.summary()}\n`)
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
  if (comparisons.some(({ verdict }) => verdict === 'fell')) process.exitCode = 1
}
