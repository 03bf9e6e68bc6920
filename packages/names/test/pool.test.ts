import { isReservedPool, parseName, poolNode } from '@ixj/names'
import { describe, expect, it } from 'vitest'

describe('poolNode() and isReservedPool()', () => {
  it.each([
    ['a.pool.n1.acme.example', 'n1.acme.example'],
    ['b.a.pool.n1.acme.example', 'n1.acme.example'],
    ['a.pool.acme.example', 'acme.example'],
    // The highest label counts: an agent of a pool is no node with a pool of its own.
    ['b.pool.a.pool.n1.acme.example', 'n1.acme.example'],
    ['pool.pool.n1.acme.example', 'n1.acme.example'],
  ])('find that %s is in the pool of %s', (name, node) => {
    expect(poolNode(parseName(name))).toBe(node)
    expect(isReservedPool(parseName(name))).toBe(true)
  })

  it.each([
    'pool.n1.acme.example',
    'pool.example',
    'a.pool.example',
    'a.pool',
    'pool.pool',
    'a.pool.n1.acme.pool',
  ])('find that %s is reserved and in no pool', (name) => {
    expect(poolNode(parseName(name))).toBeUndefined()
    expect(isReservedPool(parseName(name))).toBe(true)
  })

  it.each(['n1.acme.example', 'pools.acme.example', 'a.carpool.acme.example', 'a.pool-1.example'])(
    'find that %s has nothing to do with pools',
    (name) => {
      expect(poolNode(parseName(name))).toBeUndefined()
      expect(isReservedPool(parseName(name))).toBe(false)
    },
  )
})
