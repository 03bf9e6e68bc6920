import { Point } from '@noble/ed25519'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../src/bytes.ts'
import { nobleSigner } from '../../src/keys/noble-keys.ts'
import { checkPublicKey, strictPrecheck } from '../../src/keys/strict.ts'
import { makeEdgeCases } from './edge-cases.ts'
import { smallOrderPoints } from './small-order-points.ts'

const file = new URL('../../../../test/vectors/ed25519-edge.json', import.meta.url)
const signer = nobleSigner(new Uint8Array(32).fill(1))
const badKey = expect.objectContaining({ name: 'TrustError', code: 'bad-key' }) as Error

describe('the points of small order', () => {
  it('are 8, as the cofactor takes them to zero', () => {
    const points = smallOrderPoints()
    expect(new Set(points.map((point) => point.toHex())).size).toBe(8)
    expect(points.every((point) => point.isSmallOrder())).toBe(true)
    expect(points[1]!.double().double().is0()).toBe(false)
  })
})

describe('test/vectors/ed25519-edge.json', () => {
  it('holds what the curve arithmetic gives today', () => {
    const stored = JSON.parse(readFileSync(file, 'utf8')) as { readonly vectors: unknown }
    expect(stored.vectors).toEqual(makeEdgeCases())
  })
})

describe('checkPublicKey()', () => {
  it('accepts an honest key', () => {
    expect(() => checkPublicKey(signer.publicKey)).not.toThrow()
  })

  it('refuses every other length', () => {
    expect(() => checkPublicKey(signer.publicKey.subarray(1))).toThrow(badKey)
    expect(() => checkPublicKey(concatBytes(signer.publicKey, Uint8Array.of(0)))).toThrow(badKey)
  })

  it('refuses every point of small order', () => {
    for (const point of smallOrderPoints()) {
      expect(() => checkPublicKey(point.toBytes())).toThrow(badKey)
    }
  })

  it.each(
    makeEdgeCases().filter((line) =>
      /^(A not canonical|A off the curve|small-order A)/.test(line.comment),
    ),
  )('refuses the key of: $comment', (line) => {
    expect(() => checkPublicKey(fromHex(line.publicKey))).toThrow(badKey)
  })

  it('says why', () => {
    const off = new Uint8Array(32)
    off[0] = 2
    expect(() => checkPublicKey(off)).toThrow(`${toHex(off)}: not a point of the curve`)
    expect(() => checkPublicKey(new Uint8Array(32).fill(0xff))).toThrow('not canonical')
    expect(() => checkPublicKey(Point.ZERO.toBytes())).toThrow('small order')
  })
})

describe('strictPrecheck()', () => {
  const signature = signer.sign(Uint8Array.of(1)) as Uint8Array

  it('lets an honest signature pass', () => {
    expect(strictPrecheck(signer.publicKey, signature)).toBe(true)
  })

  // So a runtime's own leniency, as that of Node 20 and 22, changes no answer.
  it.each(makeEdgeCases().filter((line) => /^(small-order|S |[AR] not)/.test(line.comment)))(
    'refuses by itself: $comment',
    (line) => {
      expect(strictPrecheck(fromHex(line.publicKey), fromHex(line.signature))).toBe(false)
    },
  )

  it('takes S = L - 1 and refuses S = L', () => {
    const least = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')
    const below = Uint8Array.from(least)
    below[0]! -= 1
    const r = signature.subarray(0, 32)
    expect(strictPrecheck(signer.publicKey, concatBytes(r, below))).toBe(true)
    expect(strictPrecheck(signer.publicKey, concatBytes(r, least))).toBe(false)
  })

  it('refuses y = p in A and in R, and takes the largest y that is not of small order', () => {
    const prime = fromHex(`ed${'ff'.repeat(30)}7f`)
    const below = Uint8Array.from(prime)
    below[0] = 0xeb
    const s = signature.subarray(32)
    expect(strictPrecheck(prime, signature)).toBe(false)
    expect(strictPrecheck(signer.publicKey, concatBytes(prime, s))).toBe(false)
    expect(strictPrecheck(below, signature)).toBe(true)
    expect(strictPrecheck(signer.publicKey, concatBytes(below, s))).toBe(true)
  })

  it('refuses the five y of points of small order alone, with and without the sign of x', () => {
    const ys = smallOrderPoints().map((point) => point.toBytes())
    for (const y of ys) y[31]! &= 0x7f
    expect(new Set(ys.map(toHex)).size).toBe(5)
    for (const encoding of ys.flatMap((y) => [y, y.with(31, y[31]! | 0x80)])) {
      expect(strictPrecheck(encoding, signature)).toBe(false)
      // The next y is that of another point, or of none.
      expect(strictPrecheck(encoding.with(0, encoding[0]! ^ 0x40), signature)).toBe(true)
    }
  })

  it('changes none of its arguments', () => {
    const before = [toHex(signer.publicKey), toHex(signature)]
    strictPrecheck(signer.publicKey, signature)
    expect([toHex(signer.publicKey), toHex(signature)]).toEqual(before)
  })
})
