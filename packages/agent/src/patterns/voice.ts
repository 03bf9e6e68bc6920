import type { Identity } from '../host/identity.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'

/** What bundles are signed with in the place of their sender's own key, and proved with. */
export interface Voice {
  /** The sender's name with the key of its node, and what proves that it may be used. */
  readonly identity: Identity
  /** Proofs that were made for it, by the grants that they lead to. */
  readonly proofs: Map<string, KnownProof>
}
