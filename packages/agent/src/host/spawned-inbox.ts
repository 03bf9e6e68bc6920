import type { Name } from '@ixj/names'
import { claimInbox, type Claim, type OpenTopic } from '../neighbours/open-topic.ts'
import type { Core } from './core.ts'
import { provingStatements } from './identity.ts'
import type { Papers } from './papers.ts'

/**
 * The inbox of an agent that was born here, carried on its node's own. The right to it is made when
 * a neighbour asks for it: until then nobody has signed anything for it.
 */
export class SpawnedInbox implements OpenTopic {
  readonly of = 'inbox'
  readonly until: number
  claim: Claim | undefined
  readonly #papers: Papers
  readonly #core: Core
  #preparing: Promise<Claim | undefined> | undefined

  constructor(papers: Papers, until: number, core: Core) {
    this.#papers = papers
    this.until = until
    this.#core = core
  }

  get topic(): Name {
    return this.#papers.name
  }

  get carrier(): Name {
    return this.#core.identity.name
  }

  /** The right; undefined where it cannot be made, which is recorded. Never rejects. */
  prepare(): Promise<Claim | undefined> {
    return (this.#preparing ??= this.#prepare())
  }

  async #prepare(): Promise<Claim | undefined> {
    const { topic, carrier } = this
    const core = this.#core
    try {
      const host = await this.#papers.hostGrant()
      const { identity } = this.#papers
      const proving = [...provingStatements(identity, []), ...(host === null ? [] : [host])]
      const proof = core.proofs.compose(proving, identity)
      this.claim = claimInbox(topic, { carrier, host, proof })
      return this.claim
    } catch (cause) {
      // The next neighbour who asks has it tried again.
      this.#preparing = undefined
      core.record(core.plain('right', 'show', topic, carrier, cause))
      return undefined
    }
  }
}
