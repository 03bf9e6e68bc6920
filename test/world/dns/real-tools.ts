import { appendFileSync } from 'node:fs'
import { inject } from 'vitest'
import { missingPrograms } from './installed.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A file that lists the tests that were left out, one a line. */
    readonly leftOutFile: string
  }
}

/**
 * Whether these programs are installed, for `describe.runIf(realTools('the title', 'named', …))`;
 * `setpriv`, which servers are started with, is looked for as well. Where one is missing,
 * continuous integration fails; elsewhere the tests are left out, and one line after all tests
 * says which.
 */
export function realTools(what: string, ...programs: readonly string[]): boolean {
  const missing = missingPrograms(['setpriv', ...programs])
  if (missing.length === 0) return true
  if (isContinuousIntegration()) {
    throw new Error(`Cannot test ${what} without ${missing.join(', ')}: run "npm run test:setup"`)
  }
  appendFileSync(inject('leftOutFile'), `${what}\n`)
  return false
}

/** Whether tests must not be left out. */
export function isContinuousIntegration(): boolean {
  return (process.env['CI'] ?? '') !== '' && process.env['CI'] !== 'false'
}
