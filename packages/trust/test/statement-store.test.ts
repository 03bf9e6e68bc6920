import { describe, expect, it } from 'vitest'
import { encode } from '../src/encoding/index.ts'
import type { SignedStatement } from '../src/statement.ts'
import { StatementStore } from '../src/statement-store.ts'
import { bind, CountingVerifier, grant, NOW, refusal } from './world.ts'

const SKEW = 60_000
const statements = await Promise.all(Array.from({ length: 12 }, () => grant()))
const [first, second, third, fourth] = statements as [
  SignedStatement,
  SignedStatement,
  SignedStatement,
  SignedStatement,
]

function open(options = {}) {
  const store = new StatementStore(options)
  const verifier = new CountingVerifier()
  return {
    store,
    verifier,
    add: (signed: SignedStatement, owner: string | null = 'peer') =>
      store.add(signed.envelope, { owner, verifier }),
    held: (...all: SignedStatement[]) => all.map(({ idText }) => store.has(idText)),
  }
}

describe('StatementStore', () => {
  it('gives back what it took in, and nothing else', async () => {
    const { store, add } = open()
    expect(await add(first)).toEqual(first)
    expect(store.get(first.idText)).toEqual(first)
    expect(store.get(second.idText)).toBeUndefined()
    expect([store.has(first.idText), store.has(second.idText)]).toEqual([true, false])
  })

  it('throws away bytes whose signature does not hold, and takes the genuine after them', async () => {
    const { store, verifier, add } = open()
    const forged = { ...first, envelope: encode([first.body, new Uint8Array(64), null]) }
    await expect(add(forged)).rejects.toThrow(refusal('bad-signature', 'crew.acme.example'))
    expect(store.has(first.idText)).toBe(false)
    expect(store.counts).toMatchObject({ statements: 0, owners: 0, bytes: 0 })
    expect(await add(first)).toEqual(first)
    expect(verifier.calls).toBe(2)
  })

  it('refuses what is no statement without a signature check', async () => {
    const { store, verifier } = open()
    const junk = store.add(Uint8Array.of(0xc0), { owner: 'peer', verifier })
    await expect(junk).rejects.toThrow(refusal('form'))
    expect(verifier.calls).toBe(0)
  })

  it('checks one statement once, and keeps the signature that held', async () => {
    const { store, verifier, add } = open()
    await add(first)
    const forged = { ...first, envelope: encode([first.body, new Uint8Array(64), null]) }
    expect(await add(forged, 'other')).toEqual(first)
    expect(store.get(first.idText)?.signature).toEqual(first.signature)
    expect(verifier.calls).toBe(1)
  })

  it('takes one statement from two callers at once', async () => {
    const { store, add } = open()
    const [one, other] = await Promise.all([add(first, 'a'), add(first, 'b')])
    expect(one).toBe(other)
    expect(store.counts).toMatchObject({ statements: 1, owners: 2, bytes: first.envelope.length })
  })

  it('pushes out the oldest of the same owner past its quota, and never another’s', async () => {
    const { store, add, held } = open({ ownerStatementsMax: 2 })
    await add(first, 'quiet')
    for (const signed of [second, third, fourth]) await add(signed, 'loud')
    expect(held(first, second, third, fourth)).toEqual([true, false, true, true])
    expect(store.counts).toMatchObject({ statements: 3, owners: 2, evicted: 1 })
  })

  it('keeps what two owners brought while one of them still holds it', async () => {
    const { add, held } = open({ ownerStatementsMax: 1 })
    // The loud one brings the victim's statement first, to push it out later.
    await add(first, 'loud')
    await add(first, 'victim')
    await add(second, 'loud')
    expect(held(first, second)).toEqual([true, true])
    await add(third, 'victim')
    expect(held(first, second, third)).toEqual([false, true, true])
  })

  it('has room for so many owners, and takes a new one when another has gone', async () => {
    const { store, verifier, add, held } = open({ ownersMax: 2 })
    await add(first, 'a')
    await add(second, 'b')
    await expect(add(third, 'c')).rejects.toThrow(refusal('store-full', 'limit 2'))
    await expect(add(first, 'c')).rejects.toThrow(refusal('store-full'))
    expect(verifier.calls).toBe(2)
    expect(held(first, second, third)).toEqual([true, true, false])
    store.release('a')
    expect(held(first)).toEqual([false])
    await add(third, 'c')
    expect(held(second, third)).toEqual([true, true])
  })

  it('moves what was used out of every quota', async () => {
    const { store, add, held } = open({ ownerStatementsMax: 1 })
    await add(first)
    store.keep([first.idText, 'not here'])
    expect(store.counts).toMatchObject({ kept: 1, owners: 0 })
    await add(second)
    await add(third)
    store.release('peer')
    expect(held(first, second, third)).toEqual([true, false, false])
    await add(first)
    expect(store.counts).toMatchObject({ statements: 1, kept: 1, owners: 0 })
  })

  it('gives up the longest unused of what was used', async () => {
    const { store, add, held } = open({ keptMax: 2 })
    for (const signed of [first, second, third]) await add(signed)
    store.keep([first.idText, second.idText])
    store.keep([first.idText])
    store.keep([third.idText])
    expect(held(first, second, third)).toEqual([true, false, true])
    expect(store.counts).toMatchObject({ statements: 2, kept: 2, evicted: 1 })
  })

  it('sweeps what has ended, to the millisecond after the skew', async () => {
    const { store, add, held } = open()
    const short = await bind({ notAfter: NOW })
    await add(short)
    await add(first)
    store.keep([short.idText])
    expect(store.sweep(NOW + SKEW)).toBe(0)
    expect(store.sweep(NOW + SKEW + 1)).toBe(1)
    expect(held(short, first)).toEqual([false, true])
    expect(store.sweep(Infinity)).toBe(1)
    expect(store.counts).toEqual({ statements: 0, kept: 0, owners: 0, bytes: 0, evicted: 0 })
  })

  it('sweeps what came after a sweep and ends before all that was there', async () => {
    const { store, add, held } = open()
    await add(first)
    await add(await bind({ notAfter: NOW }))
    expect(store.sweep(NOW + SKEW + 1)).toBe(1)
    const [later, sooner] = [await bind({ notAfter: NOW + 20 }), await bind({ notAfter: NOW + 10 })]
    for (const signed of [later, sooner]) await add(signed)
    expect(store.sweep(NOW + SKEW + 10)).toBe(0)
    expect(store.sweep(NOW + SKEW + 11)).toBe(1)
    expect(held(first, later, sooner)).toEqual([true, true, false])
    expect(store.sweep(NOW + SKEW + 21)).toBe(1)
  })

  it('counts bytes and statements right through a storm', async () => {
    const { store, add } = open({ ownerStatementsMax: 3, keptMax: 2 })
    for (const [index, signed] of statements.entries()) {
      await add(signed, `peer ${index % 2}`)
      if (index % 3 === 0) store.keep([signed.idText])
      if (index === 7) store.release('peer 1')
    }
    const here = statements.filter(({ idText }) => store.has(idText))
    const bytes = here.reduce((sum, { envelope }) => sum + envelope.length, 0)
    expect(store.counts).toMatchObject({ statements: here.length, bytes, kept: 2 })
    expect(here.length).toBeLessThanOrEqual(8)
  })

  it('charges nobody for statements of the node itself, however many come at once', async () => {
    const { store, add, held } = open({ ownerStatementsMax: 2, ownersMax: 1 })
    await add(first, 'peer')
    await Promise.all(statements.slice(1).map((signed) => add(signed, null)))
    expect(held(...statements)).toEqual(statements.map(() => true))
    expect(store.counts).toMatchObject({ kept: 11, owners: 1, evicted: 0 })
    expect(store.counts.bytes).toBe(
      statements.reduce((sum, { envelope }) => sum + envelope.length, 0),
    )
  })
})
