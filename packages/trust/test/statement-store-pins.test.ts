import { describe, expect, it } from 'vitest'
import type { SignedStatement } from '../src/statement.ts'
import { StatementStore } from '../src/statement-store.ts'
import { bind, CountingVerifier, grant, NOW } from './world.ts'

const SKEW = 60_000
const others = await Promise.all(Array.from({ length: 8 }, () => grant()))
const own = await grant()
const another = await grant()

function open(options = {}) {
  const store = new StatementStore(options)
  const verifier = new CountingVerifier()
  return {
    store,
    verifier,
    add: (signed: SignedStatement, owner = 'self') =>
      store.add(signed.envelope, { owner, verifier }),
    held: (...all: SignedStatement[]) => all.map(({ idText }) => store.has(idText)),
  }
}

describe('a pinned statement', () => {
  it('stays, however many others are kept', async () => {
    const { store, add, held } = open({ keptMax: 2 })
    for (const signed of [own, another]) await add(signed)
    store.pin([own.idText])
    store.keep([another.idText])
    for (const signed of others) {
      await add(signed, 'peer')
      store.keep([signed.idText])
    }
    // The one that was kept only has gone.
    expect(held(own, another)).toEqual([true, false])
    expect(store.counts).toMatchObject({ statements: 3, kept: 2 })
  })

  it('stays, however many others its owner brings', async () => {
    const { store, add, held } = open({ ownerStatementsMax: 2 })
    await add(own)
    store.pin([own.idText])
    for (const signed of others) await add(signed)
    expect(held(own)).toEqual([true])
    expect(store.counts).toMatchObject({ statements: 3, owners: 1 })
  })

  it('counts against no quota, and makes nobody who tells it too an owner', async () => {
    const { store, verifier, add, held } = open({ ownersMax: 1 })
    await add(own)
    store.pin([own.idText])
    expect(store.counts).toMatchObject({ statements: 1, kept: 0, owners: 0 })
    await add(others[0]!, 'peer')
    expect(await add(own, 'other peer')).toEqual(own)
    expect(store.counts).toMatchObject({ statements: 2, owners: 1 })
    expect(verifier.calls).toBe(2)
    store.release('peer')
    store.release('other peer')
    expect(held(own)).toEqual([true])
  })

  it('is not moved to what is kept when it was used in an accepted chain', async () => {
    const { store, add, held } = open({ keptMax: 1 })
    await add(own)
    store.pin([own.idText])
    store.keep([own.idText])
    await add(others[0]!, 'peer')
    store.keep([others[0]!.idText])
    expect(held(own, others[0]!)).toEqual([true, true])
    expect(store.counts).toMatchObject({ kept: 1, evicted: 0 })
  })

  it('that was kept before takes none of the room of what is kept', async () => {
    const { store, add, held } = open({ keptMax: 1 })
    await add(own)
    store.keep([own.idText])
    store.pin([own.idText])
    await add(others[0]!, 'peer')
    store.keep([others[0]!.idText])
    expect(held(own, others[0]!)).toEqual([true, true])
  })

  it('moves to the shared place with its last pin, and not before', async () => {
    const { store, add, held } = open()
    await add(own)
    store.pin([own.idText])
    store.pin([own.idText])
    store.unpin([own.idText])
    expect(store.counts).toMatchObject({ kept: 0 })
    store.unpin([own.idText])
    expect(held(own)).toEqual([true])
    expect(store.counts).toMatchObject({ statements: 1, kept: 1, owners: 0 })
    // One unpin too many harms nothing, also of what is brought again.
    await add(own)
    store.unpin([own.idText])
    expect(held(own)).toEqual([true])
  })

  it('ends with its period, to the millisecond after the skew', async () => {
    const { store, add, held } = open()
    const short = await bind({ notAfter: NOW })
    await add(short)
    store.pin([short.idText])
    expect(store.sweep(NOW + SKEW)).toBe(0)
    expect(store.sweep(NOW + SKEW + 1)).toBe(1)
    expect(held(short)).toEqual([false])
    // Nothing of the pin is left: brought again, it goes with its owner.
    await add(short)
    store.unpin([short.idText])
    expect(held(short)).toEqual([true])
    store.release('self')
    expect(store.counts).toMatchObject({ statements: 0, owners: 0, bytes: 0 })
  })

  it('is one that is here: an id that is not is passed over', async () => {
    const { store, add, held } = open({ ownerStatementsMax: 1 })
    store.pin([own.idText])
    await add(own)
    expect(held(own)).toEqual([true])
    await add(another)
    expect(held(own, another)).toEqual([false, true])
  })
})
