import { TrustError, type Value } from '@ixj/trust'

/** The version of every form. */
export const VERSION = 1

/**
 * Checks that a form is an array of this version, before its fields are counted: a later version
 * may have any number of them.
 * @throws TrustError `unsupported` for another version, `form` for what has none
 */
export function checkVersion(value: Value, what: string): void {
  const version: unknown = Array.isArray(value) ? value[0] : undefined
  if (version === VERSION) return
  if (typeof version === 'number') {
    throw new TrustError(
      'unsupported',
      `Cannot read ${what} of version ${version}, known: ${VERSION}`,
    )
  }
  throw new TrustError('form', `Cannot read ${what}: it has no version`)
}
