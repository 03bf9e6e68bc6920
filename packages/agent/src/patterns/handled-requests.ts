import type { Name } from '@ixj/names'
import { AgentError } from '../agent-error.ts'
import type { IncomingRequest } from './request.ts'

/**
 * The requests that an agent was asked, and for whom each acts as its proof showed: a copy of one
 * with another name in it is none of them.
 */
export class HandledRequests {
  readonly #behalves = new WeakMap<IncomingRequest, Name>()

  /** A request came in. */
  add(request: IncomingRequest): void {
    this.#behalves.set(request, request.onBehalfOf)
  }

  /** For whom a request acts. @throws AgentError `argument` for what this agent was not asked */
  behalfOf(request: IncomingRequest): Name {
    const behalf = this.#behalves.get(request)
    if (behalf !== undefined) return behalf
    throw new AgentError(
      'argument',
      'Cannot act for a request that this agent was not asked, or for a copy of one',
    )
  }
}
