import { describe, expect, it } from 'vitest'
import { nodeDnssecCrypto, type DnssecAlgorithm, type DnssecCrypto } from '@ixj/dns'
import { rememberingCrypto } from '../../src/crypto/remembering-crypto.ts'
import { describeDnssecCrypto } from './crypto-contract.ts'

/** Says yes to whatever begins with 1, and counts how often it was asked. */
function counting(): DnssecCrypto & { calls: number } {
  const crypto = {
    calls: 0,
    verify: (_algorithm: DnssecAlgorithm, _key: Uint8Array, _data: Uint8Array, sig: Uint8Array) => {
      crypto.calls += 1
      return sig[0] === 1
    },
    digest: () => new Uint8Array(),
  }
  return crypto
}

describeDnssecCrypto('rememberingCrypto', rememberingCrypto(nodeDnssecCrypto()))

describe('rememberingCrypto()', () => {
  const [key, data, good] = [Uint8Array.of(7), Uint8Array.of(8), Uint8Array.of(1, 2)]

  it('checks what held once no second time, and what did not hold each time', () => {
    const native = counting()
    const crypto = rememberingCrypto(native)
    for (let round = 0; round < 3; round++) expect(crypto.verify(15, key, data, good)).toBe(true)
    expect(native.calls).toBe(1)
    const bad = Uint8Array.of(0, 2)
    for (let round = 0; round < 3; round++) expect(crypto.verify(15, key, data, bad)).toBe(false)
    expect(native.calls).toBe(4)
  })

  it('takes any other algorithm, key, data or signature for another question', () => {
    const native = counting()
    const crypto = rememberingCrypto(native)
    void crypto.verify(15, key, data, good)
    void crypto.verify(13, key, data, good)
    void crypto.verify(15, Uint8Array.of(7, 1), data, good)
    void crypto.verify(15, key, Uint8Array.of(8, 8), good)
    void crypto.verify(15, key, data, Uint8Array.of(1, 2, 3))
    // The same bytes, cut elsewhere.
    void crypto.verify(15, Uint8Array.of(7, 0, 2), Uint8Array.of(8), Uint8Array.of(1, 2))
    expect(native.calls).toBe(6)
  })

  it('forgets the longest unused past its limit', () => {
    const native = counting()
    const crypto = rememberingCrypto(native, { signaturesMax: 2 })
    const ask = (last: number) => crypto.verify(15, key, data, Uint8Array.of(1, last))
    void ask(1)
    void ask(2)
    void ask(1)
    void ask(3)
    expect(native.calls).toBe(3)
    void ask(1)
    expect(native.calls).toBe(3)
    void ask(2)
    expect(native.calls).toBe(4)
  })
})
