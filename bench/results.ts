import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchResult } from './table.ts'

/** Where and on what something was measured. */
export interface Circumstances {
  readonly commit: string
  readonly node: string
  readonly processors: string
  readonly memoryGiB: number
  /** Of the minute before: what else ran. */
  readonly load: number
  readonly date: string
  /** Of peers: servers and clients. */
  readonly versions: Readonly<Record<string, string>>
}

/** What a bench left behind. */
export interface Results extends Circumstances {
  readonly bench: string
  /** A tenth of the time: figures to look at, not to quote. */
  readonly quick: boolean
  /** How long it took. */
  readonly seconds: number
  readonly rows: readonly object[]
  readonly table: BenchResult['table']
}

const root = fileURLToPath(new URL('..', import.meta.url))
/** Whole runs: these are committed, and docs/benchmarks.md is made of them. */
export const RESULTS = join(root, 'bench/results')
/** Quick looks and single rows, for who asked alone. */
export const PARTIAL = join(RESULTS, 'partial')

const PEER_PACKAGES = ['@nats-io/transport-node', 'mqtt', '@a2a-js/sdk', 'express']
const PEER_PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'nats-server': ['--version'],
  mosquitto: ['-h'],
  openssl: ['version'],
}

/** This machine, this commit, now. */
export function circumstances(): Circumstances {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    encoding: 'utf8',
    cwd: root,
  })
  return {
    commit: commit.trim(),
    node: process.version,
    processors: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    load: Number(loadavg()[0]?.toFixed(2)),
    date: new Date().toISOString(),
    versions: { ...packageVersions(), ...programVersions() },
  }
}

/** What lies in a folder of a bench, if anything. */
export function readResults(bench: string, folder = RESULTS): Results | undefined {
  const path = join(folder, `${bench}.json`)
  if (!existsSync(path)) return undefined
  return JSON.parse(readFileSync(path, 'utf8')) as Results
}

/** What was last committed of a bench, if anything. */
export function committedResults(bench: string): Results | undefined {
  const path = `HEAD:bench/results/${bench}.json`
  const shown = spawnSync('git', ['show', path], { encoding: 'utf8', cwd: root })
  return shown.status === 0 ? (JSON.parse(shown.stdout) as Results) : undefined
}

/** Writes a file of results: one line for each row, so that a change of one shows as one. */
export function writeResults(results: Results, folder: string): void {
  const { rows, table, ...head } = results
  const text = [
    JSON.stringify(head, null, 2).replace(/\n\}$/, ','),
    `  "rows": [\n${rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n')}\n  ],`,
    `  "table": [\n${table.map((line) => `    ${JSON.stringify(line)}`).join(',\n')}\n  ]`,
    '}\n',
  ].join('\n')
  writeText(join(folder, `${results.bench}.json`), text)
}

/** Writes a file, and its folder where it is not there. */
export function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function packageVersions(): Readonly<Record<string, string>> {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>
  }
  return Object.fromEntries(PEER_PACKAGES.map((name) => [name, devDependencies[name] ?? '']))
}

function programVersions(): Readonly<Record<string, string>> {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` }
  return Object.fromEntries(
    Object.entries(PEER_PROGRAMS).map(([program, words]) => {
      const { stdout } = spawnSync(program, words, { encoding: 'utf8', env })
      return [program, /\d+\.\d+[\w.-]*/.exec(stdout ?? '')?.[0] ?? 'not installed']
    }),
  )
}
