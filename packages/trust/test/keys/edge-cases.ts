import { hashes, Point } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, toHex, utf8Bytes } from '../../src/bytes.ts'
import { smallOrderPoints } from './small-order-points.ts'

/** One line of test/vectors/ed25519-edge.json, in hexadecimal. */
export interface EdgeCase {
  readonly comment: string
  readonly publicKey: string
  readonly message: string
  readonly signature: string
  readonly valid: boolean
}

hashes.sha512 = sha512
const { n: order, p: prime } = Point.CURVE()
const scalar = (text: string) => numberOf(sha512(utf8Bytes(text))) % order
const secret = scalar('edge case: secret')
const nonce = scalar('edge case: nonce')
const honest = Point.BASE.multiply(secret)
const commitment = Point.BASE.multiply(nonce)
const torsion = smallOrderPoints()

/**
 * Signatures on which implementations of Ed25519 are known to disagree, made anew from the curve's
 * arithmetic. Each one passes the equation of at least one lenient verifier, where that is possible
 * without a discrete logarithm.
 */
export function makeEdgeCases(): EdgeCase[] {
  return [
    make('honest key, honest signature', true, honest.toBytes(), commitment.toBytes(), {}),
    ...smallOrderKeys(),
    ...smallOrderCommitments(),
    ...mixedOrder(),
    ...outOfRangeScalars(),
    ...offCurve(),
  ]
}

/** Under these keys one signature holds for any message with the right remainder of k. */
function smallOrderKeys(): EdgeCase[] {
  return smallOrderEncodings().map(({ encoding, name }) =>
    make(`small-order A, ${name}`, false, encoding, commitment.toBytes(), {
      // k divisible by 8: [k]A vanishes, so S = r solves the equation, cofactor or not.
      accept: (k) => k % 8n === 0n,
      s: () => nonce,
    }),
  )
}

function smallOrderCommitments(): EdgeCase[] {
  return smallOrderEncodings().map(({ encoding, name }) =>
    make(`small-order R, ${name}`, false, honest.toBytes(), encoding, { s: (k) => k * secret }),
  )
}

function mixedOrder(): EdgeCase[] {
  const generator = torsion[1]!
  const mixedKey = honest.add(generator).toBytes()
  const mixedCommitment = commitment.add(generator).toBytes()
  return [
    make(
      'mixed-order A, k divisible by 8: the equation holds',
      true,
      mixedKey,
      commitment.toBytes(),
      {
        accept: (k) => k % 8n === 0n,
      },
    ),
    make('mixed-order A, holds only times the cofactor', false, mixedKey, commitment.toBytes(), {
      accept: (k) => k % 8n === 3n,
    }),
    make(
      'mixed-order A, holds only if k is not reduced by L',
      false,
      mixedKey,
      commitment.toBytes(),
      { accept: (k, full) => full % 8n === 0n && k % 8n !== 0n },
    ),
    make(
      'mixed-order R, holds only times the cofactor',
      false,
      honest.toBytes(),
      mixedCommitment,
      {},
    ),
    make('mixed-order A and R that cancel: the equation holds', true, mixedKey, mixedCommitment, {
      // R = [r]B + T and A = [a]B + T: [S]B = R + [k]A needs 1 + k divisible by 8.
      accept: (k) => k % 8n === 7n,
    }),
  ]
}

function outOfRangeScalars(): EdgeCase[] {
  const plain = (k: bigint) => (nonce + k * secret) % order
  const [key, r] = [honest.toBytes(), commitment.toBytes()]
  return [
    make('S + L', false, key, r, { exact: (k) => plain(k) + order }),
    make('S + 8 L', false, key, r, { exact: (k) => plain(k) + 8n * order }),
    make('S with its highest bit set', false, key, r, { exact: (k) => plain(k) | (1n << 255n) }),
    make('S = L', false, key, r, { exact: () => order }),
    make('S = 2^256 - 1', false, key, r, { exact: () => 2n ** 256n - 1n }),
  ]
}

function offCurve(): EdgeCase[] {
  const cases: EdgeCase[] = []
  for (let y = 2n; y < 19n; y++) {
    const [canonical, wrapped] = [encode(y, false), encode(y + prime, false)]
    if (isPoint(canonical)) {
      cases.push(make(`A not canonical, y = ${y} + p`, false, wrapped, commitment.toBytes(), {}))
      cases.push(make(`R not canonical, y = ${y} + p`, false, honest.toBytes(), wrapped, {}))
    } else {
      cases.push(make(`A off the curve, y = ${y}`, false, canonical, commitment.toBytes(), {}))
      cases.push(make(`R off the curve, y = ${y}`, false, honest.toBytes(), canonical, {}))
    }
  }
  return cases
}

/** Every encoding that some decoder takes for a point of small order: 8 canonical, 6 not. */
function smallOrderEncodings(): { encoding: Uint8Array; name: string }[] {
  const canonical = torsion.map((point, index) => ({
    encoding: point.toBytes(),
    name: `${index} times the generator`,
  }))
  const others = [
    { y: 1n, sign: true, name: 'y = 1, negative zero' },
    { y: prime - 1n, sign: true, name: 'y = -1, negative zero' },
    { y: prime, sign: false, name: 'y = p' },
    { y: prime, sign: true, name: 'y = p, sign bit set' },
    { y: prime + 1n, sign: false, name: 'y = p + 1' },
    { y: prime + 1n, sign: true, name: 'y = p + 1, sign bit set' },
  ].map(({ y, sign, name }) => ({ encoding: encode(y, sign), name }))
  return [...canonical, ...others]
}

interface Recipe {
  /** Which k, reduced by the group order, and which k as hashed, the case needs. */
  readonly accept?: (k: bigint, full: bigint) => boolean
  /** S before it is reduced; by default that of an honest signer. */
  readonly s?: (k: bigint) => bigint
  /** S as it is written. */
  readonly exact?: (k: bigint) => bigint
}

function make(
  comment: string,
  valid: boolean,
  publicKey: Uint8Array,
  r: Uint8Array,
  recipe: Recipe,
): EdgeCase {
  const accept = recipe.accept ?? (() => true)
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const message = utf8Bytes(`${comment}; attempt ${attempt}`)
    const full = numberOf(sha512(concatBytes(r, publicKey, message)))
    const k = full % order
    if (!accept(k, full)) continue
    const s = recipe.exact?.(k) ?? (recipe.s?.(k) ?? nonce + k * secret) % order
    const signature = toHex(concatBytes(r, bytesOf(s)))
    return { comment, publicKey: toHex(publicKey), message: toHex(message), signature, valid }
  }
  throw new Error(`No message found for: ${comment}`)
}

function encode(y: bigint, sign: boolean): Uint8Array {
  return bytesOf(sign ? y | (1n << 255n) : y)
}

/** Whether the library decodes it. */
export function isPoint(encoding: Uint8Array): boolean {
  try {
    Point.fromBytes(encoding)
    return true
  } catch {
    return false
  }
}

/** Little-endian, as in RFC 8032. */
export function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n)
}

/** 32 bytes, little-endian. */
export function bytesOf(number: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) =>
    Number((number >> BigInt(8 * index)) & 0xffn),
  )
}
