import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { isContinuousIntegration } from './real-tools.ts'

const installer = fileURLToPath(new URL('../../../.ci/test-setup', import.meta.url))

/**
 * Runs once before all tests. Continuous integration gets the programs that the tests talk to;
 * elsewhere nothing is installed, and at the end one line says which tests were left out.
 */
export function setup(project: TestProject): () => void {
  // Where this fails, the tests that need a program fail, and the others still run.
  if (isContinuousIntegration()) spawnSync(installer, { stdio: 'inherit' })
  const folder = mkdtempSync(join(tmpdir(), 'ixj-left-out-'))
  const leftOutFile = join(folder, 'list')
  writeFileSync(leftOutFile, '')
  project.provide('leftOutFile', leftOutFile)
  return () => {
    const leftOut = new Set(readFileSync(leftOutFile, 'utf8').split('\n').filter(Boolean))
    rmSync(folder, { recursive: true })
    if (leftOut.size === 0) return
    const what = [...leftOut].toSorted().join('; ')
    process.stderr.write(
      `Not tested here: ${what}. "npm run test:setup" installs what they need.\n`,
    )
  }
}
