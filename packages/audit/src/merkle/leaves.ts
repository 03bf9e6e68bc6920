import type { Sha256 } from '@ixj/trust'
import { HASH_BYTES } from './hash.ts'
import { MerkleTree } from './tree.ts'

/** Leaf hashes of a log, from which proofs are made: 32 bytes for each record, in one array. */
export class Leaves {
  #bytes = new Uint8Array(HASH_BYTES * 1_024)
  #size = 0

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  /** Adds the hash of the next record. */
  push(leaf: Uint8Array): void {
    const start = this.#size * HASH_BYTES
    if (start === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.set(leaf, start)
    this.#size += 1
  }

  /** The root over the leaves from one index to before another; the hash of one leaf is itself. */
  root(range: { readonly from: number; readonly to: number }, hash: Sha256): Uint8Array {
    const tree = new MerkleTree(hash)
    for (let index = range.from; index < range.to; index++) tree.append(this.#at(index))
    return tree.root()
  }

  #at(index: number): Uint8Array {
    return this.#bytes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES)
  }
}
