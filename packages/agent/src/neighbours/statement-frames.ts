import type { SignedStatement } from '@ixj/trust'
import { FRAME_STATEMENTS_MAX } from '../limits.ts'

/** Statement bytes that one frame may hold, below the frame's limit. */
const FRAME_STATEMENT_BYTES = 60 * 1024

/** Envelopes of statements, in their order, as they fit into frames. */
export function framesOf(
  statements: readonly SignedStatement[],
): readonly (readonly Uint8Array[])[] {
  const frames: Uint8Array[][] = []
  let current: Uint8Array[] = []
  let bytes = 0
  for (const { envelope } of statements) {
    const full = current.length === FRAME_STATEMENTS_MAX
    if (current.length > 0 && (full || bytes + envelope.length > FRAME_STATEMENT_BYTES)) {
      frames.push(current)
      current = []
      bytes = 0
    }
    current.push(envelope)
    bytes += envelope.length
  }
  if (current.length > 0) frames.push(current)
  return frames
}
