import { describe, expect, test } from 'vitest'
import { findMissingDocstrings } from './docstrings.ts'
import { fixtureTree, repositoryRoot } from './tree.ts'

function faultsIn(files: Readonly<Record<string, string>>, entry: unknown = {}): string[] {
  const exports = { '.': { 'ixj:src': './src/index.ts' }, ...(entry as object) }
  using tree = fixtureTree({
    'packages/names/package.json': JSON.stringify({ name: '@ixj/names', exports }),
    'packages/names/src/index.ts': "export * from './name.ts'\n",
    ...files,
  })
  return findMissingDocstrings(tree.root)
}

const name = 'packages/names/src/name.ts'

test('every export of the packages has a docstring', () => {
  expect(findMissingDocstrings(repositoryRoot)).toEqual([])
})

describe('findMissingDocstrings()', () => {
  test.each([
    'export const limit = 1',
    'export function parse() {}',
    'export async function parse() {}',
    'export class Name {}',
    'export interface Name {}',
    'export type Name = string',
    'export const enumerated = { a: 1 }, other = 2',
    '// A line comment.\nexport const limit = 1',
    '/* A plain block. */\nexport const limit = 1',
    '/** */\nexport const limit = 1',
    '/** Of something else. */\nconst limits = 1\nexport const limit = limits',
    'const limit = 1\nexport { limit }',
    'const limit = 1\nexport { limit as most }',
  ])('rejects %s', (text) => {
    expect(faultsIn({ [name]: text })).toEqual([expect.stringContaining('without a docstring')])
  })

  test.each([
    '/** The most labels. */\nexport const limit = 1',
    '/** Reads a name. */\nexport function parse(a: string): void\nexport function parse(): void {}',
    '/** The most labels. */\nconst limit = 1\nexport { limit as most }',
    'const inner = 1\n/** The most labels. */\nexport const limit = inner',
    '/** A name. */\nexport interface Name { readonly text: string }',
    "export { sha256 } from '@noble/hashes/sha2.js'",
  ])('accepts %s', (text) => {
    expect(faultsIn({ [name]: text })).toEqual([])
  })

  test('follows imports and renames to the declaration', () => {
    const found = faultsIn({
      'packages/names/src/index.ts': "import { b } from './name.ts'\nexport { b as c }\n",
      [name]: "export { a as b } from './label.ts'\n",
      'packages/names/src/label.ts': 'export const a = 1\nexport const unused = 2\n',
    })
    expect(found).toEqual(['packages/names/src/label.ts:1 exports a without a docstring'])
  })

  test('reads every entry of a package', () => {
    const found = faultsIn(
      { [name]: 'export {}', 'packages/names/src/proof.ts': 'export const proof = 1\n' },
      { './proof': { 'ixj:src': './src/proof.ts' } },
    )
    expect(found).toEqual([expect.stringContaining('src/proof.ts:1')])
  })

  test('rejects an entry without a source', () => {
    expect(faultsIn({ [name]: 'export {}' }, { './proof': './dist/proof.js' })).toHaveLength(1)
    expect(faultsIn({ 'packages/names/src/index.ts': "export * from './gone.ts'" })).toHaveLength(1)
  })
})
