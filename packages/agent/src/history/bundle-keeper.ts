import type { Carried } from '../pipeline/carried.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Evidence } from '../pipeline/replay.ts'
import type { Origin } from './history-rows.ts'

/** Where bundles are repaired from, and read later; nothing of it throws. */
export interface BundleKeeper {
  /** What was accepted. */
  keep(accepted: Accepted, origin: Origin): void
  /** What is kept for others alone. */
  carry(carried: Carried): void
  /** Whether a bundle is kept for others alone. */
  carries(idText: string): boolean
  /** A key signed two bundles for one place; this is the second. */
  convict(evidence: Evidence, second: Uint8Array): Promise<void>
}
