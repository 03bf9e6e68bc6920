import type { Name } from '@ixj/names'
import type { ApplicationValue } from '@ixj/trust'
import type { ClockOwner } from '../pipeline/clock-offset.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { StateAge } from '../pipeline/state-table.ts'

/** A register as a node holds it: what its owner said last, in the bundle in which that came. */
export interface HeldRegister extends StateAge {
  readonly sender: Name
  /** Of the sender itself, whoever signed. */
  readonly ownerKey: Uint8Array
  readonly register: string
  readonly value: ApplicationValue
  /** ms since the Unix epoch by the sender's clock. */
  readonly asOf: number
  readonly expiresAt: number
  /** The body as its sender signed it: what digests are over. */
  readonly body: Uint8Array
  readonly clock: ClockOwner
  readonly accepted: Accepted
}
