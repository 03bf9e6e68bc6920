import { describe, expect, it } from 'vitest'
import { nobleSigner, nobleVerifier } from '../../src/keys/noble-keys.ts'
import { describeSigner, describeVerifier } from './key-contract.ts'

describeVerifier('nobleVerifier', nobleVerifier)
describeSigner('nobleSigner', (seed) => nobleSigner(seed))

describe('nobleSigner()', () => {
  it('refuses a seed that is not 32 bytes', () => {
    expect(() => nobleSigner(new Uint8Array(31))).toThrow(
      expect.objectContaining({ name: 'TrustError', code: 'bad-key' }),
    )
  })

  it('keeps signing when the caller has wiped its seed', () => {
    const seed = new Uint8Array(32).fill(3)
    const signer = nobleSigner(seed)
    const before = signer.sign(Uint8Array.of(1))
    seed.fill(0)
    expect(signer.sign(Uint8Array.of(1))).toEqual(before)
  })
})
