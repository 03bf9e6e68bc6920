import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** Source files of every package and app that load the policy engine, not only its types. */
function loaders(): readonly string[] {
  const files = ['packages', 'apps'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /^[^/]+\/src\/.*\.ts$/.test(path))
      .map((path) => join(folder, path)),
  )
  return files.filter((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return /(?<!import type [^'"]*)from '@cedar|import\('@cedar/.test(text)
  })
}

test('one file alone loads the policy engine', () => {
  expect(loaders()).toEqual(['packages/node/src/policy/cedar.ts'])
})

test('whoever imports homes and policies does not load the engine until a policy is used', () => {
  const script = `
    import { createRequire } from 'node:module'
    const { compilePolicy, DEFAULT_POLICY } = await import('@ixj/node/policy')
    await import('@ixj/node/home')
    const loaded = () =>
      Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('cedar')).length
    const before = loaded()
    await compilePolicy(DEFAULT_POLICY, 'policy.cedar')
    console.log(JSON.stringify([before, loaded()]))`
  const words = ['--conditions=ixj:src', '--input-type=module', '-e', script]
  const output = execFileSync(process.execPath, words, {
    cwd: join(root, 'packages/node'),
    encoding: 'utf8',
  })
  expect(JSON.parse(output)).toEqual([0, 1])
})
