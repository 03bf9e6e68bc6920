import { Point } from '@noble/ed25519'
import { equalBytes, toHex } from '../bytes.ts'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SOUND_KEYS_MAX } from '../limits.ts'
import { TrustError } from '../trust-error.ts'

// All numbers here are 32 bytes, little-endian, as in RFC 8032. Both constants are the library's.
const FIELD_PRIME = littleEndian(Point.CURVE().p)
const GROUP_ORDER = littleEndian(Point.CURVE().n)

/** The highest bit of a point's encoding is the sign of x (RFC 8032 section 5.1.2). */
const Y_MASK = 0x7f

/**
 * Whether a signature is worth checking at all: lengths 64 and 32, A and R canonical and not of
 * small order, S < L. Runtimes disagree on exactly these cases, so every {@link Verifier} asks this
 * first. Cheap: no arithmetic on the curve after the first call. Never throws.
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

/** Keys that passed {@link checkPublicKey}, or were made here; the oldest goes for a new one. */
const soundKeys = new Set<string>()

/**
 * Says that a key was made on this machine by a generator that makes sound ones, so that binding it
 * costs no square root: a batch of births is half as fast with one for each.
 */
export function noteSoundKey(key: Uint8Array): void {
  soundKeys.add(toHex(key))
  if (soundKeys.size <= SOUND_KEYS_MAX) return
  const oldest = soundKeys.values().next()
  if (oldest.done !== true) soundKeys.delete(oldest.value)
}

/**
 * Checks a public key before it is bound to a name: 32 bytes, canonical, not of small order, and a
 * point of the curve. Costs a square root, some 0.1 ms, unless it passed a moment ago.
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
  try {
    Point.fromBytes(key)
  } catch (cause) {
    const message = `Cannot use public key ${toHex(key)}: not a point of the curve`
    throw new TrustError('bad-key', message, { cause })
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
  // 1 or -1. Against pitfall 1: for such a key one fixed signature holds for any message.
  if (smallOrderYs().some((other) => equalBytes(y, other))) return 'small order'
  return undefined
}

let smallOrderYsFound: readonly Uint8Array[] | undefined

/**
 * The y coordinates of the 8 points of small order. From the library: the group order times any
 * point lands among the 8, and times a point whose own small part has order 8 lands on a generator
 * of them. Costs some 20 ms, once.
 */
function smallOrderYs(): readonly Uint8Array[] {
  smallOrderYsFound ??= smallOrderPoints().map((point) => yOf(point.toBytes()))
  return smallOrderYsFound
}

/** The 8 points of small order, the neutral one first; each is the one before plus a generator. */
export function smallOrderPoints(): Point[] {
  const generator = findGenerator()
  const points = [Point.ZERO]
  while (points.length < 8) points.push(points.at(-1)!.add(generator))
  return points
}

/** Every second y is on the curve, and every second point of those has a small part of order 8. */
const CANDIDATES_MAX = 100

function findGenerator(): Point {
  const encoding = new Uint8Array(PUBLIC_KEY_BYTES)
  for (let y = 2; y < CANDIDATES_MAX; y++) {
    encoding[0] = y
    const point = tryDecode(encoding)
    if (point === undefined) continue
    const { n } = Point.CURVE()
    // The library multiplies by less than the group order only.
    const torsion = point.multiply(n - 1n, false).add(point)
    if (!torsion.double().double().is0()) return torsion
  }
  throw new Error(`No generator of the points of small order among ${CANDIDATES_MAX} candidates`)
}

function tryDecode(encoding: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(encoding)
  } catch {
    // Not on the curve, which is what we asked.
    return undefined
  }
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

function littleEndian(number: bigint): Uint8Array {
  const shifts = Array.from({ length: PUBLIC_KEY_BYTES }, (_, index) => BigInt(8 * index))
  return Uint8Array.from(shifts, (shift) => Number((number >> shift) & 0xffn))
}
