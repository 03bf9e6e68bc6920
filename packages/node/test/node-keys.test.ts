import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeSigner, describeVerifier } from '../../trust/test/keys/key-contract.ts'
import {
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  nodeSigner,
  nodeVerifier,
  openNodeVerifier,
} from '../src/node-keys.ts'

describeVerifier('nodeVerifier', nodeVerifier)
describeSigner('nodeSigner', (seed) => nodeSigner(seed))

describe('openNodeVerifier()', () => {
  it('answers the same with room for one key only', async () => {
    const verifier = openNodeVerifier({ keysMax: 1 })
    const data = Uint8Array.of(1, 2, 3)
    const signers = [generateNodeKey(), generateNodeKey(), generateNodeKey()]
    for (let round = 0; round < 3; round++) {
      for (const [index, signer] of signers.entries()) {
        const signature = await signer.sign(data)
        const other = signers[(index + 1) % signers.length]!
        expect(await verifier.verify(signer.publicKey, data, signature)).toBe(true)
        expect(await verifier.verify(other.publicKey, data, signature)).toBe(false)
      }
    }
  })
})

describe('nodeSigner()', () => {
  it('refuses a seed that is not 32 bytes', () => {
    const badKey = expect.objectContaining({ name: 'TrustError', code: 'bad-key' }) as Error
    expect(() => nodeSigner(new Uint8Array(33))).toThrow(badKey)
  })

  it('leaves the seed of its caller as it is', () => {
    const seed = new Uint8Array(32).fill(4)
    nodeSigner(seed)
    expect(seed).toEqual(new Uint8Array(32).fill(4))
  })
})

describe('generateNodeKey()', () => {
  it('makes another key each time, whose signatures hold', async () => {
    const [left, right] = [generateNodeKey(), generateNodeKey()]
    expect(left.publicKey).not.toEqual(right.publicKey)
    const data = Uint8Array.of(1)
    expect(await nodeVerifier.verify(left.publicKey, data, await left.sign(data))).toBe(true)
  })
})

describe('nodeRandom()', () => {
  it('gives that many bytes, plain and different each time', () => {
    const bytes = nodeRandom(16)
    expect(bytes.length).toBe(16)
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    expect(nodeRandom(16)).not.toEqual(bytes)
  })

  it('gives no bytes twice, though it fetches many at once', () => {
    const given = new Set<string>()
    for (let index = 0; index < 4_000; index++) {
      const bytes = nodeRandom(16 + (index % 64))
      expect(bytes).toHaveLength(16 + (index % 64))
      given.add(Buffer.from(bytes.subarray(0, 16)).toString('hex'))
    }
    expect(given.size).toBe(4_000)
  })
})

describe('nodeSha256()', () => {
  it('gives the digest of FIPS 180-4 in plain bytes', () => {
    const data = new Uint8Array(1_000).fill(3)
    const digest = nodeSha256(data)
    expect(digest).toEqual(Uint8Array.from(createHash('sha256').update(data).digest()))
    expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype)
  })
})
