import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex, utf8Bytes } from '../src/bytes.ts'
import { decode, encode, type Value } from '../src/encoding/index.ts'
import { issueSuccessor, prepareStatement, signStatements } from '../src/issue-statement.ts'
import { nobleSigner, nobleVerifier } from '../src/keys/index.ts'
import { sha256, signingInput } from '../src/signing.ts'
import { StatementStore } from '../src/statement-store.ts'
import { decodeStatement, verifySignature } from '../src/statement.ts'
import { readTree, signTree, treeInput, type TreeKind } from '../src/tree.ts'
import { VerifiedTrees } from '../src/verified-trees.ts'
import { acme, bindingFieldsOf, keyOf, planner, refusal, signerOf } from './world.ts'

interface Vectors {
  readonly seed: string
  readonly trees: readonly {
    readonly kind: TreeKind
    readonly count: number
    readonly root: string
    readonly signature: string
    readonly places: readonly { readonly index: number; readonly siblings: readonly string[] }[]
  }[]
  readonly statements: readonly { readonly id: string; readonly envelope: string }[]
}

const file = new URL('../../../test/vectors/trees.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const signer = nobleSigner(fromHex(vectors.seed))
const idsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => sha256(utf8Bytes(`item ${index}`)))

/** A verifier that counts what it is asked. */
function counting() {
  const counts = { checks: 0 }
  const verify: typeof nobleVerifier.verify = (...asked) => {
    counts.checks += 1
    return nobleVerifier.verify(...asked)
  }
  return { counts, verify }
}

/** As many bindings by acme under one signature. */
function bindings(count: number) {
  const unsigned = Array.from({ length: count }, () =>
    prepareStatement(bindingFieldsOf(), keyOf(acme)),
  )
  return signStatements(unsigned, signerOf(acme))
}

/** The envelope with another third field. */
function withPlace(envelope: Uint8Array, place: Value): Uint8Array {
  const [body, signature] = decode(envelope) as readonly Value[]
  return encode([body!, signature!, place])
}

/** Index, count and siblings of an envelope. */
function placeOf(envelope: Uint8Array): [number, number, Uint8Array[]] {
  const fields = decode(envelope) as readonly Value[]
  return fields[2] as [number, number, Uint8Array[]]
}

describe('the vectors of trees', () => {
  for (const { kind, count, root, signature, places } of vectors.trees) {
    it(`${kind} of ${count}: signed again byte for byte, and each place leads to its root`, async () => {
      const ids = idsOf(count)
      const signed = await signTree(kind, ids, { signer, hash: sha256 })
      expect(toHex(signed.tree.root)).toBe(root)
      expect(toHex(signed.signature)).toBe(signature)
      for (const { index, siblings } of places) {
        const place = [index, count, siblings.map((hex) => fromHex(hex))]
        expect(signed.places[index]).toEqual(place)
        const read = readTree(place, { what: 'item', id: ids[index]! }, sha256)
        expect(read).toEqual(signed.tree)
      }
      const input = treeInput(kind, signed.tree)
      expect(nobleVerifier.verify(signer.publicKey, input, fromHex(signature))).toBe(true)
    })
  }

  it('hold statements of several kinds under one signature, each with the id that it has alone', async () => {
    const trees = new VerifiedTrees('statement-tree')
    const { counts, verify } = counting()
    for (const { id, envelope } of vectors.statements) {
      const read = decodeStatement(fromHex(envelope))
      expect(read.idText).toBe(id)
      expect(await verifySignature(read, { verify }, trees)).toBe(true)
    }
    expect(counts.checks).toBe(1)
  })
})

describe('readTree()', () => {
  it('leads from each of 1 to 256 items to the one root', async () => {
    for (const count of [2, 3, 6, 7, 9, 31, 33, 255, 256]) {
      const ids = idsOf(count)
      const { tree, places } = await signTree('bundle-tree', ids, { signer, hash: sha256 })
      for (const [index, id] of ids.entries()) {
        expect(readTree(places[index], { what: 'item', id }, sha256)).toEqual(tree)
      }
    }
  })

  it('refuses an index at the count, more or fewer siblings, and counts outside 2 to 256', async () => {
    const [, , third] = await bindings(3)
    const [index, count, siblings] = placeOf(third!.envelope)
    expect([index, count, siblings.length]).toEqual([2, 3, 1])
    const zeros = new Uint8Array(32)
    const places: readonly Value[] = [
      [3, 3, siblings],
      [-1, 3, siblings],
      [2, 3, []],
      [2, 3, [...siblings, zeros]],
      [2, 3, [zeros.subarray(1)]],
      [0, 1, []],
      [0, 257, Array.from({ length: 9 }, () => zeros)],
      [2, 3],
      [2, 3, siblings, null],
      ['2', 3, siblings],
      false,
    ]
    for (const place of places) {
      expect(() => decodeStatement(withPlace(third!.envelope, place))).toThrow(refusal('form'))
    }
  })

  it('leads to another tree by any other index, count or sibling that has the right form', async () => {
    const signed = await bindings(4)
    const { envelope } = signed[1]!
    const [index, count, siblings] = placeOf(envelope)
    const changed = siblings.map((sibling) => sibling.with(0, sibling[0]! ^ 1))
    const places: readonly Value[] = [
      [index ^ 1, count, siblings],
      [index, 3, siblings],
      [index, count, siblings.toReversed()],
      [index, count, [changed[0]!, siblings[1]!]],
      [index, count, [siblings[0]!, changed[1]!]],
    ]
    for (const place of places) {
      const read = decodeStatement(withPlace(envelope, place))
      expect(read.idText).toBe(signed[1]!.idText)
      expect(await verifySignature(read, nobleVerifier)).toBe(false)
    }
  })
})

