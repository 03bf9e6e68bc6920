import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freePort } from '../world/dns/free-port.ts'
import { fencedBlocks, findReadmeFaults, runReadme } from './readme.ts'
import { type FixtureTree, fixtureTree, repositoryRoot } from './tree.ts'

const readmePath = join(repositoryRoot, 'README.md')
const readme = existsSync(readmePath) ? readFileSync(readmePath, 'utf8') : ''
/** All examples together; the demonstration itself has a test of its own. */
const readmeMillisecondsMax = 240_000

function repository(): FixtureTree {
  return fixtureTree({
    'package.json': JSON.stringify({ type: 'module', scripts: { test: 'vitest run' } }),
  })
}

function block(language: string, ...lines: string[]): string {
  return ['```' + language, ...lines, '```', ''].join('\n')
}

test('the README names only what exists', () => {
  expect(findReadmeFaults(repositoryRoot, readme)).toEqual([])
})

/** It takes a minute of all processors, so only a whole run has it: `npm test`. */
const isWhole = process.env['npm_lifecycle_event'] === 'test'

test.skipIf(!isWhole)(
  'every command and example of the README runs',
  { timeout: readmeMillisecondsMax },
  async () => {
    const signal = AbortSignal.timeout(readmeMillisecondsMax - 5_000)
    const run = await runReadme(repositoryRoot, await withFreePorts(readme), { signal })
    expect(run.status, run.output).toBe(0)
    expect(run.leftovers).toEqual([])
  },
)

/** The same text with ports of this run alone: somebody may be trying the README beside us. */
async function withFreePorts(markdown: string): Promise<string> {
  const ports = new Map<string, number>()
  for (const [, port = ''] of markdown.matchAll(/127\.0\.0\.1(?::|\/tcp\/)(\d+)/g)) {
    // oxlint-disable-next-line no-await-in-loop -- A few ports, each taken after the one before.
    if (!ports.has(port)) ports.set(port, await freePort())
  }
  const own = (_: string, front: string, port: string) => `${front}${ports.get(port)}`
  return markdown.replaceAll(/(127\.0\.0\.1(?::|\/tcp\/))(\d+)/g, own)
}

describe('fencedBlocks()', () => {
  test('gives language, line and text', () => {
    const text = `# Title\n\n${block('sh', 'echo 1', 'echo 2')}\n${block('ts', 'export {}')}`
    expect(fencedBlocks(text)).toEqual([
      { language: 'sh', line: 3, text: 'echo 1\necho 2\n' },
      { language: 'ts', line: 8, text: 'export {}\n' },
    ])
  })

  test('rejects a block without an end', () => {
    expect(() => fencedBlocks('```sh\necho 1\n')).toThrow('line 1')
  })
})

describe('findReadmeFaults()', () => {
  test.each([
    ['a missing script in a block', block('sh', 'npm run gone')],
    ['a missing script in a sentence', 'Start it with `npm start`.'],
    ['a block that nothing runs', block('bash', 'exit 1')],
    ['a block without a language', block('', 'exit 1')],
    ['a failure that && would hide', block('sh', 'false && true')],
  ])('rejects %s', (_, text) => {
    using tree = repository()
    expect(findReadmeFaults(tree.root, text)).toHaveLength(1)
  })

  test('accepts what exists', () => {
    using tree = repository()
    expect(findReadmeFaults(tree.root, `Run \`npm test\`.\n${block('text', 'output')}`)).toEqual([])
  })
})

describe('runReadme()', () => {
  test.each([
    ['a command that fails', block('sh', 'false'), 1],
    ['a command that does not exist', block('sh', 'no-such-command'), 127],
    ['a failure in a pipe', block('sh', 'false | cat'), 1],
    ['an example that throws', block('ts', "throw new Error('thrown')"), 1],
    ['an example with a wrong import', block('ts', "import '@ixj/no-such-package'"), 1],
    ['a background command that failed', block('sh', '(exit 7) &', 'wait -n || true'), 7],
  ])('rejects %s', async (_, text, status) => {
    using tree = repository()
    expect(await runReadme(tree.root, `${block('sh', 'echo begins')}${text}`)).toMatchObject({
      status,
    })
  })

  test('runs all blocks in one shell, in order, with an empty home', async () => {
    using tree = repository()
    const run = await runReadme(
      tree.root,
      [
        block('sh', 'word=kept', 'ls -A ~', 'echo here > ~/note'),
        block('ts', "import { homedir } from 'node:os'", 'const text: string = homedir()'),
        block('sh', 'echo "$word $(cat ~/note)"'),
      ].join('\n'),
    )
    expect(run).toEqual({
      status: 0,
      output: expect.stringMatching(/^block at line 1\nblock.*\nblock.*\nkept here\n$/),
      leftovers: [],
    })
  })

  test('looks long commands up instead of running them', async () => {
    using tree = repository()
    const long = block('sh', 'git clone https://example.com/ixj && cd ixj', 'npm test # All of it.')
    expect(findReadmeFaults(tree.root, long)).toEqual([])
    expect(await runReadme(tree.root, long)).toMatchObject({ status: 0 })
  })

  test('ends what runs until it is stopped', async () => {
    using tree = repository()
    // A run ends when its pipes have: a process left behind would hold this test up.
    const run = await runReadme(tree.root, block('sh', 'sleep 1000 &', 'echo "goes on"'))
    expect(run).toMatchObject({ status: 0, output: expect.stringContaining('goes on') })
  })

  test('stops when its time is over', async () => {
    using tree = repository()
    const run = await runReadme(tree.root, block('sh', 'sleep 1000'), {
      signal: AbortSignal.timeout(50),
    })
    expect(run).toMatchObject({ status: undefined, output: expect.stringContaining('stopped') })
  })

  test('finds files that a command leaves behind', async () => {
    using tree = repository()
    const run = await runReadme(tree.root, block('sh', 'touch left-behind'))
    expect(run.leftovers).toEqual(['left-behind'])
  })
})
