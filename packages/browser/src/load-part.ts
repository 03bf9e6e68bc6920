import { BrowserError } from './browser-error.ts'

/**
 * Downloads a part of this package that few pages use, once.
 * @throws BrowserError `unreachable` where it does not come: a page may be offline, or older than
 * what its server has by now
 */
export async function loadPart<Part>(what: string, load: () => Promise<Part>): Promise<Part> {
  try {
    return await load()
  } catch (cause) {
    // What `import()` rejects with where nothing, or no module, comes.
    if (!(cause instanceof TypeError)) throw cause
    const message = `Cannot load the code for ${what}: ${cause.message}`
    throw new BrowserError('unreachable', message, { cause })
  }
}
