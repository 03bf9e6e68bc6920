import type { Sha256 } from '@ixj/trust'
import { nodeHash } from './hash.ts'

/**
 * A Merkle tree that grows at its end (RFC 9162 section 2.1). It keeps the roots of its perfect
 * subtrees alone, at most 53, so an append costs two hashes on average and its memory is constant.
 */
export class MerkleTree {
  readonly #hash: Sha256
  /** Roots of perfect subtrees, the largest first: one for each bit of the size. */
  readonly #peaks: Uint8Array[]
  #size: number

  /** An empty tree. */
  constructor(hash: Sha256) {
    this.#hash = hash
    this.#peaks = []
    this.#size = 0
  }

  /** How many leaves it has. */
  get size(): number {
    return this.#size
  }

  /** Adds the hash of a leaf, 32 bytes. */
  append(leaf: Uint8Array): void {
    let joined = leaf
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) {
      joined = nodeHash({ left: this.#peaks.pop()!, right: joined }, this.#hash)
    }
    this.#peaks.push(joined)
    this.#size += 1
  }

  /** Its root, 32 bytes; SHA-256 of nothing for an empty tree. */
  root(): Uint8Array {
    const last = this.#peaks.at(-1)
    if (last === undefined) return this.#hash(new Uint8Array())
    return this.#peaks
      .slice(0, -1)
      .reduceRight((right, left) => nodeHash({ left, right }, this.#hash), last)
  }
}
