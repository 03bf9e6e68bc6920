import { describe, expect, it } from 'vitest'
import { utf8Bytes } from '../src/bytes.ts'
import { nobleSigner } from '../src/keys/index.ts'
import { TREE_NODES_REMEMBERED_MAX } from '../src/limits.ts'
import { nodeHash, NodeMemory } from '../src/node-memory.ts'
import { sha256, type Sha256 } from '../src/signing.ts'
import { readTree, signTree } from '../src/tree.ts'

/** A hash that counts what it is asked. */
function counting() {
  const counts = { hashes: 0 }
  const hash: Sha256 = (bytes) => {
    counts.hashes += 1
    return sha256(bytes)
  }
  return { counts, hash }
}

const childOf = (number: number) => sha256(utf8Bytes(`child ${number}`))

describe('NodeMemory', () => {
  it('hashes the same two children once', () => {
    const { counts, hash } = counting()
    const nodes = new NodeMemory(hash)
    const [left, right] = [childOf(1), childOf(2)]
    const expected = nodeHash(left, right, sha256)
    expect(nodes.node(left, right)).toEqual(expected)
    expect(nodes.node(left, right)).toEqual(expected)
    expect(counts.hashes).toBe(1)
  })

  it('gives what the hash gives, also for children that fall on a place that is taken', () => {
    const { counts, hash } = counting()
    const nodes = new NodeMemory(hash)
    const pairs = 2 * TREE_NODES_REMEMBERED_MAX
    for (let round = 0; round < 2; round++) {
      for (let number = 0; number < pairs; number++) {
        const [left, right] = [childOf(number), childOf(number + 1)]
        expect(nodes.node(left, right)).toEqual(nodeHash(left, right, sha256))
      }
    }
    // More than fit were asked for, so some were hashed again.
    expect(counts.hashes).toBeGreaterThan(pairs)
  })

  it('does not take one order of two children, or all but one byte of them, for the other', () => {
    const nodes = new NodeMemory(sha256)
    const [left, right] = [new Uint8Array(32).fill(3), new Uint8Array(32).fill(3)]
    right[31] = 4
    const changed = right.with(31, 5)
    // All of them fall on one place.
    nodes.node(left, right)
    expect(nodes.node(right, left)).toEqual(nodeHash(right, left, sha256))
    nodes.node(left, right)
    expect(nodes.node(left, changed)).toEqual(nodeHash(left, changed, sha256))
  })

  it('gives a node that is nobody else’s: what is written into it does not change the next', () => {
    const nodes = new NodeMemory(sha256)
    const [left, right] = [childOf(1), childOf(2)]
    nodes.node(left, right).fill(0)
    nodes.node(left, right).fill(0)
    expect(nodes.node(left, right)).toEqual(nodeHash(left, right, sha256))
  })

  it('lets a full tree be read with less than three hashes an item', async () => {
    const { counts, hash } = counting()
    const ids = Array.from({ length: 256 }, (_, number) => childOf(number))
    const signer = nobleSigner(new Uint8Array(32).fill(1))
    const { tree, places } = await signTree('bundle-tree', ids, { signer, hash: sha256 })
    for (const [index, id] of ids.entries()) {
      expect(readTree(places[index], { what: 'item', id }, hash)).toEqual(tree)
    }
    expect(counts.hashes).toBeLessThan(3 * 256)
  })
})
