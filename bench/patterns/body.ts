import { randomFillSync } from 'node:crypto'
import type { AgentNumber } from './cast.ts'

/** Bytes of a body, where nothing else is said. */
export const BODY_BYTES = 200
/** Bytes of the largest body: the largest that one message of ixj may have, in round figures. */
export const BODY_BYTES_MAX = 60_000

const HEAD_BYTES = 20

/** What a body says of itself. */
export interface BodyHead {
  readonly run: number
  readonly sender: AgentNumber
  readonly index: number
  /** When it was due, in ms since the Unix epoch; 0 where nobody asks how long it took. */
  readonly dueAt: number
}

const filler = randomFillSync(new Uint8Array(BODY_BYTES_MAX))

/** A body of that many bytes, which tells which message it is. */
export function makeBody({ run, sender, index, dueAt }: BodyHead, bytes: number): Uint8Array {
  const body = filler.slice(0, bytes)
  const view = new DataView(body.buffer, body.byteOffset, HEAD_BYTES)
  view.setUint32(0, run)
  view.setUint32(4, sender)
  view.setUint32(8, index)
  view.setFloat64(12, dueAt)
  return body
}

/** Reads what a body says of itself. @throws Error if it is too short for that */
export function readBody(body: Uint8Array): BodyHead {
  if (body.length < HEAD_BYTES) {
    throw new Error(`Expected a body of ${HEAD_BYTES} bytes or more, got ${body.length}`)
  }
  const view = new DataView(body.buffer, body.byteOffset, HEAD_BYTES)
  return {
    run: view.getUint32(0),
    sender: view.getUint32(4),
    index: view.getUint32(8),
    dueAt: view.getFloat64(12),
  }
}
