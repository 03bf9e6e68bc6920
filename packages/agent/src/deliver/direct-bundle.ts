import type { Name } from '@ixj/names'
import type { KnownProof } from '../neighbours/proof-shelf.ts'

/** A bundle that goes to hosts of an inbox, and is kept until one has decided about it. */
export interface DirectBundle {
  readonly topic: Name
  /** Always the same: a host that has it already knows it by them. */
  readonly bytes: Uint8Array
  readonly proof: KnownProof
  /** When its lifespan ends, by our clock: nobody would take it any more. */
  readonly until: number
  /**
   * A host has decided about it: null if it was accepted, else the host's code. Called once for each
   * host that does.
   */
  readonly decided?: ((code: string | null) => void) | undefined
  /** Whether a host has decided about it: it is sent to nobody any more. */
  isDecided: boolean
}
