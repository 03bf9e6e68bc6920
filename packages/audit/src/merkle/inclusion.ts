import { equalBytes, type Sha256 } from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import { PROOF_HASHES_MAX } from '../limits.ts'
import { half, nodeHash, splitOf } from './hash.ts'
import type { Leaves } from './leaves.ts'

/** Which leaf of which tree, and the hashes that lead from it to the root. */
export interface Inclusion {
  /** From 0. */
  readonly index: number
  /** Leaves of the tree. */
  readonly size: number
  /** The leaf's hash, 32 bytes. */
  readonly leaf: Uint8Array
  /** From the leaf up, 32 bytes each. */
  readonly hashes: readonly Uint8Array[]
}

/**
 * The hashes that prove a leaf to be in the tree of the first `size` leaves (RFC 9162 section
 * 2.1.3.1). Costs one hash for each leaf of the tree.
 * @throws AuditError `absent` if there is no such leaf
 */
export function inclusionProof(
  leaves: Leaves,
  options: { readonly index: number; readonly size: number; readonly hash: Sha256 },
): Uint8Array[] {
  const { index, size, hash } = options
  if (index >= size || size > leaves.size) {
    const limit = `the tree has ${size} of ${leaves.size} records`
    throw new AuditError('absent', `Cannot prove record ${index}: ${limit}`)
  }
  const hashes: Uint8Array[] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      hashes.unshift(leaves.root({ from: middle, to }, hash))
      to = middle
    } else {
      hashes.unshift(leaves.root({ from, to: middle }, hash))
      from = middle
    }
  }
  return hashes
}

/**
 * Checks that a leaf stands in the tree with this root (RFC 9162 section 2.1.3.2).
 * @throws AuditError `not-proven`, `too-large`
 */
export function checkInclusion(inclusion: Inclusion, root: Uint8Array, hash: Sha256): void {
  const { index, size, leaf, hashes } = inclusion
  const tried = `Cannot prove record ${index} of ${size}`
  // "Every input has a limit, counted before costly work."
  if (hashes.length > PROOF_HASHES_MAX) {
    const limit = `${hashes.length} hashes, limit ${PROOF_HASHES_MAX}`
    throw new AuditError('too-large', `${tried}: ${limit}`)
  }
  // Section 2.1.3.2, step 1: "If leaf_index is greater than or equal to tree_size, fail".
  if (index >= size) throw new AuditError('not-proven', `${tried}: there is no such record`)
  let place = index
  let last = size - 1
  let result = leaf
  for (const sibling of hashes) {
    // Step 4: "If sn is 0, then stop the iteration and fail the proof verification".
    if (last === 0) throw new AuditError('not-proven', `${tried}: the proof is too long`)
    if (place % 2 === 1 || place === last) {
      result = nodeHash({ left: sibling, right: result }, hash)
      while (place % 2 === 0 && place !== 0) {
        place = half(place)
        last = half(last)
      }
    } else {
      result = nodeHash({ left: result, right: sibling }, hash)
    }
    place = half(place)
    last = half(last)
  }
  // Step 5: "Compare sn to 0. Compare r against the root_hash."
  if (last !== 0) throw new AuditError('not-proven', `${tried}: the proof is too short`)
  if (!equalBytes(result, root)) {
    throw new AuditError('not-proven', `${tried}: its hashes lead to another root`)
  }
}
