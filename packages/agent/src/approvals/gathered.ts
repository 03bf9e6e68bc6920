import type { Approval } from '../bundles/approval.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'

/** What a message goes with when enough have approved it. */
export interface Gathered {
  readonly approvals: readonly Approval[]
  /** Of the sender, its grant, and the approvers' names. */
  readonly proof: KnownProof
  /** What is left of its lifespan, no longer than the approvals hold. */
  readonly lifespanMs: number
  /** Ends what was held for the proof. */
  readonly release: () => void
}
