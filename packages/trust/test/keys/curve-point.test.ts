import { Point } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { expect, it } from 'vitest'
import { toHex, utf8Bytes } from '../../src/bytes.ts'
import { isCurvePoint } from '../../src/keys/curve-point.ts'
import { bytesOf, isPoint, makeEdgeCases, numberOf } from './edge-cases.ts'

const { p: prime } = Point.CURVE()

it('isCurvePoint() takes what the library decodes, and nothing else', () => {
  // About half of all y are on the curve.
  const encodings = Array.from({ length: 400 }, (_, index) => {
    const y = numberOf(sha512(utf8Bytes(`curve point ${index}`))) % prime
    return bytesOf(index % 2 === 0 ? y : y | (1n << 255n))
  })
  const small = Array.from({ length: 64 }, (_, index) => bytesOf(BigInt(index + 2)))
  const large = Array.from({ length: 64 }, (_, index) => bytesOf(prime - BigInt(index + 2)))
  const all = [...encodings, ...small, ...large]
  const wrong = all.filter((encoding) => isCurvePoint(encoding) !== isPoint(encoding))
  expect(wrong.map(toHex)).toEqual([])
  const on = encodings.filter(isCurvePoint).length
  expect([on > 150, on < 250]).toEqual([true, true])
})

it('isCurvePoint() takes every point of the vectors, and refuses what is off the curve', () => {
  const off = makeEdgeCases().filter(({ comment }) => comment.startsWith('A off the curve'))
  expect(off.length).toBeGreaterThan(3)
  expect(off.map(({ publicKey }) => isCurvePoint(Buffer.from(publicKey, 'hex')))).not.toContain(
    true,
  )
  expect(isCurvePoint(Point.BASE.toBytes())).toBe(true)
})
