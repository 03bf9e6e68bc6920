import { AgentError } from '@ixj/agent'

/**
 * Downloads a part of this package that few pages use, once.
 * @throws AgentError `unreachable` where it does not come: a page may be offline, or older than what
 * its server has by now
 */
export async function loadPart<Part>(what: string, load: () => Promise<Part>): Promise<Part> {
  try {
    return await load()
  } catch (cause) {
    // What `import()` rejects with where nothing, or no module, comes.
    if (!(cause instanceof TypeError)) throw cause
    const message = `Cannot load what ${what} need: ${cause.message}`
    throw new AgentError('unreachable', message, { cause })
  }
}
