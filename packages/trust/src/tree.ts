import { concatBytes } from './bytes.ts'
import {
  encode,
  type Field,
  readArray,
  readBytes,
  readInteger,
  readList,
  type Value,
} from './encoding/index.ts'
import type { Signer } from './keys/index.ts'
import { SIGNATURE_BYTES, TREE_ITEMS_MAX, TREE_ITEMS_MIN } from './limits.ts'
import { nodeHash, NodeMemory } from './node-memory.ts'
import { type Sha256, signingInput } from './signing.ts'

/** What one signature over several items covers, docs/protocol.md, section "Trees". */
export interface Tree {
  /** Items under it, {@link TREE_ITEMS_MIN} to {@link TREE_ITEMS_MAX}. */
  readonly count: number
  /** 32 bytes, RFC 9162 section 2.1.1, over the items' ids. */
  readonly root: Uint8Array
}

/** The kinds of a signature over several: a root of statements never passes for one of bundles. */
export type TreeKind = 'statement-tree' | 'bundle-tree'

/** One signature over several items, and for each of them what stands beside it in its envelope. */
export interface TreeSignature {
  readonly tree: Tree
  /** 64 bytes. */
  readonly signature: Uint8Array
  /** By the items' order: `[index, count, siblings]`. */
  readonly places: readonly Value[]
}

const LEAF = Uint8Array.of(0)

/**
 * Reads where an item stands under a signature over several, and computes the tree that this leads
 * to; null where the item is signed alone. Costs at most 9 hashes, some two
 * where others of its tree were read just before, and no signature check.
 * @throws TrustError `form`: other fields, an index that is not below the count, more or fewer
 * siblings than the way up has
 */
export function readTree(
  field: Field,
  item: { readonly what: string; readonly id: Uint8Array },
  hash: Sha256,
): Tree | null {
  if (field === null) return null
  const what = `tree of ${item.what}`
  const [indexField, countField, siblingsField] = readArray(field, what, 3)
  const count = readInteger(countField, `count in ${what}`, {
    min: TREE_ITEMS_MIN,
    max: TREE_ITEMS_MAX,
  })
  // RFC 9162 section 2.1.3.2, step 1: an index that is not below the size fails.
  const index = readInteger(indexField, `index in ${what}`, { min: 0, max: count - 1 })
  const sides = sidesOf(index, count)
  const siblings = readList(siblingsField, `siblings in ${what}`, {
    itemsMin: sides.length,
    itemsMax: sides.length,
    item: readBytes,
  })
  const nodes = nodesOf(hash)
  let root = leafHash(item.id, hash)
  for (const [level, side] of sides.entries()) {
    const sibling = siblings[level]!
    root = side === 'left' ? nodes.node(sibling, root) : nodes.node(root, sibling)
  }
  return { count, root }
}

/** The bytes that a signature over several covers: `[count, root]` with its kind. */
export function treeInput(kind: TreeKind, { count, root }: Tree): Uint8Array {
  return signingInput(kind, encode([count, root]))
}

/**
 * Signs 2 to 256 items at once, by their ids.
 * @throws TrustError `form`: more or fewer, or the signer gave no 64 bytes
 */
export async function signTree(
  kind: TreeKind,
  ids: readonly Uint8Array[],
  options: { readonly signer: Signer; readonly hash: Sha256 },
): Promise<TreeSignature> {
  const { signer, hash } = options
  const range = { min: TREE_ITEMS_MIN, max: TREE_ITEMS_MAX }
  const count = readInteger(ids.length, `count of ${kind}`, range)
  const levels = levelsOf(ids, hash)
  const tree = { count, root: levels.at(-1)![0]! }
  const signed = await signer.sign(treeInput(kind, tree))
  const signature = Uint8Array.from(readBytes(signed, 'signature of signer', SIGNATURE_BYTES))
  const places = ids.map((_, index) => [index, count, siblingsOf(index, levels)])
  return { tree, signature, places }
}

const remembered = new WeakMap<Sha256, NodeMemory>()

/** What was computed by a hash: what another computes may differ. */
function nodesOf(hash: Sha256): NodeMemory {
  let nodes = remembered.get(hash)
  if (nodes === undefined) remembered.set(hash, (nodes = new NodeMemory(hash)))
  return nodes
}

/**
 * On which side each sibling stands on the way from a leaf to the root, RFC 9162 section 2.1.3.2: a
 * node without a partner goes up as it is.
 */
function sidesOf(index: number, count: number): readonly ('left' | 'right')[] {
  const sides: ('left' | 'right')[] = []
  let place = index
  for (let last = count - 1; last > 0; last >>= 1) {
    if (place % 2 === 1) sides.push('left')
    else if (place < last) sides.push('right')
    place >>= 1
  }
  return sides
}

/** The hashes of each level, the leaves first, the root alone last. */
function levelsOf(ids: readonly Uint8Array[], hash: Sha256): readonly (readonly Uint8Array[])[] {
  let level = ids.map((id) => leafHash(id, hash))
  const levels = [level]
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let index = 0; index < level.length; index += 2) {
      const [left, right] = level.slice(index, index + 2)
      above.push(right === undefined ? left! : nodeHash(left!, right, hash))
    }
    level = above
    levels.push(level)
  }
  return levels
}

function siblingsOf(leaf: number, levels: readonly (readonly Uint8Array[])[]): Uint8Array[] {
  const siblings: Uint8Array[] = []
  let index = leaf
  for (const level of levels) {
    const sibling = level[index ^ 1]
    if (sibling !== undefined) siblings.push(sibling)
    index >>= 1
  }
  return siblings
}

/** RFC 9162 section 2.1.1: HASH(0x00 || d[0]). */
function leafHash(id: Uint8Array, hash: Sha256): Uint8Array {
  return hash(concatBytes(LEAF, id))
}
