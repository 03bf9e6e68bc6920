import { describe, expect, it } from 'vitest'
import { decodeApplication, decodeShared, encode, encodeApplication } from '@ixj/trust'

const body = (fill: number, length: number) => new Uint8Array(length).fill(fill)

describe('copies that share a slab', () => {
  it('are each their own bytes: what is written to one changes no other, nor the source', () => {
    const source = encodeApplication([body(1, 200), body(2, 200), body(3, 1_024), body(4, 5_000)])
    const before = source.slice()
    const parts = decodeApplication(source) as Uint8Array[]
    for (const part of parts) part.fill(0xff)
    expect(source).toEqual(before)
    expect(decodeApplication(source)).toEqual([
      body(1, 200),
      body(2, 200),
      body(3, 1_024),
      body(4, 5_000),
    ])
  })

  it('are whole where a slab ends', () => {
    const values = Array.from({ length: 100 }, (_, index) => body(index, 65 + ((index * 37) % 960)))
    const copies = values.map((value) => decodeApplication(encodeApplication(value)))
    expect(copies).toEqual(values)
  })
})

describe('decodeShared()', () => {
  it('gives long binary values as parts of the bytes, and short ones as copies', () => {
    const bytes = encode([body(1, 64), body(2, 65)])
    const [short, long] = decodeShared(bytes) as Uint8Array[]
    expect([short, long]).toEqual([body(1, 64), body(2, 65)])
    expect([short!.buffer === bytes.buffer, long!.buffer === bytes.buffer]).toEqual([false, true])
  })
})

describe('encode()', () => {
  it('keeps two values apart of which one is encoded while the other is', () => {
    const inner: unknown[] = []
    const outer = {
      a: 1,
      get b() {
        inner.push(encodeApplication({ x: body(7, 300) }))
        return body(8, 300)
      },
    }
    const bytes = encodeApplication(outer)
    expect(decodeApplication(bytes)).toEqual({ a: 1, b: body(8, 300) })
    expect(decodeApplication(inner[0] as Uint8Array)).toEqual({ x: body(7, 300) })
  })
})

describe('decodeApplication() of one binary value', () => {
  const of =
    (...head: readonly number[]) =>
    (length: number) =>
      Uint8Array.from([...head, ...body(5, length)])

  it.each([0, 1, 64, 65, 255, 256, 1_024, 1_025, 60_000])('of %d bytes gives them', (length) => {
    const value = decodeApplication(encodeApplication(body(5, length)))
    expect(value).toEqual(body(5, length))
    expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
  })

  it('gives a copy, plain, also of a Buffer', () => {
    const bytes = Buffer.from(encodeApplication(body(5, 40)))
    const value = decodeApplication(bytes) as Uint8Array
    bytes.fill(0)
    expect(value).toEqual(body(5, 40))
    expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
  })

  it.each([
    ['a longer form than its length needs', of(0xc5, 0x00, 0x40)(64)],
    ['bytes behind it', of(0xc4, 0x40)(65)],
    ['an end inside it', of(0xc4, 0x41)(64)],
    ['nothing but its head', of(0xc4)(0)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeApplication(bytes)).toThrow(expect.objectContaining({ code: 'encoding' }))
  })

  it('refuses one over the limit', () => {
    const bytes = encodeApplication(body(5, 300))
    expect(() => decodeApplication(bytes, { bytesMax: 302 })).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    )
  })
})
