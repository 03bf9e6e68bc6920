import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FixtureTree, fixtureTree, readText, repositoryRoot } from './tree.ts'

const launcher = 'apps/cli/bin/ixj.js'

// The program of these trees makes ready for what it is told, and tells what it was started with.
const program = `
const [act, value] = process.argv.slice(2)
if (act === 'handle') process.on('SIGTERM', () => process.exit(3))
console.log(JSON.stringify({
  major: Number(process.versions.node.split('.')[0]),
  fromSource: import.meta.url.endsWith('/src/main.ts'),
  words: process.argv.slice(2),
}))
if (act === 'exit') process.exit(Number(value))
if (act === 'wait' || act === 'handle') setInterval(() => {}, 1_000)
`
const manifest = '{ "type": "module" }'

/** A checkout: sources, and the script that finds Node 24. */
function checkout(): FixtureTree {
  const tree = fixtureTree({
    [launcher]: readText(repositoryRoot, launcher),
    'apps/cli/package.json': manifest,
    'apps/cli/src/main.ts': `const typed: number = 1\nvoid typed\n${program}`,
    '.ci/with-node': readText(repositoryRoot, '.ci/with-node'),
  })
  chmodSync(join(tree.root, '.ci/with-node'), 0o755)
  return tree
}

/** The package as it is published: built files only. */
function published(): FixtureTree {
  return fixtureTree({
    [launcher]: readText(repositoryRoot, launcher),
    'apps/cli/package.json': manifest,
    'apps/cli/dist/main.js': program,
  })
}

// A Node older than 24 on this machine, if there is one.
const oldNode = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .filter((path) => existsSync(path))
  .find((path) => {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' })
    const major = Number(version.slice(1).split('.')[0])
    return major >= 18 && major < 24
  })

function start(tree: FixtureTree, words: readonly string[], node = process.execPath): ChildProcess {
  const PATH = [dirname(node), process.env['PATH']].join(delimiter)
  return spawn(node, [join(tree.root, launcher), ...words], { env: { ...process.env, PATH } })
}

interface Ended {
  readonly status: number | null
  readonly output: string
}

async function run(tree: FixtureTree, words: readonly string[], node?: string): Promise<Ended> {
  const started = start(tree, words, node)
  const written: string[] = []
  started.stdout?.on('data', (bytes: Buffer) => written.push(bytes.toString()))
  started.stderr?.on('data', (bytes: Buffer) => written.push(bytes.toString()))
  const [status] = (await once(started, 'close')) as [number | null]
  return { status, output: written.join('') }
}

/** Starts the program, waits until it speaks, sends a signal, and gives the exit status. */
async function stop(tree: FixtureTree, act: string, signal: NodeJS.Signals): Promise<unknown> {
  const started = start(tree, [act])
  if (started.stdout === null) throw new Error('The launcher has no output')
  await once(started.stdout, 'data')
  started.kill(signal)
  const [status] = (await once(started, 'close')) as [number | null]
  return status
}

describe('the launcher, under Node 24', () => {
  test('runs a checkout from source, with its words and exit status', async () => {
    using tree = checkout()
    const { status, output } = await run(tree, ['exit', '7', '--home', 'a folder'])
    expect(status).toBe(7)
    expect(JSON.parse(output)).toMatchObject({
      fromSource: true,
      words: ['exit', '7', '--home', 'a folder'],
    })
  })

  test('runs the built program where there is no source', async () => {
    using tree = published()
    const { status, output } = await run(tree, ['exit', '2'])
    expect(status).toBe(2)
    expect(JSON.parse(output)).toMatchObject({ fromSource: false, words: ['exit', '2'] })
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('passes %s on and ends with 128 + its number', async (signal, status) => {
    using tree = checkout()
    expect(await stop(tree, 'wait', signal)).toBe(status)
  })

  test('lets the program answer a signal by itself', async () => {
    using tree = checkout()
    expect(await stop(tree, 'handle', 'SIGTERM')).toBe(3)
  })
})

describe.skipIf(oldNode === undefined)('the launcher, under an older Node', () => {
  test('runs a checkout under Node 24', async () => {
    using tree = checkout()
    const { status, output } = await run(tree, ['exit', '7'], oldNode)
    expect(output).toContain('"words":["exit","7"]')
    expect(Number(/"major":(\d+)/.exec(output)?.[1])).toBeGreaterThanOrEqual(24)
    expect(status).toBe(7)
  })

  test('says which Node it needs where it cannot find one', async () => {
    using tree = published()
    const { status, output } = await run(tree, [], oldNode)
    expect(status).toBe(1)
    expect(output).toMatch(/^ixj needs Node 24 or newer, this is Node \d+\./)
  })
})
