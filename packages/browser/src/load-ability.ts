import { AgentError } from '@ixj/agent'
import { BrowserError } from './browser-error.ts'
import { loadPart } from './load-part.ts'

/** The same for what agents ask for, as an error of theirs. @throws AgentError `unreachable` */
export async function loadAbility<Part>(what: string, load: () => Promise<Part>): Promise<Part> {
  try {
    return await loadPart(what, load)
  } catch (cause) {
    if (!(cause instanceof BrowserError)) throw cause
    throw new AgentError('unreachable', cause.message, { cause })
  }
}
