import { webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeSigner, describeVerifier } from '../../trust/test/keys/key-contract.ts'
import {
  generateWebCryptoKey,
  generateWebCryptoKeyPair,
  webCryptoSigner,
  webCryptoVerifier,
} from '../src/web-crypto-keys.ts'

// Node's WebCrypto is the browsers' interface; its types differ in name only.
const subtle = webcrypto.subtle as SubtleCrypto
const badKey = expect.objectContaining({ name: 'TrustError', code: 'bad-key' }) as Error
const data = Uint8Array.of(1, 2, 3)

describeVerifier('webCryptoVerifier', webCryptoVerifier(subtle))
describeSigner('webCryptoSigner', async (seed, publicKey) =>
  webCryptoSigner(subtle, await importPair(seed, publicKey, false)),
)

describe('webCryptoVerifier()', () => {
  it('answers the same with room for one key only', async () => {
    const verifier = webCryptoVerifier(subtle, { keysMax: 1 })
    const signers = [await generateWebCryptoKey(subtle), await generateWebCryptoKey(subtle)]
    for (let round = 0; round < 2; round++) {
      for (const signer of signers) {
        const signature = await signer.sign(data)
        expect(await verifier.verify(signer.publicKey, data, signature)).toBe(true)
      }
    }
  })

  it('checks the bytes as they were when it was called', async () => {
    const signer = await generateWebCryptoKey(subtle)
    const signature = await signer.sign(data)
    const buffer = Uint8Array.from(data)
    const answer = webCryptoVerifier(subtle).verify(signer.publicKey, buffer, signature)
    buffer.fill(0)
    expect(await answer).toBe(true)
  })

  it('rejects where the runtime has no Ed25519: that is no answer about a signature', async () => {
    const signer = await generateWebCryptoKey(subtle)
    const signature = await signer.sign(data)
    const without = Object.assign(Object.create(subtle) as SubtleCrypto, {
      importKey: async () => {
        throw new DOMException('Unrecognized name', 'NotSupportedError')
      },
    })
    const answer = webCryptoVerifier(without).verify(signer.publicKey, data, signature)
    await expect(answer).rejects.toThrow('Unrecognized name')
  })

  it('says false where the runtime refuses the key at import', async () => {
    const signer = await generateWebCryptoKey(subtle)
    const signature = await signer.sign(data)
    const refusing = Object.assign(Object.create(subtle) as SubtleCrypto, {
      importKey: async () => {
        throw new DOMException('Not a point', 'DataError')
      },
    })
    const answer = webCryptoVerifier(refusing).verify(signer.publicKey, data, signature)
    expect(await answer).toBe(false)
  })
})

describe('webCryptoSigner()', () => {
  it('refuses a private key that a script could export', async () => {
    const pair = await subtle.generateKey('Ed25519', true, ['sign', 'verify'])
    await expect(webCryptoSigner(subtle, pair)).rejects.toThrow(badKey)
  })

  it('refuses a key of another algorithm', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const pair = await subtle.generateKey(algorithm, false, ['sign', 'verify'])
    await expect(webCryptoSigner(subtle, pair)).rejects.toThrow(badKey)
  })
})

describe('generateWebCryptoKeyPair()', () => {
  it('makes a pair whose private key cannot be exported', async () => {
    const pair = await generateWebCryptoKeyPair(subtle)
    expect(pair.privateKey.extractable).toBe(false)
    await expect(subtle.exportKey('pkcs8', pair.privateKey)).rejects.toThrow('not extractable')
  })
})

async function importPair(
  seed: Uint8Array,
  publicKey: Uint8Array,
  extractable: boolean,
): Promise<CryptoKeyPair> {
  const der = Uint8Array.from([...PKCS8_PREFIX, ...seed])
  return {
    privateKey: await subtle.importKey('pkcs8', der, 'Ed25519', extractable, ['sign']),
    publicKey: await subtle.importKey('raw', Uint8Array.from(publicKey), 'Ed25519', true, [
      'verify',
    ]),
  }
}

/** DER of a PKCS #8 Ed25519 private key up to its 32 bytes (RFC 8410 section 7). */
const PKCS8_PREFIX = [
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]
