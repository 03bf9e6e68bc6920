import { nodeSealer, openingKeyOf } from '@ixj/node'
import { SEALED_BYTES, type OpeningKey, type Sealer } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { seededBytes, seededRandom } from '../../../test/world/random.ts'
import { plainOpeningKey, plainSealer } from '../../../test/world/reference/hpke.ts'

const bytes = seededBytes(seededRandom(0x1235))
const reference = plainSealer(bytes)
const info = bytes(200)

const pairs: [string, Sealer, () => Promise<OpeningKey>][] = [
  ['the library', nodeSealer, () => nodeSealer.generateKey()],
  ['what a second implementation sealed', reference, () => nodeSealer.generateKey()],
  ['for a second implementation', nodeSealer, () => reference.generateKey()],
]

describe.each(pairs)('sealing by %s', (_, sealer, makeKey) => {
  it('opens again, 48 bytes longer, whatever the length', async () => {
    const key = await makeKey()
    for (const length of [0, 1, 200, 61_000]) {
      const plain = bytes(length)
      const sealed = await sealer.seal(key.publicKey, plain, info)
      expect(sealed).toHaveLength(length + SEALED_BYTES)
      expect(await key.open(sealed, info)).toEqual(plain)
    }
  })

  it('does not open for another key, under another info, or with one bit changed', async () => {
    const key = await makeKey()
    const sealed = await sealer.seal(key.publicKey, bytes(40), info)
    expect(await (await makeKey()).open(sealed, info)).toBeUndefined()
    expect(await key.open(sealed, bytes(200))).toBeUndefined()
    for (let index = 0; index < sealed.length; index++) {
      const changed = sealed.with(index, sealed[index]! ^ 1)
      expect(await key.open(changed, info)).toBeUndefined()
    }
    expect(await key.open(sealed.subarray(0, 31), info)).toBeUndefined()
  })
})

describe('nodeSealer', () => {
  it.each([
    ['of small order', new Uint8Array(32)],
    ['of 31 bytes', bytes(31)],
  ])('refuses to seal to a key %s', async (_, key) => {
    await expect(nodeSealer.seal(key, bytes(4), info)).rejects.toMatchObject({ code: 'argument' })
  })
})

describe('openingKeyOf()', () => {
  it('is the same key for one seed, another for another, and not the seed itself', async () => {
    const [one, other] = [bytes(32), bytes(32)]
    const { publicKey } = await openingKeyOf(one)
    expect((await openingKeyOf(one)).publicKey).toEqual(publicKey)
    expect((await openingKeyOf(other)).publicKey).not.toEqual(publicKey)
    expect(plainOpeningKey(one).publicKey).not.toEqual(publicKey)
  })
})
