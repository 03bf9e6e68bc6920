import { fromHex, toHex } from '@ixj/trust'
import { expect, test } from 'vitest'

test('toHex() gives two lower-case digits for each byte, whatever the length', () => {
  for (const length of [0, 1, 16, 31, 32, 33, 64]) {
    for (let first = 0; first < 256; first++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (first + index * 7) & 0xff)
      const text = toHex(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('hex'))
      expect(fromHex(text)).toEqual(bytes)
    }
  }
})
