import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type FixtureTree, fixtureTree, readText, repositoryRoot } from './tree.ts'

// In the place of apt-get: notes what it is asked and what the policy says, and brings the program.
const aptGet = [
  '#!/bin/sh',
  'here=$(dirname "$0")',
  'echo "apt-get $1" >>"$here/asked"',
  '"$here/../policy-rc.d" || echo "policy $?" >>"$here/asked"',
  'if [ "$1" = install ]; then cp "$0" "$here/wanted-program"; fi',
].join('\n')

/** A tree with the script, which looks for one program and for a policy in this tree alone. */
function treeWith(bin: Readonly<Record<string, string>>, wanted = 'wanted-program'): FixtureTree {
  const script = readText(repositoryRoot, '.ci/test-setup')
    .replace(/programs="[^"]*"/, `programs="${wanted}"`)
    .replace('/usr/sbin/policy-rc.d', '"$root/policy-rc.d"')
  const files = Object.entries(bin).map(([name, text]) => [`bin/${name}`, text])
  const tree = fixtureTree({ '.ci/test-setup': script, ...Object.fromEntries(files) })
  for (const path of ['.ci/test-setup', ...Object.keys(bin).map((name) => `bin/${name}`)]) {
    chmodSync(join(tree.root, path), 0o755)
  }
  return tree
}

function run(tree: FixtureTree, usual = true): { status: number | null; output: string } {
  const PATH = [join(tree.root, 'bin'), ...(usual ? [process.env['PATH']] : [])].join(':')
  const { status, stdout, stderr } = spawnSync('/bin/sh', [join(tree.root, '.ci/test-setup')], {
    encoding: 'utf8',
    env: { ...process.env, PATH },
  })
  return { status, output: `${stderr}${stdout}` }
}

function asked(tree: FixtureTree): readonly string[] {
  const path = join(tree.root, 'bin/asked')
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
}

const id = (user: number): string => `#!/bin/sh\necho ${user}`

test('asks nobody where all programs are there', () => {
  using tree = treeWith({ 'apt-get': aptGet, id: id(0) }, 'sh')
  expect(run(tree)).toEqual({ status: 0, output: '' })
  expect(asked(tree)).toEqual([])
})

test('installs what is missing, and no server starts meanwhile', () => {
  using tree = treeWith({ 'apt-get': aptGet, id: id(0) })
  expect(run(tree)).toMatchObject({ status: 0 })
  expect(asked(tree)).toEqual(['apt-get update', 'policy 101', 'apt-get install', 'policy 101'])
  expect(existsSync(join(tree.root, 'policy-rc.d'))).toBe(false)
  expect(run(tree)).toEqual({ status: 0, output: '' })
  expect(asked(tree)).toHaveLength(4)
})

test.each([
  ['succeeds', aptGet, 0],
  ['fails', '#!/bin/sh\necho no network\nexit 100', 1],
])('puts the policy back as it was where installing %s', (_, program, status) => {
  using tree = treeWith({ 'apt-get': program, id: id(0) })
  const policy = join(tree.root, 'policy-rc.d')
  writeFileSync(policy, '#!/bin/sh\nexit 104\n')
  chmodSync(policy, 0o700)
  expect(run(tree).status).toBe(status)
  expect(readFileSync(policy, 'utf8')).toBe('#!/bin/sh\nexit 104\n')
  expect(statSync(policy).mode & 0o777).toBe(0o700)
})

test('shows why apt-get failed', () => {
  using tree = treeWith({ 'apt-get': '#!/bin/sh\necho no network\nexit 100', id: id(0) })
  const { status, output } = run(tree)
  expect(status).toBe(1)
  expect(output).toContain('no network')
  expect(output).toContain('could not install wanted-program')
})

test('fails where the packages do not bring the program', () => {
  using tree = treeWith({ 'apt-get': '#!/bin/sh\nexit 0', id: id(0) })
  expect(run(tree)).toMatchObject({ status: 1 })
})

test('says what to run where it is not root', () => {
  using tree = treeWith({ 'apt-get': aptGet, id: id(1_000) })
  const { status, output } = run(tree)
  expect(status).toBe(1)
  expect(output).toContain('sudo apt-get install --no-install-recommends bind9 ')
  expect(asked(tree)).toEqual([])
})

test('says what is needed where there is no apt-get', () => {
  using tree = treeWith({
    dirname: '#!/bin/sh\necho "${1%/*}"',
  })
  const { status, output } = run(tree, false)
  expect(status).toBe(1)
  expect(output).toContain('there is no apt-get here')
})
