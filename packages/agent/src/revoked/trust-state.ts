import type { Name } from '@ixj/names'
import {
  RevocationBook,
  StatusBook,
  type AnchorSet,
  type Sha256,
  type SignedStatement,
  type Successor,
} from '@ixj/trust'

/** What a node believes, as it is now; every check reads it, one place writes it. */
export class TrustState {
  readonly revocations: RevocationBook
  readonly statuses = new StatusBook()
  /** Of subjects of cross-certificates, in the order in which they came. */
  readonly successors = new Map<Name, readonly SignedStatement<Successor>[]>()
  #anchors: AnchorSet
  #generation = 0

  constructor(anchors: AnchorSet, hash: Sha256) {
    this.#anchors = anchors
    this.revocations = new RevocationBook(hash)
  }

  /** Whom the node trusts. */
  get anchors(): AnchorSet {
    return this.#anchors
  }

  /**
   * Rises with every change of anchors, revocations, or what a status says: a decision that was kept
   * counts no longer. That a status was only renewed, or lapses, does not raise it; freshness is
   * looked at anew each time.
   */
  get generation(): number {
    return this.#generation
  }

  /** Something changed that kept decisions may rest on. */
  raise(): void {
    this.#generation += 1
  }

  /** Trusts others from now on. */
  setAnchors(anchors: AnchorSet): void {
    this.#anchors = anchors
    this.raise()
  }
}
