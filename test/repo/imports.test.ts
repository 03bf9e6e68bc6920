import { describe, expect, test } from 'vitest'
import { findImportFaults } from './imports.ts'
import { fixtureTree, repositoryRoot } from './tree.ts'

const manifest = (name: string, dependencies: Record<string, string>): string =>
  JSON.stringify({ name, dependencies, exports: { '.': { 'ixj:src': './src/index.ts' } } })
const project = (...paths: string[]): string =>
  JSON.stringify({ references: paths.map((path) => ({ path })) })

const sound: Readonly<Record<string, string>> = {
  'packages/names/package.json': manifest('@ixj/names', { punycode: '2.3.1' }),
  'packages/names/tsconfig.json': project(),
  'packages/names/src/index.ts': "export * from './name.ts'\n",
  'packages/names/src/name.ts':
    "import { toASCII } from 'punycode/punycode.es6.js'\nexport { toASCII }\n",
  'packages/trust/package.json': manifest('@ixj/trust', {
    '@ixj/names': '0.1.0',
    '@noble/hashes': '2.4.0',
    msgpackr: '2.1.3',
  }),
  'packages/trust/tsconfig.json': project('../names'),
  'packages/trust/src/index.ts':
    "export * from '@ixj/names'\nimport { sha256 } from '@noble/hashes/sha2.js'\nexport { sha256 }\n",
  'packages/node/package.json': manifest('@ixj/node', { libp2p: '3.3.11' }),
  'packages/node/tsconfig.json': project(),
  'packages/node/src/index.ts': "import './mesh.ts'\nimport 'node:fs'\n",
  'packages/node/src/mesh.ts': "import 'libp2p'\nimport './mesh/hello.ts'\n",
  'packages/node/src/mesh/hello.ts': "import 'libp2p'\n",
}

function faultsWith(files: Readonly<Record<string, string>>): string[] {
  using tree = fixtureTree({ ...sound, ...files })
  return findImportFaults(tree.root)
}

test('no import of this repository points up, sideways or around a package', () => {
  expect(findImportFaults(repositoryRoot)).toEqual([])
})

describe('findImportFaults()', () => {
  test('accepts a sound tree', () => {
    expect(faultsWith({})).toEqual([])
  })

  test.each([
    [
      'an upward import',
      'packages/names/src/name.ts',
      "import '@ixj/trust'",
      'does not stand below',
    ],
    [
      'an upward type',
      'packages/names/src/name.ts',
      "type A = import('@ixj/trust').A",
      'not stand',
    ],
    [
      'an import of its own package',
      'packages/names/src/name.ts',
      "import '@ixj/names'",
      'its own',
    ],
    ['a package it does not list', 'packages/node/src/index.ts', "import '@ixj/trust'", 'not list'],
    [
      'a deep import',
      'packages/trust/src/index.ts',
      "import '@ixj/names/src/name.ts'",
      'not export',
    ],
    ['a way around', 'packages/trust/src/index.ts', "import '../../names/src/name.ts'", 'outside'],
    ['its own test', 'packages/trust/src/index.ts', "import '../test/made.ts'", 'outside'],
    ['a foreign library', 'packages/trust/src/index.ts', "export * from 'zod'", 'among the lib'],
    ['all of msgpackr', 'packages/trust/src/index.ts', "import 'msgpackr'", 'among the lib'],
    ['a lazy library', 'packages/names/src/name.ts', "await import('punycode')", 'among the lib'],
    ['a computed name', 'packages/names/src/name.ts', 'await import(`node:${1}`)', 'computed'],
    ['a Node module', 'packages/names/src/name.ts', "import 'node:fs'", 'runs in pages'],
    ['a bare Node module', 'packages/node/src/index.ts', "import 'fs'", 'without the prefix'],
    ['an unlisted library', 'packages/node/src/index.ts', "import 'zod'", 'not list'],
    ['libp2p outside of the mesh', 'packages/node/src/index.ts', "import 'libp2p'", 'only mesh.ts'],
    [
      'the mesh from outside',
      'packages/node/src/index.ts',
      "import './mesh/hello.ts'",
      'only mesh.ts',
    ],
    ['a cycle', 'packages/names/src/name.ts', "import './index.ts'", 'imports itself'],
  ])('rejects %s', (_, path, text, fault) => {
    expect(faultsWith({ [path]: `${text}\n` })).toEqual([expect.stringContaining(fault)])
  })

  test('rejects a dependency that points up, even unused', () => {
    const found = faultsWith({
      'packages/names/package.json': manifest('@ixj/names', { '@ixj/trust': '0.1.0' }),
      'packages/names/tsconfig.json': project('../trust'),
      'packages/names/src/name.ts': 'export {}\n',
    })
    expect(found).toEqual([expect.stringContaining('depends on @ixj/trust')])
  })

  test('rejects a dependency that the build does not know', () => {
    expect(faultsWith({ 'packages/trust/tsconfig.json': project() })).toEqual([
      expect.stringContaining('lacks the reference to packages/names'),
    ])
  })

  test('rejects a room without a floor', () => {
    const found = faultsWith({ 'packages/attic/package.json': manifest('@ixj/attic', {}) })
    expect(found).toEqual([expect.stringContaining('has no floor')])
  })

  test('rejects an import of proof that is neither proof nor a pure package below it', () => {
    const found = faultsWith({
      'packages/dns/package.json': manifest('@ixj/dns', { '@ixj/names': '0.1.0' }),
      'packages/dns/tsconfig.json': project('../names'),
      'packages/dns/src/resolver.ts': "import '@ixj/names'\n",
      'packages/dns/src/proof.ts': "import './proof/codec.ts'\nimport './resolver.ts'\n",
      'packages/dns/src/proof/codec.ts': "import '@ixj/names'\nimport 'node:net'\n",
    })
    expect(found).toEqual([
      expect.stringContaining('proof.ts:2 imports ./resolver.ts'),
      expect.stringContaining('codec.ts:2 imports node:net'),
    ])
  })
})
