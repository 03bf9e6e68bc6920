import { createCipheriv, createHash, createSecretKey } from 'node:crypto'
import { Writable } from 'node:stream'
import { pureJsCrypto } from '@libp2p/noise'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { gatherWrites } from '../src/mesh/gathered-writes.ts'
import { GATHERED_BYTES_MAX } from '../src/mesh/limits.ts'
import { nodeNoiseCipher } from '../src/mesh/noise-cipher.ts'

// Bytes that repeat from run to run.
function bytes(label: string, length: number): Uint8Array {
  const key = createSecretKey(createHash('sha256').update(label).digest())
  return new Uint8Array(
    createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(length)),
  )
}

/** The same bytes, as libp2p has them when they came in several packets. */
function inPieces(whole: Uint8Array): Uint8ArrayList {
  const third = Math.ceil(whole.length / 3)
  return new Uint8ArrayList(
    whole.subarray(0, third),
    whole.subarray(third, 2 * third),
    whole.subarray(2 * third),
  )
}

/** What OpenSSL says where a tag does not hold, or is none. */
const REFUSED = /unable to authenticate|plaintextLength/

const key = bytes('key', 32)
const nonce = bytes('nonce', 12)
const ad = bytes('ad', 8)

describe('nodeNoiseCipher()', () => {
  const cipher = nodeNoiseCipher()

  for (const length of [0, 1, 39, 545, 65_519]) {
    it(`seals ${length} bytes as the noise of libp2p in plain JavaScript does`, () => {
      const plain = bytes('plain', length)
      const expected = pureJsCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, key).subarray()
      expect(cipher.encrypt(plain, nonce, ad, key).subarray()).toEqual(expected)
      expect(cipher.encrypt(inPieces(plain), nonce, ad, key).subarray()).toEqual(expected)
      expect(cipher.decrypt(expected, nonce, ad, key).subarray()).toEqual(plain)
      expect(cipher.decrypt(inPieces(expected), nonce, ad, key).subarray()).toEqual(plain)
      const opened = pureJsCrypto.chaCha20Poly1305Decrypt(expected, nonce, ad, key)
      expect(opened.subarray()).toEqual(plain)
    })
  }

  it('opens nothing of which one bit was changed', () => {
    const sealed = cipher.encrypt(bytes('plain', 40), nonce, ad, key).subarray()
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => cipher.decrypt(changed, nonce, ad, key)).toThrow(REFUSED)
    }
  })

  it('opens nothing under another key, nonce or associated data, or shorter than its tag', () => {
    const sealed = cipher.encrypt(bytes('plain', 40), nonce, ad, key).subarray()
    expect(() => cipher.decrypt(sealed, nonce, ad, bytes('other', 32))).toThrow(REFUSED)
    expect(() => cipher.decrypt(sealed, bytes('other', 12), ad, key)).toThrow(REFUSED)
    expect(() => cipher.decrypt(sealed, nonce, bytes('other', 8), key)).toThrow(REFUSED)
    expect(() => cipher.decrypt(sealed.subarray(0, 15), nonce, ad, key)).toThrow(REFUSED)
  })
})

describe('gatherWrites()', () => {
  it('hands to the system at once what is sent in one go, and much of it, or what precedes a reset, before its end', async () => {
    const writes: number[][] = []
    const socket = new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        writes.push([chunk.length])
        done()
      },
      writev: (chunks, done) => {
        writes.push(chunks.map(({ chunk }) => (chunk as Uint8Array).length))
        done()
      },
    })
    const sendData = (pieces: Iterable<Uint8Array>) => {
      for (const piece of pieces) socket.write(piece)
    }
    const sendReset = () => void writes.push([])
    const connection = { socket, sendData, sendReset }
    gatherWrites(connection as unknown as Parameters<typeof gatherWrites>[0])
    connection.sendData([new Uint8Array(2), new Uint8Array(39), new Uint8Array(16)])
    await Promise.resolve()
    connection.sendData([new Uint8Array(7)])
    expect(writes).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    expect(writes).toEqual([[2, 39, 16, 7]])
    connection.sendData([new Uint8Array(GATHERED_BYTES_MAX), new Uint8Array(1)])
    expect(writes.slice(1)).toEqual([[GATHERED_BYTES_MAX, 1]])
    connection.sendData([new Uint8Array(3)])
    await new Promise((resolve) => setImmediate(resolve))
    expect(writes.slice(2)).toEqual([[3]])
    connection.sendData([new Uint8Array(5)])
    connection.sendReset()
    expect(writes.slice(3)).toEqual([[5], []])
  })

  it('leaves a connection without a socket as it is', () => {
    const connection = { sendData: () => undefined }
    const { sendData } = connection
    gatherWrites(connection as unknown as Parameters<typeof gatherWrites>[0])
    expect(connection.sendData).toBe(sendData)
  })
})
