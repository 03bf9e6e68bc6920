import { describe, expect, test } from 'vitest'
import { findMachineTraces } from './machine-traces.ts'
import { fixtureTree, repositoryRoot } from './tree.ts'

function faultsIn(text: string, path = 'docs/protocol.md'): string[] {
  using tree = fixtureTree({ [path]: text })
  return findMachineTraces(tree.root)
}

// In two halves, so that this file is no finding itself.
const slash = '/'
const key = 'registry'
const registry = 'registry.' + 'npmjs.org'

test('no file of this repository names the machine it was written on', () => {
  expect(findMachineTraces(repositoryRoot)).toEqual([])
})

describe('findMachineTraces()', () => {
  test.each([
    `cd ${slash}work/main`,
    `"home": "${slash}root/.ixj"`,
    `writes to ${slash}tmp`,
    `--home=${slash}tmp/ixj`,
    `see file://${slash}home/ada/notes.md`,
    `https://${registry}/zod`,
    `${key}=https://packages.example`,
    `${slash}/packages.example/repository/npm/`,
  ])('rejects %s', (text) => {
    expect(faultsIn(`A line.\n${text}\n`)).toEqual([
      expect.stringMatching(/^docs\/protocol\.md:2 /),
    ])
  })

  test.each([
    'https://example.com/work/main',
    './work/main and ../tmp/x',
    '$HOME/tmp',
    '/ixj/hello/1',
    'roots/tmp',
    '/workers',
  ])('accepts %s', (text) => {
    expect(faultsIn(text)).toEqual([])
  })

  test('passes over files that are not text', () => {
    expect(faultsIn(`\0${slash}root/`)).toEqual([])
  })

  test('rejects a lock file that says where its packages come from', () => {
    const lock = (entry: unknown): string =>
      JSON.stringify({ packages: { 'node_modules/a': entry } })
    expect(faultsIn(lock({ version: '1.0.0' }), 'package-lock.json')).toEqual([])
    expect(faultsIn(lock({ resolved: 'packages/a', link: true }), 'package-lock.json')).toEqual([])
    expect(
      faultsIn(lock({ resolved: `https://${registry}/a.tgz` }), 'package-lock.json'),
    ).toHaveLength(1)
  })
})
