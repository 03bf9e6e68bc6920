import { parseName } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { CarriedShares } from '../../src/relay/carried-shares.ts'

const group = (index: number) => parseName(`g${index}.acme.example`)

/** Shares of which these addresses have taken so many. */
function taken(max: number, counts: Readonly<Record<string, number>>): CarriedShares {
  const shares = new CarriedShares(max)
  let next = 0
  for (const [payer, count] of Object.entries(counts)) {
    for (let left = count; left > 0; left--) shares.take(group(next++), payer)
  }
  return shares
}

describe('CarriedShares', () => {
  it('take() gives nothing up as long as there is room', () => {
    expect(taken(3, { a: 2 }).take(group(9), 'a')).toBeUndefined()
  })

  it('take() gives up the newest of who has most', () => {
    const shares = taken(4, { a: 3, b: 1 })
    expect(shares.take(group(9), 'c')).toBe(group(2))
    expect(shares.size).toBe(4)
  })

  it('take() refuses who would then have as many as anybody', () => {
    const shares = taken(4, { a: 2, b: 2 })
    expect(() => shares.take(group(9), 'a')).toThrow('limit 4 groups, 2 of them for this address')
    expect(shares.size).toBe(4)
    // One of two is not more than one of one would be.
    expect(() => taken(3, { a: 2, b: 1 }).take(group(9), 'b')).toThrow('limit 3 groups')
  })

  it('take() has nobody pay for what somebody pays for', () => {
    const shares = taken(2, { a: 2 })
    expect(shares.take(group(0), 'b')).toBeUndefined()
    expect(shares.take(group(9), 'b')).toBe(group(1))
  })

  it('charge() has another pay in the place of who has left', () => {
    const shares = taken(3, { a: 2, b: 1 })
    shares.charge(group(0), 'b')
    expect(shares.take(group(9), 'c')).toBe(group(0))
  })

  it('release() makes room', () => {
    const shares = taken(1, { a: 1 })
    shares.release(group(0))
    expect(shares.take(group(9), 'b')).toBeUndefined()
  })

  it('addresses that come one by one end with equal shares', () => {
    const shares = taken(12, { a: 12 })
    for (const payer of ['b', 'c']) {
      for (let index = 0; index < 4; index++)
        shares.take(parseName(`${payer}${index}.acme.example`), payer)
    }
    for (const payer of ['a', 'b', 'c']) {
      expect(() => shares.take(group(99), payer)).toThrow('4 of them for this address')
    }
  })
})
