import * as fc from 'fast-check'
import type { ApplicationValue, Value } from '../../src/encoding/value.ts'

/** Property tests repeat the same runs every time; a failure prints the seed and the path. */
export const SEED = 0x1235

const edges = [7, 8, 15, 16, 31, 32, 53].flatMap((bits) =>
  [-2, -1, 0, 1, 2].flatMap((step) => [2 ** bits + step, -(2 ** bits) + step]),
)

/** Integers within ±(2^53 - 1), most of them near the edge of a width. */
export const integers = fc.oneof(
  fc.constantFrom(...edges.filter(Number.isSafeInteger), -32, -33, -31, 0),
  fc.maxSafeInteger(),
  fc.integer({ min: -300, max: 300 }),
)

/** Texts of every plane; some begin with a byte order mark, some pass the 31, 255 and 65,535 bytes. */
export const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => `\ufeff${text}`),
  fc.constantFrom(30, 31, 32, 63, 64, 65, 255, 256, 700).map((length) => 'n'.repeat(length)),
)

const binaries = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(31, 32, 255, 256, 300).map((length) => new Uint8Array(length).fill(0xc1)),
)

const scalars = fc.oneof(fc.constant(null), fc.boolean(), integers, texts, binaries)

/** Values of the protocol, nested up to 8 deep, with lists across the 15 items of a short head. */
export const values: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 8, depthIdentifier: 'value' },
    scalars,
    fc.array(tie('value'), { maxLength: 20, depthIdentifier: 'value' }),
  ),
})).value

const keys = texts.filter((key) => key !== '__proto__')

/** Values of a message's body. */
export const applicationValues: fc.Arbitrary<ApplicationValue> = fc.letrec<{
  value: ApplicationValue
}>((tie) => ({
  value: fc.oneof(
    { maxDepth: 8, depthIdentifier: 'value' },
    scalars,
    fc.double(),
    fc.constantFrom(2 ** 53, -(2 ** 53), 1e300, -0),
    fc.array(tie('value'), { maxLength: 18, depthIdentifier: 'value' }),
    fc.dictionary(keys, tie('value'), { maxKeys: 18, depthIdentifier: 'value' }),
  ),
})).value
