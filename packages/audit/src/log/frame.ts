import { concatBytes, equalBytes, type Sha256 } from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import { RECORD_BYTES_MAX } from '../limits.ts'
import { HASH_BYTES, leafHash } from '../merkle/hash.ts'

/** Bytes of a frame beside its record: a length and a hash. */
export const FRAME_BYTES = 4 + HASH_BYTES

/** A record as it lies in a log's file. */
export interface Frame {
  readonly record: Uint8Array
  /** The leaf hash that stands with it; whether it is that of the record is {@link isWhole}. */
  readonly leaf: Uint8Array
  /** Bytes that it takes in the file. */
  readonly length: number
}

/**
 * A record in a log's file: its length as 4 bytes, big-endian, the record, its leaf hash. The hash
 * tells a torn or flipped record apart from a whole one without any checkpoint.
 */
export function encodeFrame(record: Uint8Array, leaf: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, record.length)
  return concatBytes(length, record, leaf)
}

/** Whether the hash that stands with a record is the record's own. */
export function isWhole({ record, leaf }: Frame, hash: Sha256): boolean {
  return equalBytes(leafHash(record, hash), leaf)
}

/** Reads frames out of the pieces of a file, in their order; holds one unfinished frame at most. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array()

  /** Bytes at the end of what was pushed that are no whole frame yet. */
  get unfinished(): number {
    return this.#rest.length
  }

  /**
   * The frames that are whole with this piece.
   * @throws AuditError `flipped` for a length that no record has; nothing can be read after it
   */
  *push(piece: Uint8Array): Generator<Frame, void> {
    let bytes = this.#rest.length === 0 ? piece : concatBytes(this.#rest, piece)
    let offset = 0
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    while (bytes.length - offset >= FRAME_BYTES) {
      const size = view.getUint32(offset)
      // No value is encoded in no bytes, so zeroes that a torn write left are no frame.
      if (size === 0 || size > RECORD_BYTES_MAX) {
        this.#rest = bytes.slice(offset)
        const limit = `must be 1 to ${RECORD_BYTES_MAX}`
        throw new AuditError('flipped', `Cannot read a record of ${size} bytes: ${limit}`)
      }
      const length = size + FRAME_BYTES
      if (bytes.length - offset < length) break
      const record = bytes.slice(offset + 4, offset + 4 + size)
      const leaf = bytes.slice(offset + 4 + size, offset + length)
      offset += length
      yield { record, leaf, length }
    }
    bytes = bytes.slice(offset)
    this.#rest = bytes
  }
}
