import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchBirths } from './births/births.ts'
import { benchDns } from './dns/dns.ts'
import { benchPatterns } from './patterns/patterns.ts'
import { benchState } from './state/state.ts'
import { type Bench, formatTable } from './table.ts'
import { benchTrust } from './trust/trust.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    row: { type: 'string', multiple: true },
  },
})

const benches: Readonly<Record<string, Bench>> = {
  births: benchBirths,
  dns: benchDns,
  patterns: benchPatterns,
  state: benchState,
  trust: benchTrust,
}
const chosen = positionals.length === 0 ? Object.keys(benches) : positionals

for (const name of chosen) {
  const bench = benches[name]
  if (bench === undefined) {
    process.stderr.write(
      `bench: there is no "${name}"; there are: ${Object.keys(benches).join(', ')}\n`,
    )
    process.exit(2)
  }
  const scale = values.quick === true ? 0.1 : 1
  const progress = (line: string) => void process.stderr.write(`bench ${name}: ${line}\n`)
  const { rows, table } = await bench(scale, progress, values.row ?? [])
  const result = { bench: name, ...circumstances(), rows }
  keep(name, result)
  process.stdout.write(
    values.json === true ? `${JSON.stringify(result)}\n` : `${formatTable(table)}\n`,
  )
}

function circumstances() {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  return {
    commit,
    node: process.version,
    processors: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    date: new Date().toISOString(),
  }
}

function keep(name: string, result: unknown): void {
  const folder = fileURLToPath(new URL('./results/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify(result, null, 2)}\n`)
}
