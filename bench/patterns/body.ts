import { randomFillSync } from 'node:crypto'
import type { AgentNumber } from './cast.ts'

/** Bytes of every body. */
export const BODY_BYTES = 200

const HEAD_BYTES = 12

/** What a body says of itself. */
export interface BodyHead {
  readonly run: number
  readonly sender: AgentNumber
  readonly index: number
}

const filler = randomFillSync(new Uint8Array(BODY_BYTES))

/** A body that tells which message it is. */
export function makeBody({ run, sender, index }: BodyHead): Uint8Array {
  const body = filler.slice()
  const view = new DataView(body.buffer, body.byteOffset, HEAD_BYTES)
  view.setUint32(0, run)
  view.setUint32(4, sender)
  view.setUint32(8, index)
  return body
}

/** Reads what a body says of itself. */
export function readBody(body: Uint8Array): BodyHead {
  if (body.length !== BODY_BYTES) {
    throw new Error(`Expected a body of ${BODY_BYTES} bytes, got ${body.length}`)
  }
  const view = new DataView(body.buffer, body.byteOffset, HEAD_BYTES)
  return { run: view.getUint32(0), sender: view.getUint32(4), index: view.getUint32(8) }
}
