import type { SignedStatement } from '@ixj/trust'
import { rootsOf } from '../neighbours/proof-book.ts'
import type { Core } from './core.ts'
import type { Identity } from './identity.ts'

/**
 * What the children of one agent have in common: the chain of their parent, and the grants that
 * theirs are parts of. It is held once for all of them, until the last has closed.
 */
export class Lineage {
  /** Each as the store holds it. */
  readonly above: readonly SignedStatement[]
  readonly #end: () => void
  #held = 0

  private constructor(above: readonly SignedStatement[], end: () => void) {
    this.above = above
    this.#end = end
  }

  /**
   * Pins the statements, each signature checked once, and follows the names with which their chains
   * begin. Whoever opens it holds it and lets it go; `ended` hears of it when nobody does.
   * @throws TrustError `bad-signature`; what following throws
   */
  static async open(
    parent: Identity,
    above: readonly SignedStatement[],
    { core, ended }: { readonly core: Core; readonly ended: () => void },
  ): Promise<Lineage> {
    const { statements, unpin } = await core.pinStatements(above)
    try {
      const unfollow = await core.followed.follow(rootsOf(statements, parent))
      return new Lineage(statements, () => {
        ended()
        unfollow()
        unpin()
      }).hold()
    } catch (cause) {
      unpin()
      throw cause
    }
  }

  /** One more child, or the one who bears them. */
  hold(): this {
    this.#held += 1
    return this
  }

  /** One less. */
  release(): void {
    this.#held -= 1
    if (this.#held === 0) this.#end()
  }
}
