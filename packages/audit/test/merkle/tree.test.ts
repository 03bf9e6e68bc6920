import { checkConsistency, checkInclusion, consistencyProof, inclusionProof } from '@ixj/audit'
import { leafHash, Leaves, MerkleTree } from '@ixj/audit'
import { nodeSha256 as hash } from '../../../../test/world/native-keys.ts'
import { fromHex, toHex, utf8Bytes } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { rootOfPath, rootsOfProof, treeHash } from '../independent-log.ts'
import { codeOf } from '../code-of.ts'

// The inputs and roots of the Certificate Transparency implementations (google/certificate-
// transparency, cpp/merkletree/merkle_tree_test.cc), for RFC 6962.
const INPUTS = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

const SIZES = 34

function madeLeaves(count: number) {
  const entries = Array.from({ length: count }, (_, index) => utf8Bytes(`record ${index}`))
  const leaves = new Leaves()
  for (const entry of entries) leaves.push(leafHash(entry, hash))
  return { entries: entries.map((entry) => Buffer.from(entry)), leaves }
}

const buffers = (hashes: readonly Uint8Array[]) => hashes.map((each) => Buffer.from(each))

describe('MerkleTree', () => {
  it('has the root of nothing when it is empty', () => {
    expect(toHex(new MerkleTree(hash).root())).toBe(toHex(hash(new Uint8Array())))
  })

  it('has the published roots of Certificate Transparency after each record', () => {
    const tree = new MerkleTree(hash)
    const roots = INPUTS.map((input) => {
      tree.append(leafHash(fromHex(input), hash))
      return toHex(tree.root())
    })
    expect(roots).toEqual(ROOTS)
  })

  it('has the root that the recursive definition gives, for every size', () => {
    const { entries, leaves } = madeLeaves(SIZES)
    const tree = new MerkleTree(hash)
    for (const [index, entry] of entries.entries()) {
      tree.append(leafHash(entry, hash))
      const root = treeHash(entries.slice(0, index + 1)).toString('hex')
      expect(toHex(tree.root())).toBe(root)
      expect(toHex(leaves.root({ from: 0, to: index + 1 }, hash))).toBe(root)
    }
  })
})

describe('inclusionProof()', () => {
  it('leads from each record to the root, here and in a second implementation', () => {
    const { entries, leaves } = madeLeaves(SIZES)
    for (let size = 1; size <= SIZES; size++) {
      const root = leaves.root({ from: 0, to: size }, hash)
      for (let index = 0; index < size; index++) {
        const hashes = inclusionProof(leaves, { index, size, hash })
        const leaf = leafHash(entries[index]!, hash)
        checkInclusion({ index, size, leaf, hashes }, root, hash)
        const other = rootOfPath(index, size, Buffer.from(leaf), buffers(hashes))
        expect(other.toString('hex')).toBe(toHex(root))
      }
    }
  })

  it('refuses a record that is not in the tree', () => {
    const { leaves } = madeLeaves(3)
    expect(codeOf(() => inclusionProof(leaves, { index: 3, size: 3, hash }))).toBe('absent')
    expect(codeOf(() => inclusionProof(leaves, { index: 0, size: 4, hash }))).toBe('absent')
  })
})

describe('checkInclusion()', () => {
  it('refuses another record, index, size, root, and a proof with one hash more, less or other', () => {
    const size = 13
    const { entries, leaves } = madeLeaves(size)
    const root = leaves.root({ from: 0, to: size }, hash)
    for (let index = 0; index < size; index++) {
      const hashes = inclusionProof(leaves, { index, size, hash })
      const leaf = leafHash(entries[index]!, hash)
      const other = leafHash(utf8Bytes('another'), hash)
      const good = { index, size, leaf, hashes }
      const wrong = [
        { ...good, leaf: other },
        { ...good, index: (index + 1) % size },
        { ...good, index: size },
        { ...good, hashes: hashes.slice(0, -1) },
        { ...good, hashes: [...hashes, other] },
        ...hashes.map((_, at) => ({ ...good, hashes: hashes.with(at, other) })),
      ]
      for (const each of wrong) {
        expect(codeOf(() => checkInclusion(each, root, hash))).toBe('not-proven')
      }
      expect(codeOf(() => checkInclusion(good, other, hash))).toBe('not-proven')
    }
  })

  it('counts the hashes before it computes one', () => {
    const leaf = new Uint8Array(32)
    const hashes = Array.from({ length: 109 }, () => leaf)
    const refuse = (): never => {
      throw new Error('a hash was computed')
    }
    const given = { index: 0, size: 2 ** 50, leaf, hashes }
    expect(codeOf(() => checkInclusion(given, leaf, refuse))).toBe('too-large')
  })
})

describe('consistencyProof()', () => {
  it('leads from each tree to each later one, here and in a second implementation', () => {
    const { leaves } = madeLeaves(SIZES)
    const head = (size: number) => ({ size, root: leaves.root({ from: 0, to: size }, hash) })
    for (let size = 1; size <= SIZES; size++) {
      for (let old = 1; old <= size; old++) {
        const hashes = consistencyProof(leaves, { old, size, hash })
        checkConsistency({ old: head(old), new: head(size) }, hashes, hash)
        const roots = rootsOfProof(old, size, Buffer.from(head(old).root), buffers(hashes))
        expect(roots.old.toString('hex')).toBe(toHex(head(old).root))
        expect(roots.new.toString('hex')).toBe(toHex(head(size).root))
      }
    }
  })

  it('is empty from an empty tree, and for one size', () => {
    const { leaves } = madeLeaves(5)
    expect(consistencyProof(leaves, { old: 0, size: 5, hash })).toEqual([])
    expect(consistencyProof(leaves, { old: 5, size: 5, hash })).toEqual([])
  })
})

describe('checkConsistency()', () => {
  it('refuses other roots, and a proof with one hash more, less or other', () => {
    const { leaves } = madeLeaves(21)
    const head = (size: number) => ({ size, root: leaves.root({ from: 0, to: size }, hash) })
    const other = new Uint8Array(32).fill(7)
    for (let old = 1; old < 21; old++) {
      const heads = { old: head(old), new: head(21) }
      const hashes = consistencyProof(leaves, { old, size: 21, hash })
      const outcomes = [
        codeOf(() => checkConsistency(heads, hashes.slice(0, -1), hash)),
        codeOf(() => checkConsistency(heads, [...hashes, other], hash)),
        ...hashes.map((_, at) =>
          codeOf(() => checkConsistency(heads, hashes.with(at, other), hash)),
        ),
        codeOf(() => checkConsistency({ ...heads, old: { size: old, root: other } }, hashes, hash)),
        codeOf(() => checkConsistency({ ...heads, new: { size: 21, root: other } }, hashes, hash)),
      ]
      expect(new Set(outcomes)).toEqual(new Set(['not-proven']))
    }
  })

  it('tells a fork and a rollback by their own codes', () => {
    const root = new Uint8Array(32)
    const other = new Uint8Array(32).fill(1)
    const check = (old: number, next: number) =>
      codeOf(() =>
        checkConsistency({ old: { size: old, root }, new: { size: next, root: other } }, [], hash),
      )
    expect([check(5, 5), check(5, 4)]).toEqual(['fork', 'rollback'])
  })
})
