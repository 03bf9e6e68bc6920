import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { concatBytes, fromBase64url, SEED_BYTES } from '@ixj/trust'
import { DnsError, dnskeyOf, type DnsName, type DnsRecord, dsOf } from '../proof.ts'

/** DER of a PKCS #8 Ed25519 private key up to its 32 bytes (RFC 8410 section 7). */
const PRIVATE_KEY_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
])

/** The key that signs a zone alone: the CSK. */
export interface ZoneKey {
  readonly dnskey: DnsRecord
  /** For the parent zone. */
  readonly ds: DnsRecord
  readonly signer: SeedSigner
}

/** The key of a zone from its seed of 32 bytes. @throws DnsError `storage` for another length */
export function zoneKeyOf(zone: DnsName, seed: Uint8Array, ttl: number): ZoneKey {
  const signer = new SeedSigner(seed)
  const dnskey = dnskeyOf(zone, { publicKey: signer.publicKey, ttl })
  return { dnskey, ds: dsOf(dnskey), signer }
}

/** Signs with OpenSSL, at once, at some 25,000 a second. */
export class SeedSigner {
  readonly publicKey: Uint8Array
  // A private field: no console, JSON or structured clone shows it.
  readonly #privateKey: KeyObject

  /** The seed is copied; the caller may wipe its own. */
  constructor(seed: Uint8Array) {
    if (seed.length !== SEED_BYTES) {
      const size = `${seed.length} bytes, must be ${SEED_BYTES}`
      throw new DnsError('storage', `Cannot make the zone's key from its seed: ${size}`)
    }
    const der = Buffer.from(concatBytes(PRIVATE_KEY_PREFIX, seed))
    try {
      this.#privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    } finally {
      der.fill(0)
    }
    const { x } = createPublicKey(this.#privateKey).export({ format: 'jwk' })
    if (x === undefined) throw new Error('An Ed25519 key without a public part')
    this.publicKey = fromBase64url(x)
  }

  sign(data: Uint8Array): Uint8Array {
    return Uint8Array.from(sign(null, data, this.#privateKey))
  }
}
