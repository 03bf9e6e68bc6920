import { concatBytes, type Sha256 } from '@ixj/trust'

/** Bytes of a hash of the tree. */
export const HASH_BYTES = 32

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** The hash of a record as a leaf: SHA-256(0 ‖ record), RFC 9162 section 2.1.1. */
export function leafHash(record: Uint8Array, hash: Sha256): Uint8Array {
  return hash(concatBytes(LEAF, record))
}

/** The hash of two subtrees: SHA-256(1 ‖ left ‖ right), RFC 9162 section 2.1.1. */
export function nodeHash(
  children: { readonly left: Uint8Array; readonly right: Uint8Array },
  hash: Sha256,
): Uint8Array {
  return hash(concatBytes(NODE, children.left, children.right))
}

/** The largest power of two below a size of at least 2, RFC 9162 section 2.1.1. */
export function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

/** The place of the parent, one level up; a shift would end at 32 bits. */
export function half(place: number): number {
  return Math.floor(place / 2)
}
