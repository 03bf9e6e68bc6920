import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type CollectedRow, formatTable, readRows } from './table.ts'

const USAGE = `usage: npm run scoreboard -- [ROW…]

Runs the rows of the scoreboard at their full counts, all of them or those whose files begin with what
is named: a17, l3-many. All take most of an hour on 2 cores and write docs/scoreboard.md; a part is
printed alone. Ends with 1 where a goal was missed.`

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The commit that is checked out, and whether files differ from it. */
function commitOf(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })
    const changed = git('status', '--porcelain').trim() === '' ? '' : ' with changes'
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${changed}`
  } catch {
    return 'unknown (no git here)'
  }
}

/** Where rows are: here, and beside the tests of what they are about. */
const PLACES = [
  'test/scoreboard',
  'packages/dns/test/wire/fuzz',
  'packages/dns/test/server/random-packets',
]

/** Rows about time: each is alone on the machine, before the others, two at once. */
const TIMED = [
  'a12-floods',
  'a17-socket-abuse',
  'a5-bombs',
  'f1-real-network',
  'f2-real-partition',
  'f6-deaf-consumer',
  'f9-simulation',
  'l1-crowd',
  'l3-many-to-one',
  'p8-pages',
].map((file) => `test/scoreboard/${file}.test.ts`)

/** How vitest is told to run all rows: in two calls, of which the first is for those about time. */
const PHASES: readonly (readonly string[])[] = [
  [...TIMED, '--no-file-parallelism'],
  [...PLACES, ...TIMED.flatMap((file) => ['--exclude', file])],
]

/** Runs rows at full counts, their lines shown as they come; resolves to vitest's status. */
function runRows(rowsFile: string, words: readonly string[]): Promise<number> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', ...words, '--reporter=dot'], {
    cwd: root,
    env: { ...process.env, IXJ_SCOREBOARD: 'full', IXJ_SCOREBOARD_ROWS: rowsFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let shown = existsSync(rowsFile) ? readRows(readFileSync(rowsFile, 'utf8')).length : 0
  const show = () => {
    const rows = existsSync(rowsFile) ? readRows(readFileSync(rowsFile, 'utf8')) : []
    for (; shown < rows.length; shown++) {
      const seconds = Math.round(performance.now() / 1_000)
      console.log(`${String(seconds).padStart(4)} s  ${rows[shown]?.line ?? ''}`)
    }
  }
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  const timer = setInterval(show, 1_000)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => {
      clearInterval(timer)
      show()
      if (status !== 0) console.log(output)
      resolve(status ?? 1)
    })
  })
}

/** What vitest is told for these rows: those about time are alone in any case. */
function phasesOf(names: readonly string[]): readonly (readonly string[])[] {
  if (names.length === 0) return PHASES
  return [[...names.map((name) => `scoreboard/${name}`), '--no-file-parallelism']]
}

async function main(names: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'ixj-scoreboard-'))
  try {
    const rowsFile = join(folder, 'rows.jsonl')
    console.log('Scoreboard: full counts, most of an hour for all on 2 cores')
    const before = commitOf()
    const gone = TIMED.filter((file) => !existsSync(join(root, file)))
    if (gone.length > 0) throw new Error(`Cannot run rows that are not there: ${gone.join(', ')}`)
    let status = 0
    for (const words of phasesOf(names)) status = Math.max(status, await runRows(rowsFile, words))
    const after = commitOf()
    const rows: readonly CollectedRow[] = existsSync(rowsFile)
      ? readRows(readFileSync(rowsFile, 'utf8'))
      : []
    const table = formatTable(rows, {
      // Numbers of a tree that changed under them are no commit's.
      commit: before === after ? before : `${before}, changed to ${after} while it ran`,
      node: process.version,
      date: new Date().toISOString().slice(0, 10),
    })
    if (names.length === 0) writeFileSync(join(root, 'docs/scoreboard.md'), table)
    console.log(`\n${table}`)
    const missed = rows.filter(({ met }) => !met)
    if (rows.length === 0) console.log('No row was run.')
    return status === 0 && missed.length === 0 && rows.length > 0 ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const words = process.argv.slice(2)
const unknown = words.find((word) => word.startsWith('-') && word !== '--help' && word !== '-h')
if (unknown !== undefined) {
  console.error(`scoreboard: there is no option ${unknown}\n\n${USAGE}`)
  process.exitCode = 2
} else if (words.includes('--help') || words.includes('-h')) {
  console.log(USAGE)
} else {
  process.exitCode = await main(words)
}
