import { equalBytes, type Sha256 } from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import { PROOF_HASHES_MAX } from '../limits.ts'
import { half, nodeHash, splitOf } from './hash.ts'
import type { Leaves } from './leaves.ts'

/** A tree by its size and root. */
export interface TreeHead {
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

/**
 * The hashes that prove the tree of the first `old` leaves to be the beginning of that of the first
 * `size` (RFC 9162 section 2.1.4.1); none where the two are one, or the old one is empty.
 * @throws AuditError `absent` if there are fewer leaves
 */
export function consistencyProof(
  leaves: Leaves,
  options: { readonly old: number; readonly size: number; readonly hash: Sha256 },
): Uint8Array[] {
  const { old, size, hash } = options
  if (old > size || size > leaves.size) {
    const limit = `there are ${leaves.size}`
    throw new AuditError('absent', `Cannot lead from ${old} records to ${size}: ${limit}`)
  }
  if (old === 0) return []
  const hashes: Uint8Array[] = []
  let from = 0
  let to = size
  // Whether the old tree is, as a whole, a subtree that the verifier knows.
  let whole = true
  while (old !== to) {
    const middle = from + splitOf(to - from)
    if (old <= middle) {
      hashes.unshift(leaves.root({ from: middle, to }, hash))
      to = middle
    } else {
      hashes.unshift(leaves.root({ from, to: middle }, hash))
      from = middle
      whole = false
    }
  }
  if (!whole) hashes.unshift(leaves.root({ from, to }, hash))
  return hashes
}

/**
 * Checks that one tree is the beginning of another (RFC 9162 section 2.1.4.2).
 * @throws AuditError `rollback` if the new one is smaller, `fork` if both have one size and not one
 * root, `not-proven`, `too-large`
 */
export function checkConsistency(
  heads: { readonly old: TreeHead; readonly new: TreeHead },
  hashes: readonly Uint8Array[],
  hash: Sha256,
): void {
  const { old, new: next } = heads
  const tried = `Cannot lead from ${old.size} records to ${next.size}`
  if (hashes.length > PROOF_HASHES_MAX) {
    const limit = `${hashes.length} hashes, limit ${PROOF_HASHES_MAX}`
    throw new AuditError('too-large', `${tried}: ${limit}`)
  }
  if (next.size < old.size) throw new AuditError('rollback', `${tried}: the log became shorter`)
  if (next.size === old.size || old.size === 0) {
    if (hashes.length > 0) throw new AuditError('not-proven', `${tried}: the proof is too long`)
    if (old.size === 0 || equalBytes(old.root, next.root)) return
    throw new AuditError('fork', `${tried}: two roots were signed for one size`)
  }
  // Section 2.1.4.2, step 1: "If consistency_path is an empty array, stop and fail".
  if (hashes.length === 0) throw new AuditError('not-proven', `${tried}: the proof is too short`)
  const roots = rootsOf(heads, hashes, { tried, hash })
  if (!equalBytes(roots.old, old.root) || !equalBytes(roots.new, next.root)) {
    throw new AuditError('not-proven', `${tried}: its hashes lead to other roots`)
  }
}

/** The two roots that the hashes lead to, steps 2 to 7. */
function rootsOf(
  heads: { readonly old: TreeHead; readonly new: TreeHead },
  hashes: readonly Uint8Array[],
  { tried, hash }: { readonly tried: string; readonly hash: Sha256 },
): { readonly old: Uint8Array; readonly new: Uint8Array } {
  // Step 2: "If first is an exact power of 2, then prepend first_hash to the consistency_path".
  const [first, ...rest] = isPowerOfTwo(heads.old.size) ? [heads.old.root, ...hashes] : hashes
  let place = heads.old.size - 1
  let last = heads.new.size - 1
  while (place % 2 === 1) {
    place = half(place)
    last = half(last)
  }
  let oldRoot = first!
  let newRoot = first!
  for (const sibling of rest) {
    if (last === 0) throw new AuditError('not-proven', `${tried}: the proof is too long`)
    if (place % 2 === 1 || place === last) {
      oldRoot = nodeHash({ left: sibling, right: oldRoot }, hash)
      newRoot = nodeHash({ left: sibling, right: newRoot }, hash)
      while (place % 2 === 0 && place !== 0) {
        place = half(place)
        last = half(last)
      }
    } else {
      newRoot = nodeHash({ left: newRoot, right: sibling }, hash)
    }
    place = half(place)
    last = half(last)
  }
  if (last !== 0) throw new AuditError('not-proven', `${tried}: the proof is too short`)
  return { old: oldRoot, new: newRoot }
}

/** Exact beyond 32 bits, where a logarithm rounds. */
function isPowerOfTwo(number: number): boolean {
  let power = 1
  while (power < number) power *= 2
  return power === number
}
