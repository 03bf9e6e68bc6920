import { BrowserError } from '../browser-error.ts'

/**
 * Takes a name for this tab or worker alone, until disposed of: two with one key would sign two
 * bundles for one place of a stream, which convicts the key.
 * @throws BrowserError `in-use`, `unsupported`
 */
export async function openNameLock(
  locks: LockManager | undefined,
  name: string,
): Promise<AsyncDisposable> {
  if (locks === undefined) {
    const reason = 'the browser has no Web Locks; they need a secure context (https or localhost)'
    throw new BrowserError('unsupported', `Cannot open ${name}: ${reason}`)
  }
  const taken = Promise.withResolvers<boolean>()
  const released = Promise.withResolvers<void>()
  const ended = locks
    .request(`ixj/${name}`, { ifAvailable: true }, async (lock) => {
      taken.resolve(lock !== null)
      if (lock !== null) await released.promise
    })
    .catch((cause: unknown) => taken.reject(cause))
  if (!(await taken.promise)) {
    const reason = 'another tab or worker of this site has it open'
    throw new BrowserError('in-use', `Cannot open ${name}: ${reason}`)
  }
  return {
    [Symbol.asyncDispose]: async () => {
      released.resolve()
      await ended
    },
  }
}