describe('signTree()', () => {
  it('refuses fewer than 2 and more than 256 items', async () => {
    for (const count of [0, 1, 257]) {
      await expect(
        signTree('statement-tree', idsOf(count), { signer, hash: sha256 }),
      ).rejects.toThrow(refusal('form'))
    }
  })
})

describe('signStatements()', () => {
  it('signs 600 by three signatures, and the last one of 257 alone', async () => {
    let signatures = 0
    const counted = {
      publicKey: keyOf(acme),
      sign: (data: Uint8Array) => {
        signatures += 1
        return signerOf(acme).sign(data)
      },
    }
    const unsigned = Array.from({ length: 600 }, () =>
      prepareStatement(bindingFieldsOf(), keyOf(acme)),
    )
    const signed = await signStatements(unsigned, counted)
    expect([signed.length, signatures]).toEqual([600, 3])
    const alone = (await signStatements(unsigned.slice(0, 257), counted)).at(-1)!
    expect(alone.tree).toBeNull()
    expect(await verifySignature(alone, nobleVerifier)).toBe(true)
    expect(decodeStatement(alone.envelope)).toEqual(alone)
    expect(decodeStatement(signed[300]!.envelope)).toEqual(signed[300])
  })
})

describe('verifySignature()', () => {
  it('fails for a root that another key or another kind of tree signed', async () => {
    const [first, second] = await bindings(2)
    const body = first!.body
    const ids = [first!.id, second!.id]
    for (const [kind, label] of [
      ['bundle-tree', acme],
      ['statement-tree', planner],
    ] as const) {
      const options = { signer: signerOf(label), hash: sha256 }
      const { signature, places } = await signTree(kind, ids, options)
      const read = decodeStatement(encode([body, signature, places[0]!]))
      expect(await verifySignature(read, nobleVerifier)).toBe(false)
    }
    expect(await verifySignature(first!, nobleVerifier)).toBe(true)
  })

  it('takes no signature over one statement for one over a tree, or the other way round', async () => {
    const [first] = await bindings(2)
    const alone = decodeStatement(withPlace(first!.envelope, null))
    expect(await verifySignature(alone, nobleVerifier)).toBe(false)
    const single = signerOf(acme).sign(signingInput('binding', first!.body))
    const place = placeOf(first!.envelope)
    const read = decodeStatement(encode([first!.body, single as Uint8Array, place]))
    expect(await verifySignature(read, nobleVerifier)).toBe(false)
  })
})

describe('a successor', () => {
  it('is refused under a tree: both keys sign it itself', async () => {
    const { notBefore, notAfter, nonce } = bindingFieldsOf()
    const next = signerOf('next')
    const fields = { kind: 'successor', issuer: acme, name: acme, next: null } as const
    const successor = await issueSuccessor(
      { ...fields, notBefore, notAfter, nonce, newKey: next.publicKey },
      { old: signerOf(acme), new: next },
    )
    const place = [0, 2, [new Uint8Array(32)]]
    expect(() => decodeStatement(withPlace(successor.envelope, place))).toThrow(refusal('form'))
  })
})

describe('VerifiedTrees', () => {
  it('costs one check for all statements of a tree that come at once', async () => {
    const store = new StatementStore()
    const { counts, verify } = counting()
    const signed = await bindings(256)
    const slow = { verify: async (...asked: Parameters<typeof verify>) => verify(...asked) }
    await Promise.all(
      signed.map(({ envelope }) => store.add(envelope, { owner: 'peer', verifier: slow })),
    )
    expect(store.counts.statements).toBe(256)
    expect(counts.checks).toBe(1)
  })

  it('lets no junk in beside a tree that held, and none keeps the genuine out', async () => {
    const [first, second] = await bindings(2)
    const junk = encode([second!.body, new Uint8Array(64).fill(1), placeOf(second!.envelope)])
    for (const order of [
      [first!.envelope, junk, second!.envelope],
      [junk, first!.envelope, second!.envelope],
    ]) {
      const store = new StatementStore()
      const added = await Promise.allSettled(
        order.map((envelope) => store.add(envelope, { owner: 'peer', verifier: nobleVerifier })),
      )
      const failed = added.findIndex(({ status }) => status === 'rejected')
      expect(order[failed]).toBe(junk)
      expect(store.get(second!.idText)?.envelope).toEqual(second!.envelope)
    }
  })

  it('forgets the oldest when there are too many, which costs a check again and no more', async () => {
    const trees = new VerifiedTrees('statement-tree', 2)
    const { counts, verify } = counting()
    const made = [await bindings(2), await bindings(2), await bindings(2)]
    for (const [first] of made) {
      expect(await verifySignature(first!, { verify }, trees)).toBe(true)
    }
    expect([trees.size, counts.checks]).toEqual([2, 3])
    expect(await verifySignature(made[2]![1]!, { verify }, trees)).toBe(true)
    expect(counts.checks).toBe(3)
    expect(await verifySignature(made[0]![1]!, { verify }, trees)).toBe(true)
    expect(counts.checks).toBe(4)
  })

  it('forgets a signature that did not hold', async () => {
    const trees = new VerifiedTrees('statement-tree')
    const [first] = await bindings(2)
    const junk = { ...first!, signature: new Uint8Array(64).fill(1) }
    const slow = {
      verify: async (...asked: Parameters<typeof nobleVerifier.verify>) =>
        nobleVerifier.verify(...asked),
    }
    expect(await verifySignature(junk, slow, trees)).toBe(false)
    expect(trees.size).toBe(0)
  })
})
