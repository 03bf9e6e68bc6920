import { describe, expect, it } from 'vitest'
import {
  type DnssecAlgorithm,
  type DnssecCrypto,
  readDnskey,
  RSA_BITS_MAX,
  RSA_BITS_MIN,
} from '@ixj/dns'
import { newTestKey } from '../signed-zone.ts'
import { name } from '../zone-world.ts'

const zone = name('example')
const data = Uint8Array.from({ length: 300 }, (_, index) => index & 0xff)
const algorithms: readonly DnssecAlgorithm[] = [8, 13, 15]

function rsaKey(exponent: readonly number[], modulusBytes: number, first = 0xff): Uint8Array {
  const modulus = new Uint8Array(modulusBytes).fill(0xa5)
  modulus[0] = first
  return Uint8Array.from([exponent.length, ...exponent, ...modulus])
}

/** What every implementation of {@link DnssecCrypto} has to do. */
export function describeDnssecCrypto(title: string, crypto: DnssecCrypto): void {
  describe(`${title}: DnssecCrypto`, () => {
    describe.each(algorithms)('algorithm %i', (algorithm) => {
      const key = newTestKey(zone, { algorithm, rsaBits: 1_024 })
      const { publicKey } = readDnskey(key.dnskey.data)
      const signature = key.sign(data)

      it('says true for a good signature, again and again', async () => {
        for (let round = 0; round < 3; round++) {
          expect(await crypto.verify(algorithm, publicKey, data, signature)).toBe(true)
        }
      })

      it('says false for other data, another key, and any byte changed', async () => {
        const other = readDnskey(newTestKey(zone, { algorithm }).dnskey.data).publicKey
        expect(await crypto.verify(algorithm, other, data, signature)).toBe(false)
        expect(await crypto.verify(algorithm, publicKey, data.subarray(1), signature)).toBe(false)
        for (const at of [0, 31, 32, 63]) {
          const spoiled = signature.slice()
          spoiled[at]! ^= 1
          expect(await crypto.verify(algorithm, publicKey, data, spoiled), `${at}`).toBe(false)
          const otherKey = publicKey.slice()
          otherKey[Math.min(at, publicKey.length - 1)]! ^= 1
          expect(await crypto.verify(algorithm, otherKey, data, signature), `${at}`).toBe(false)
        }
      })

      it('says false for bytes that are no key and no signature', async () => {
        for (const length of [0, 1, 3, 32, 33, 63, 64, 65, 128, 129, 600]) {
          for (const fill of [0, 1, 0xff]) {
            const junk = new Uint8Array(length).fill(fill)
            expect(await crypto.verify(algorithm, junk, data, signature)).toBe(false)
            expect(await crypto.verify(algorithm, publicKey, data, junk)).toBe(false)
          }
        }
      })

      it('says false for a signature with a byte more or less', async () => {
        const longer = Uint8Array.from([...signature, 0])
        expect(await crypto.verify(algorithm, publicKey, data, longer)).toBe(false)
        expect(await crypto.verify(algorithm, publicKey, data, signature.slice(0, -1))).toBe(false)
        const inFront = Uint8Array.from([0, ...signature])
        expect(await crypto.verify(algorithm, publicKey, data, inFront)).toBe(false)
      })

      it('says false under another algorithm', async () => {
        for (const other of algorithms.filter((one) => one !== algorithm)) {
          expect(await crypto.verify(other, publicKey, data, signature)).toBe(false)
        }
      })
    })

    it('takes RSA keys of 2048 bits, as zones have them', async () => {
      const key = newTestKey(zone, { algorithm: 8, rsaBits: 2_048 })
      const { publicKey } = readDnskey(key.dnskey.data)
      expect(await crypto.verify(8, publicKey, data, key.sign(data))).toBe(true)
    })

    it('says false at once for RSA keys that are too small, too large or too slow', async () => {
      const keys = [
        rsaKey([1, 0, 1], (RSA_BITS_MIN >> 3) - 1),
        rsaKey([1, 0, 1], RSA_BITS_MIN >> 3, 0x7f),
        rsaKey([1, 0, 1], (RSA_BITS_MAX >> 3) + 1, 1),
        rsaKey([2, 0, 0, 0, 1], 128),
        rsaKey(
          Array.from({ length: 100 }, () => 0xff),
          128,
        ),
        rsaKey([1], 128),
        rsaKey([2], 128),
        rsaKey([0, 1, 0, 1], 128),
        rsaKey([1, 0, 1], 128, 0),
      ]
      for (const key of keys) {
        expect(await crypto.verify(8, key, data, new Uint8Array(key.length - 4))).toBe(false)
      }
    })

    it('says false for an Ed25519 key of small order, whose one signature holds for all', async () => {
      const identity = new Uint8Array(32).with(0, 1)
      const signature = Uint8Array.from([...identity, ...new Uint8Array(32)])
      expect(await crypto.verify(15, identity, data, signature)).toBe(false)
    })

    it('computes the three digests', async () => {
      const empty = new Uint8Array()
      const hex = async (algorithm: 'sha1' | 'sha256' | 'sha384') =>
        Buffer.from(await crypto.digest(algorithm, empty)).toString('hex')
      expect(await hex('sha1')).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709')
      expect(await hex('sha256')).toMatch(/^e3b0c44298fc1c149afbf4c8996fb924.*b855$/)
      expect(await hex('sha384')).toMatch(/^38b060a751ac96384cd9327eb1b1e36a.*95b$/)
    })
  })
}
