import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
  randomFillSync,
  sign,
  verify,
} from 'node:crypto'
import {
  concatBytes,
  fromBase64url,
  noteSoundKey,
  type Random,
  SEED_BYTES,
  type Sha256,
  type Signer,
  strictPrecheck,
  toBase64url,
  TrustError,
  type Verifier,
} from '@ixj/trust'

/**
 * Imported public keys that a verifier keeps. An import adds some 12 µs to the 110 µs of the check
 * itself, and a kept key costs some 1 KiB. Enough for every sender of a large mesh.
 */
export const VERIFIER_KEYS_MAX = 4_096

/** DER of a PKCS #8 Ed25519 private key up to its 32 bytes (RFC 8410 section 7). */
const PRIVATE_KEY_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
])

/** PEM of an Ed25519 public key up to its 32 bytes (RFC 8410 section 4); 12 bytes are whole base64. */
const PUBLIC_KEY_HEAD = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA'

/** Checks signatures with `node:crypto`, at some 8,000 a second; answers at once. */
export function openNodeVerifier(options: { readonly keysMax?: number } = {}): Verifier {
  return new NodeVerifier(options.keysMax ?? VERIFIER_KEYS_MAX)
}

class NodeVerifier implements Verifier {
  // In the order of their last use, the oldest first.
  readonly #keys = new Map<string, KeyObject>()
  readonly #keysMax: number

  constructor(keysMax: number) {
    this.#keysMax = keysMax
  }

  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
    if (!strictPrecheck(publicKey, signature)) return false
    // A copy: to look at the key's own buffer would give it one for good, 100 bytes.
    const bytes = Buffer.from(publicKey)
    const id = bytes.toString('latin1')
    const known = this.#keys.get(id)
    const key = known ?? importPublicKey(bytes)
    const holds = verify(null, data, key, signature)
    // Only a signature that held earns its key a place: junk cannot push out the keys in use.
    if (holds || known !== undefined) this.#keep(id, key)
    return holds
  }

  #keep(id: string, key: KeyObject): void {
    this.#keys.delete(id)
    this.#keys.set(id, key)
    if (this.#keys.size <= this.#keysMax) return
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest)
      break
    }
  }
}

/** One verifier for the whole process: its keys are public, and kept once. */
export const nodeVerifier: Verifier = openNodeVerifier()

/**
 * Signs with `node:crypto`, at some 25,000 a second, with the key of a 32-byte seed.
 * The seed is copied into a native key; the caller may wipe its own.
 * @throws TrustError `bad-key` for a seed of another length
 */
export function nodeSigner(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES) {
    const size = `${seed.length} bytes, must be ${SEED_BYTES}`
    throw new TrustError('bad-key', `Cannot make a key from seed: ${size}`)
  }
  const der = Buffer.from(concatBytes(PRIVATE_KEY_PREFIX, seed))
  try {
    return new NodeSigner(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  } finally {
    der.fill(0)
  }
}

/** A new key, made by `node:crypto`; its private part never leaves the native key. */
export function generateNodeKey(): Signer {
  const signer = new NodeSigner(generateKeyPairSync('ed25519').privateKey)
  noteSoundKey(signer.publicKey)
  return signer
}

class NodeSigner implements Signer {
  readonly publicKey: Uint8Array
  // A private field: no console, JSON or structured clone shows it.
  readonly #privateKey: KeyObject

  constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey
    const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
    if (x === undefined) throw new Error('An Ed25519 key without a public part')
    this.publicKey = fromBase64url(x)
  }

  sign(data: Uint8Array): Uint8Array {
    return plain(sign(null, data, this.#privateKey))
  }

  toJSON(): { readonly publicKey: string } {
    return { publicKey: toBase64url(this.publicKey) }
  }
}

/** Random bytes that are fetched at once; a call for 16 of them costs 3 µs, and 20 ns from here. */
const RANDOM_POOL_BYTES = 8 * 1024
/** What is longer is fetched by itself. */
const RANDOM_POOLED_BYTES_MAX = 64

const randomPool = new Uint8Array(RANDOM_POOL_BYTES)
let randomUsed = RANDOM_POOL_BYTES

/** Random bytes of the operating system. No byte is given out twice, and none stays behind. */
export const nodeRandom: Random = (length) => {
  if (length > RANDOM_POOLED_BYTES_MAX) return plain(randomBytes(length))
  if (randomUsed + length > RANDOM_POOL_BYTES) {
    randomFillSync(randomPool)
    randomUsed = 0
  }
  const bytes = randomPool.slice(randomUsed, randomUsed + length)
  randomPool.fill(0, randomUsed, randomUsed + length)
  randomUsed += length
  return bytes
}

const SHA256_BYTES = 32
const digestScratch = Buffer.alloc(SHA256_BYTES)

/**
 * SHA-256 by OpenSSL. It comes as a text: a Buffer of its own for 32 bytes has memory outside of the
 * heap, which costs twice the hash itself, and collections later.
 */
export const nodeSha256: Sha256 = (bytes) => {
  digestScratch.write(hash('sha256', bytes, 'binary'), 'latin1')
  return new Uint8Array(digestScratch)
}

/**
 * As a text: an import costs 12 µs of CPU. Node 24.21 tells what an object is by an error that it
 * throws and catches, four times for a JWK and its options, and so took 26 µs, or 44 in a deep stack.
 */
function importPublicKey(publicKey: Buffer): KeyObject {
  return createPublicKey(
    `${PUBLIC_KEY_HEAD}${publicKey.toString('base64')}\n-----END PUBLIC KEY-----\n`,
  )
}

/** A copy that is no Buffer: a Buffer may share a pool, and differs from Uint8Array in slice(). */
function plain(bytes: Buffer): Uint8Array {
  return Uint8Array.from(bytes)
}
