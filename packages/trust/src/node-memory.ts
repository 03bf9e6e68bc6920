import { concatBytes, equalBytes } from './bytes.ts'
import { ID_BYTES, TREE_NODES_REMEMBERED_MAX } from './limits.ts'
import type { Sha256 } from './signing.ts'

const NODE = Uint8Array.of(1)
const CHILDREN_BYTES = 2 * ID_BYTES
const ENTRY_BYTES = CHILDREN_BYTES + ID_BYTES

/**
 * Hashes of two children that were computed lately, each beside both. The items of one tree come
 * together and share most of their way up, so 256 of them cost some 255 hashes and not 2,048. It
 * answers what the hash would answer, whoever filled it: an entry counts for exactly its children.
 * What falls on a place that is taken replaces what was there, and that costs a hash again.
 */
export class NodeMemory {
  readonly #hash: Sha256
  readonly #entries = new Uint8Array(TREE_NODES_REMEMBERED_MAX * ENTRY_BYTES)
  readonly #isFilled = new Uint8Array(TREE_NODES_REMEMBERED_MAX)

  constructor(hash: Sha256) {
    this.#hash = hash
  }

  /** As {@link nodeHash}, of children of 32 bytes. */
  node(left: Uint8Array, right: Uint8Array): Uint8Array {
    // Children are hashes themselves: any of their bytes spread as well as others.
    const place = (left[0]! * 256 + right[0]!) % TREE_NODES_REMEMBERED_MAX
    const start = place * ENTRY_BYTES
    const entry = this.#entries.subarray(start, start + ENTRY_BYTES)
    const isKnown =
      this.#isFilled[place] === 1 &&
      equalBytes(entry.subarray(0, ID_BYTES), left) &&
      equalBytes(entry.subarray(ID_BYTES, CHILDREN_BYTES), right)
    if (isKnown) return entry.slice(CHILDREN_BYTES)
    const node = nodeHash(left, right, this.#hash)
    entry.set(left)
    entry.set(right, ID_BYTES)
    entry.set(node, CHILDREN_BYTES)
    this.#isFilled[place] = 1
    return node
  }
}

/** RFC 9162 section 2.1.1: HASH(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Sha256): Uint8Array {
  return hash(concatBytes(NODE, left, right))
}
