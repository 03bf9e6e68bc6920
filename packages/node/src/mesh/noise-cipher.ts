import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { Uint8ArrayList } from 'uint8arraylist'

/** Bytes as libp2p hands them over: in one piece, or several. */
type Pieces = Uint8Array | Uint8ArrayList

/** The two functions of noise (17.0.3, pinned) through which every frame passes. */
export interface NoiseCipher {
  encrypt(plain: Pieces, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Uint8ArrayList
  decrypt(sealed: Pieces, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Uint8Array
}

const ALGORITHM = 'chacha20-poly1305'
const TAG_BYTES = 16
/** A frame of noise: its length is two bytes. */
const FRAME_BYTES_MAX = 0xffff

/**
 * Where the pieces of a frame are put together before they go through the cipher at once. Each call
 * of it makes memory outside of the heap, of which every 64 MiB have V8 mark the whole heap; and what
 * comes out in one piece is copied by nobody after. Nothing in here outlives a call.
 */
const scratch = new Uint8Array(FRAME_BYTES_MAX)

/**
 * ChaCha20-Poly1305 of OpenSSL with keys that are imported once a connection: an import for each
 * frame, which is what noise does by itself, takes 19 of the 24 µs of a short one.
 */
export function nodeNoiseCipher(): NoiseCipher {
  // By the array in which noise keeps a key as long as its connection stands.
  const keys = new WeakMap<Uint8Array, KeyObject>()
  const imported = (key: Uint8Array): KeyObject => {
    let known = keys.get(key)
    if (known === undefined) keys.set(key, (known = createSecretKey(key)))
    return known
  }
  return {
    encrypt: (plain, nonce, ad, key) => {
      const options = { authTagLength: TAG_BYTES }
      const cipher = createCipheriv(ALGORITHM, imported(key), nonce, options)
      cipher.setAAD(ad, { plaintextLength: plain.byteLength })
      const sealed = cipher.update(joined(plain))
      // A stream cipher has nothing left over: this ends what the tag is over.
      cipher.final()
      return new Uint8ArrayList(plainView(sealed), plainView(cipher.getAuthTag()))
    },
    decrypt: (sealed, nonce, ad, key) => {
      const end = sealed.byteLength - TAG_BYTES
      const options = { authTagLength: TAG_BYTES }
      const decipher = createDecipheriv(ALGORITHM, imported(key), nonce, options)
      decipher.setAAD(ad, { plaintextLength: end })
      const whole = joined(sealed)
      decipher.setAuthTag(whole.subarray(end))
      const plain = decipher.update(whole.subarray(0, end))
      // Throws where the tag does not hold: nothing is handed on before.
      decipher.final()
      return plainView(plain)
    },
  }
}

/** The bytes in one piece, until the next call. @throws RangeError over a frame of noise */
function joined(bytes: Pieces): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes
  let at = 0
  for (const piece of bytes) {
    scratch.set(piece, at)
    at += piece.length
  }
  return scratch.subarray(0, at)
}

/** A Buffer differs from what everybody else expects: its `slice` copies nothing. */
function plainView({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
