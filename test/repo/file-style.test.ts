import { describe, expect, test } from 'vitest'
import { fileLinesMax, findStyleFaults } from './file-style.ts'
import { fixtureTree, repositoryRoot } from './tree.ts'

function faultsIn(text: string, path = 'packages/names/src/name.ts'): string[] {
  using tree = fixtureTree({ [path]: text })
  return findStyleFaults(tree.root)
}

test('the code of this repository keeps its form', () => {
  expect(findStyleFaults(repositoryRoot)).toEqual([])
})

describe('findStyleFaults()', () => {
  test.each([
    'packages/names/src/domainName.ts',
    'packages/names/src/Name.ts',
    'packages/names/src/domain_name.ts',
    'packages/names/src/utils.ts',
    'packages/names/src/name-helpers.ts',
    'packages/names/src/types.ts',
    'packages/names/src/common/name.ts',
    'apps/cli/src/key-manager.ts',
    'test/helpers/name.test.ts',
  ])('rejects the path %s', (path) => {
    expect(faultsIn('export {}', path)).toHaveLength(1)
  })

  test.each(['packages/dns/src/record-types.ts', 'packages/names/test/name.property.test.ts'])(
    'accepts the path %s',
    (path) => {
      expect(faultsIn('export {}', path)).toEqual([])
    },
  )

  test.each([
    ['export default 1', 'default export'],
    ['const a = 1\nexport { a as default }', 'default export'],
    ['export { default } from "./a.ts"', 'default export'],
    ['// TO' + 'DO: later', 'defers work'],
    ['/* FIX' + 'ME */', 'defers work'],
    ['/** X' + 'XX */', 'defers work'],
    ['try { run() } catch {}', 'does nothing'],
    ['try { run() } catch (error) { /* Fine. */ }', 'does nothing'],
    ['run().catch(() => {})', 'drops a rejection'],
    ['run().catch(function () {})', 'drops a rejection'],
    ["test.only('a', run)", 'leaves tests out'],
    ["describe.skip('a', run)", 'leaves tests out'],
    ["it.concurrent.only('a', run)", 'leaves tests out'],
    ["test.skip.each([1])('a', run)", 'leaves tests out'],
    ["test.todo('a')", 'leaves tests out'],
  ])('rejects %s', (text, fault) => {
    expect(faultsIn(text)).toEqual([expect.stringContaining(fault)])
  })

  test.each([
    'const text = "TO' + 'DO: test.only, catch {}"',
    'try { run() } catch (cause) { throw new Error("Cannot run", { cause }) }',
    'run().catch(() => { /* The caller has gone. */ })',
    'const list = { only: 1, skip: 2 }\nexport const sum = list.only + list.skip',
    "test.skipIf(!found)('a', run)",
  ])('accepts %s', (text) => {
    expect(faultsIn(text)).toEqual([])
  })

  test('rejects a file of one line more than the most', () => {
    expect(faultsIn('//\n'.repeat(fileLinesMax))).toEqual([])
    expect(faultsIn('//\n'.repeat(fileLinesMax + 1))).toHaveLength(1)
  })
})
