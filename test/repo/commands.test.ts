import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  containerCommands,
  findContainerFaults,
  findScriptFaults,
  findTestCommandFaults,
} from './commands.ts'
import { fixtureTree, repositoryRoot } from './tree.ts'

const dockerfile = [
  'FROM node:24-slim',
  'COPY package.json ./',
  'USER node',
  'ENTRYPOINT ["node", "main.ts"]',
].join('\n')
const service = { build: '.', command: ['demo'], volumes: ['mesh:/mesh'] }
const compose = { services: { setup: service }, volumes: { mesh: null } }

const sound: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ scripts: { test: 'node ./main.ts', check: 'npm test' } }),
  'main.ts': '',
  'README.md': 'Run `npm test`.\n',
  '.ci/run': 'npm test -- --reporter=json\n',
  Dockerfile: dockerfile,
  'docker-compose.yml': JSON.stringify(compose),
}

function faultsWith(files: Readonly<Record<string, string>>): string[] {
  using tree = fixtureTree({ ...sound, ...files })
  return [
    ...findScriptFaults(tree.root),
    ...findTestCommandFaults(tree.root),
    ...findContainerFaults(tree.root),
  ]
}

function withScript(command: string): Readonly<Record<string, string>> {
  return { 'package.json': JSON.stringify({ scripts: { test: 'node main.ts', other: command } }) }
}

function withService(change: object): Readonly<Record<string, string>> {
  const services = { setup: service, other: { ...service, ...change } }
  return { 'docker-compose.yml': JSON.stringify({ ...compose, services }) }
}

test('the scripts of package.json name only what exists', () => {
  expect(findScriptFaults(repositoryRoot)).toEqual([])
})

test('.ci/run runs the test command of the README', () => {
  expect(findTestCommandFaults(repositoryRoot)).toEqual([])
})

test('the containers name only what exists', () => {
  expect(findContainerFaults(repositoryRoot)).toEqual([])
})

test('the programs know the commands and options that the containers give it', () => {
  const commands = [...containerCommands(repositoryRoot).values()]
  expect(commands).not.toEqual([])
  const asked = new Map<string, Set<string>>()
  for (const { program, words } of commands) {
    const options = words.filter((word) => word.startsWith('--'))
    const verbs = words.slice(
      0,
      words.findIndex((word) => word.startsWith('--')),
    )
    const path = [program, ...verbs].join(' ')
    asked.set(path, new Set([...(asked.get(path) ?? []), ...options]))
  }
  for (const [path, options] of asked) {
    const words = ['--conditions=ixj:src', ...path.split(' '), '--help']
    const help = execFileSync(process.execPath, words, { encoding: 'utf8', cwd: repositoryRoot })
    for (const option of options) expect(help, `the help of "${path}"`).toContain(option)
  }
})

test('the texts that a repository needs are there', () => {
  const texts = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'LICENSE']
  expect(texts.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([])
})

describe('the findings on commands', () => {
  test('accept a sound tree', () => {
    expect(faultsWith({})).toEqual([])
  })

  test.each([
    ['a script with a missing file', withScript('node bench/main.ts')],
    ['a script that calls a missing script', withScript('npm run gone && npm test')],
    ['a tool that is not executable', { ...withScript('.ci/ready node'), '.ci/ready': '' }],
    ['a test command that the README does not name', { 'README.md': 'Run it.\n' }],
    ['a test run without a test command', { '.ci/run': 'vitest run\n' }],
    ['a service from elsewhere', withService({ build: './other' })],
    ['a service without words', withService({ command: 'demo licences' })],
    ['a service that starts what is missing', withService({ entrypoint: ['node', 'gone.ts'] })],
    ['a service after one that is missing', withService({ depends_on: { gone: {} } })],
    ['a service with a missing volume', withService({ volumes: ['gone:/mesh'] })],
    ['a Dockerfile that copies what is missing', { Dockerfile: `${dockerfile}\nCOPY gone ./` }],
    [
      'a Dockerfile that starts what is missing',
      { Dockerfile: dockerfile.replace('main', 'gone') },
    ],
    ['a Dockerfile that runs as root', { Dockerfile: dockerfile.replace('USER node', '') }],
  ])('reject %s', (_, files) => {
    expect(faultsWith(files)).toHaveLength(1)
  })
})
