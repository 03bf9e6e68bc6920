import { equalBytes, fromHex, toHex } from '../bytes.ts'
import { forgetOldest } from '../forget-oldest.ts'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SOUND_KEYS_MAX } from '../limits.ts'
import { TrustError } from '../trust-error.ts'
import { isCurvePoint } from './curve-point.ts'

// All numbers here are 32 bytes, little-endian, as in RFC 8032; tests find each with the library.
const FIELD_PRIME = fromHex(`ed${'ff'.repeat(30)}7f`)
const GROUP_ORDER = fromHex(`edd3f55c1a631258d69cf7a2def9de14${'00'.repeat(15)}10`)

/** The y coordinates of the 8 points of small order: 1, -1, 0, and those of the four of order 8. */
const SMALL_ORDER_YS = [
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map(fromHex)

/** The highest bit of a point's encoding is the sign of x (RFC 8032 section 5.1.2). */
const Y_MASK = 0x7f

/**
 * Whether a signature is worth checking at all: lengths 64 and 32, A and R canonical and not of
 * small order, S < L. Runtimes disagree on exactly these cases, so every {@link Verifier} asks this
 * first. Cheap: no arithmetic on the curve. Never throws.
 */
export function strictPrecheck(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === PUBLIC_KEY_BYTES &&
    signature.length === SIGNATURE_BYTES &&
    findPointFault(publicKey) === undefined &&
    findPointFault(signature.subarray(0, 32)) === undefined &&
    // RFC 8032 section 5.1.7: S must be less than L, or one signature has several encodings.
    isBelow(signature.subarray(32), GROUP_ORDER)
  )
}

/** Keys that passed {@link checkPublicKey}, or were made here; the oldest go for new ones. */
const soundKeys = new Set<string>()

/**
 * Says that a key was made on this machine by a generator that makes sound ones, so that binding it
 * costs no look at the curve: a batch of births is half as fast with one for each.
 */
export function noteSoundKey(key: Uint8Array): void {
  soundKeys.add(toHex(key))
  forgetOldest(soundKeys, SOUND_KEYS_MAX)
}

/**
 * Checks a public key before it is bound to a name: 32 bytes, canonical, not of small order, and a
 * point of the curve. Costs some 0.1 ms, unless it passed a moment ago.
 * @throws TrustError `bad-key`
 */
export function checkPublicKey(key: Uint8Array): void {
  if (soundKeys.has(toHex(key))) return
  if (key.length !== PUBLIC_KEY_BYTES) {
    const size = `${key.length} bytes, must be ${PUBLIC_KEY_BYTES}`
    throw new TrustError('bad-key', `Cannot use public key: ${size}`)
  }
  const fault = findPointFault(key)
  if (fault !== undefined) {
    throw new TrustError('bad-key', `Cannot use public key ${toHex(key)}: ${fault}`)
  }
  if (!isCurvePoint(key)) {
    throw new TrustError('bad-key', `Cannot use public key ${toHex(key)}: not a point of the curve`)
  }
  noteSoundKey(key)
}

/** Why 32 bytes are no encoding of a point that we accept; undefined if they may be one. */
function findPointFault(encoding: Uint8Array): string | undefined {
  const y = yOf(encoding)
  // RFC 8032 section 5.1.3, step 1: if y >= p, decoding fails.
  if (!isBelow(y, FIELD_PRIME)) return 'not canonical'
  // The points of small order are all points with one of these y. So this also refuses the second
  // thing that is not canonical, the sign bit on x = 0 (RFC 8032 section 5.1.3, step 4): its y is
  // 1 or -1. Against keys for which one fixed signature holds for any message.
  if (SMALL_ORDER_YS.some((other) => equalBytes(y, other))) return 'small order'
  return undefined
}

function yOf(encoding: Uint8Array): Uint8Array {
  const y = Uint8Array.from(encoding)
  y[31]! &= Y_MASK
  return y
}

function isBelow(number: Uint8Array, bound: Uint8Array): boolean {
  for (let index = PUBLIC_KEY_BYTES - 1; index >= 0; index--) {
    const difference = number[index]! - bound[index]!
    if (difference !== 0) return difference < 0
  }
  return false
}
