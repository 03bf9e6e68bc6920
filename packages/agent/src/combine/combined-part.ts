import type { Name } from '@ixj/names'
import type { Body, Message } from '../patterns/message.ts'
import type { Contribution } from './summary.ts'

/** What one combiner passed up, and nobody else before. */
export interface CombinedPart {
  /** Who says it. */
  readonly combiner: Name
  /** The node that keeps the originals for a while. */
  readonly node: Name
  readonly value: Body
  readonly contributions: readonly Contribution[]
  /** The message that brought it. */
  readonly message: Message
}
