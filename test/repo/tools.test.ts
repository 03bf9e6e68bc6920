import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FixtureTree, fixtureTree, readText, repositoryRoot } from './tree.ts'

interface Ended {
  readonly status: number | null
  readonly output: string
}

/** A tree with one of the tools of `.ci` and the given files, all of `.ci` and `bin` executable. */
function treeWith(tool: string, files: Readonly<Record<string, string>>): FixtureTree {
  const path = `.ci/${tool}`
  const tree = fixtureTree({ [path]: readText(repositoryRoot, path), ...files })
  for (const each of [path, ...Object.keys(files)]) {
    if (/^(\.ci|bin)\//.test(each)) chmodSync(join(tree.root, each), 0o755)
  }
  return tree
}

interface Surroundings {
  /** Where commands are looked up before the usual places. */
  readonly folders?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

function run(
  tree: FixtureTree,
  [command = '', ...words]: readonly string[],
  { folders = [], environment = {} }: Surroundings = {},
): Ended {
  const PATH = [...folders, dirname(process.execPath), process.env['PATH']].join(delimiter)
  const { status, stdout, stderr } = spawnSync(join(tree.root, command), words, {
    encoding: 'utf8',
    env: { ...process.env, PATH, ...environment },
  })
  return { status, output: `${stderr}${stdout}` }
}

describe('.ci/run', () => {
  // In the place of the test runner: writes a report where it is told to, and exits as it is told.
  const runner = (report: unknown, status: number): Readonly<Record<string, string>> => ({
    'package.json': JSON.stringify({ type: 'module', scripts: { test: 'node runner.js' } }),
    'runner.js': `
      import { writeFileSync } from 'node:fs'
      const path = process.argv.find((word) => word.startsWith('--outputFile.json='))
      const report = ${JSON.stringify(JSON.stringify(report)) ?? 'undefined'}
      if (report !== undefined) writeFileSync(path.split('=')[1], report)
      console.log('CI is ' + process.env.CI)
      process.exit(${status})
    `,
  })
  const report = (
    passed: number,
    failed: number,
    testResults: readonly unknown[] = [],
  ): object => ({
    numPassedTests: passed,
    numFailedTests: failed,
    testResults,
  })
  const unloaded = { status: 'failed', assertionResults: [] }
  const oneFailed = { status: 'failed', assertionResults: [{ status: 'failed' }] }

  test.each([
    ['all passed', report(12, 0), 0, '12 passed, 0 failed', 0],
    ['some failed', report(10, 2, [oneFailed]), 1, '10 passed, 2 failed', 1],
    ['a file could not be loaded', report(5, 0, [unloaded]), 1, '5 passed, 1 failed', 1],
    ['tests and a file failed', report(5, 1, [oneFailed, unloaded]), 1, '5 passed, 2 failed', 1],
    ['an error came from outside of a test', report(5, 0), 1, '5 passed, 1 failed', 1],
    ['no test ran', report(0, 0), 0, '0 passed, 1 failed', 1],
    ['there is no report', undefined, 0, '0 passed, 1 failed', 1],
    ['the test command could not start', undefined, 127, '0 passed, 1 failed', 127],
    ['the runner says success in spite of a failure', report(1, 1), 0, '1 passed, 1 failed', 1],
  ])('ends with the counts where %s', (_, written, runnerStatus, last, status) => {
    using tree = treeWith('run', runner(written, runnerStatus))
    const ended = run(tree, ['.ci/run'])
    expect(ended.output).toContain('CI is true')
    expect(ended.output.trimEnd().split('\n').at(-1)).toBe(last)
    expect(ended.status).toBe(status)
  })
})

describe('.ci/ready', () => {
  // In the place of npm: says what it was asked, and leaves what `npm ci` leaves.
  const npm = [
    '#!/bin/sh',
    'echo "npm $1 in $(basename "$PWD")"',
    'mkdir -p node_modules && touch node_modules/.package-lock.json',
  ].join('\n')
  const files = { 'package-lock.json': '{}', 'bin/npm': npm }

  function ready(tree: FixtureTree): Ended {
    return run(tree, ['.ci/ready', 'sh', '-c', 'echo done; exit 4'], {
      folders: [join(tree.root, 'bin')],
    })
  }

  function leaveInstalled(tree: FixtureTree, seconds: number): void {
    const path = join(tree.root, 'node_modules/.package-lock.json')
    mkdirSync(dirname(path))
    writeFileSync(path, '{}')
    const lock = 1_700_000_000
    utimesSync(join(tree.root, 'package-lock.json'), lock, lock)
    utimesSync(path, lock + seconds, lock + seconds)
  }

  test('installs what is missing, then runs the command and ends like it', () => {
    using tree = treeWith('ready', files)
    const first = ready(tree)
    expect(first.output).toMatch(/npm ci in ixj-tree-/)
    expect(first.status).toBe(4)
    expect(ready(tree).output).toBe('done\n')
  })

  test('installs again after the lock file has changed', () => {
    using tree = treeWith('ready', files)
    leaveInstalled(tree, -1)
    expect(ready(tree).output).toContain('npm ci')
  })

  test('installs nothing where the lock file is older', () => {
    using tree = treeWith('ready', files)
    leaveInstalled(tree, 1)
    expect(ready(tree).output).toBe('done\n')
  })

  test('does not run the command where installing fails', () => {
    using tree = treeWith('ready', { ...files, 'bin/npm': '#!/bin/sh\nexit 9' })
    const ended = ready(tree)
    expect(ended.output).not.toContain('done')
    expect(ended.status).toBe(9)
  })
})

// Elsewhere it fetches nothing.
const fetches = process.platform === 'linux' && process.arch === 'x64'

describe.skipIf(!fetches)('.ci/with-node', () => {
  // In the place of an old Node and of a registry that sends something else than Node.
  const node = '#!/bin/sh\necho 20'
  const npm = [
    '#!/bin/sh',
    'mkdir -p package/bin',
    'printf "#!/bin/sh\\necho forged\\n" > package/bin/node',
    'chmod +x package/bin/node',
    'tar -czf node.tgz package',
  ].join('\n')

  test('runs the command at once under a new Node', () => {
    using tree = treeWith('with-node', {})
    expect(run(tree, ['.ci/with-node', 'sh', '-c', 'exit 4']).status).toBe(4)
    expect(run(tree, ['.ci/with-node']).status).toBe(2)
  })

  function fetching(files: Readonly<Record<string, string>>): Ended & { kept: boolean } {
    using tree = treeWith('with-node', files)
    const home = { XDG_CACHE_HOME: join(tree.root, 'cache') }
    const words = ['.ci/with-node', 'node', '--version']
    const ended = run(tree, words, { folders: [join(tree.root, 'bin')], environment: home })
    return { ...ended, kept: readdirSync(join(tree.root, 'cache/ixj')).length > 0 }
  }

  test('refuses a Node with another checksum, and keeps nothing of it', () => {
    const ended = fetching({ 'bin/node': node, 'bin/npm': npm })
    expect(ended).toMatchObject({ status: 1, kept: false })
    expect(ended.output).toContain('does not have the expected SHA-256')
    expect(ended.output).not.toContain('forged')
  })

  test('does not run the command where fetching fails', () => {
    const ended = fetching({ 'bin/node': node, 'bin/npm': '#!/bin/sh\nexit 1' })
    expect(ended).toMatchObject({ status: 1, kept: false })
    expect(ended.output).toContain('cannot fetch')
  })
})
