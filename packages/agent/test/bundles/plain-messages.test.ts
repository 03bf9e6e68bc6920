import { encode, encodeApplication, type ApplicationValue, type Value } from '@ixj/trust'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeMessages,
  encodeMessages,
  joinMessages,
  packMessage,
  type MessagePart,
} from '../../src/bundles/message.ts'
import { packBodies, readPlainMessages } from '../../src/bundles/plain-messages.ts'
import { MESSAGES_BYTES_MAX } from '../../src/limits.ts'
import { seededBytes, seededRandom } from '../../../../test/world/random.ts'

const SEED = 0x9a1
const BYTES_MAX = MESSAGES_BYTES_MAX - 100
const LIMITS = { messagesMax: 256, bytesMax: BYTES_MAX, bodyBytesMax: BYTES_MAX - 100 }

const ids = fc.uint8Array({ minLength: 16, maxLength: 16 })
// Around the lengths at which a head gets longer.
const bodyBytes = fc
  .constantFrom(0, 1, 200, 253, 254, 255, 256, 257, 1_500)
  .map((length) => new Uint8Array(length).fill(7))
const plainParts = fc.record({ id: ids, body: bodyBytes }).map(({ id, body }) => ({
  id,
  body,
  correlation: null,
  contentType: null,
}))

/** The general encoding, which the one of plain messages has to be. */
function general(parts: readonly MessagePart[]): Uint8Array {
  return encode(
    parts.map(({ id, body }): Value => [id, null, null, body]),
    { bytesMax: MESSAGES_BYTES_MAX },
  )
}

function fieldsOf({ id, correlation, contentType, body }: MessagePart): MessagePart {
  return { id, correlation, contentType, body }
}

const randomOf = (seed: number) => seededBytes(seededRandom(seed))

describe('plain messages', () => {
  it('have the bytes of the general encoding, and are read from them', () => {
    fc.assert(
      fc.property(fc.array(plainParts, { minLength: 1, maxLength: 30 }), (parts) => {
        const bytes = general(parts)
        expect(joinMessages(parts.map(packMessage))).toEqual(bytes)
        expect(encodeMessages(parts)).toEqual(bytes)
        expect(readPlainMessages(bytes, parts.length)?.map(fieldsOf)).toEqual(parts)
      }),
      { seed: SEED, numRuns: 200 },
    )
  })

  it('are read from no bytes from which the general decoder reads others, or none', () => {
    const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) })
    const cut = fc.integer({ min: -3, max: 3 })
    const list = fc.array(plainParts, { minLength: 1, maxLength: 17 })
    fc.assert(
      fc.property(list, change, cut, fc.integer({ min: -1, max: 1 }), (parts, ...how) => {
        const [{ at, to }, by, more] = how
        const whole = general(parts)
        const bytes = new Uint8Array(Math.max(1, whole.length + by))
        bytes.set(whole.subarray(0, bytes.length))
        bytes[at % bytes.length] = to
        const count = parts.length + more
        const read = readPlainMessages(bytes, count)
        // What was read is all that there is, in the one encoding that it has.
        if (read === undefined) return
        expect(general(read)).toEqual(bytes)
        expect(read).toHaveLength(count)
      }),
      { seed: SEED, numRuns: 5_000 },
    )
  })

  it('are left to the general decoder where one has a content type or a correlation', () => {
    const plain = { id: new Uint8Array(16), correlation: null, contentType: null }
    const body = Uint8Array.of(1)
    for (const part of [
      { ...plain, body, contentType: 'x/y' },
      { ...plain, body, correlation: new Uint8Array(48) },
    ]) {
      const bytes = encodeMessages([{ ...plain, body }, part])
      expect(readPlainMessages(bytes, 2)).toBe(undefined)
      expect(decodeMessages(bytes, 2).map(fieldsOf)).toEqual([{ ...plain, body }, part])
    }
  })
})

describe('packBodies()', () => {
  it('packs bodies of every kind in their order, each under an id of its own', () => {
    const kinds: fc.Arbitrary<ApplicationValue> = fc.oneof(
      bodyBytes,
      fc.string({ maxLength: 300 }),
      fc.integer(),
      fc.constant({ list: [1, null, 'x'] }),
    )
    fc.assert(
      fc.property(fc.array(kinds, { maxLength: 600 }), (bodies) => {
        const { packs, ids: drawn } = packBodies(bodies, { random: randomOf(SEED), ...LIMITS })
        const read = packs.flatMap((pack) => decodeMessages(joinMessages([pack]), pack.count))
        expect(read.map(({ body }) => body)).toEqual(bodies.map((each) => encodeApplication(each)))
        expect(Buffer.concat(read.map(({ id }) => id))).toEqual(Buffer.from(drawn))
        expect(packs.every(({ count }) => count <= 256)).toBe(true)
      }),
      { seed: SEED, numRuns: 40 },
    )
  })

  it('fills a pack to the byte, and begins the next with what does not fit', () => {
    const one = packBodies([new Uint8Array(400)], { random: randomOf(1), ...LIMITS }).packs[0]!
    const two = [new Uint8Array(400), new Uint8Array(400)]
    const packed = (bytesMax: number) =>
      packBodies(two, { random: randomOf(1), ...LIMITS, bytesMax }).packs.map(({ count }) => count)
    expect(packed(2 * one.bytes.length)).toEqual([2])
    expect(packed(2 * one.bytes.length - 1)).toEqual([1, 1])
  })

  it('refuses a body over its limit, of bytes as of anything else', () => {
    const limits = { random: randomOf(1), ...LIMITS, bodyBytesMax: 300 }
    expect(packBodies([new Uint8Array(297)], limits).packs).toHaveLength(1)
    const tooLarge = expect.objectContaining({ code: 'too-large' })
    expect(() => packBodies([new Uint8Array(298)], limits)).toThrow(tooLarge)
    expect(() => packBodies(['x'.repeat(298)], limits)).toThrow(tooLarge)
  })
})
