import { existsSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { equalBytes, fromHex, toBase64url, toHex } from '../../src/bytes.ts'
import { nobleSigner, nobleVerifier } from '../../src/keys/noble-keys.ts'
import type { Signer, Verifier } from '../../src/keys/ports.ts'
import type { EdgeCase } from './edge-cases.ts'

const vectors = new URL('../../../../test/vectors/', import.meta.url)
const speccheck = new URL('../../../../../shared/vectors/ed25519-speccheck.json', import.meta.url)

interface SignedLine {
  readonly name: string
  readonly seed: string
  readonly publicKey: string
  readonly message: string
  readonly signature: string
}

interface NumberedCase extends EdgeCase {
  readonly id: number
}

const signedLines = (read('ed25519-rfc8032.json') as { vectors: SignedLine[] }).vectors
const wycheproof = (read('ed25519-wycheproof.json') as { vectors: NumberedCase[] }).vectors
const edge = (read('ed25519-edge.json') as { vectors: EdgeCase[] }).vectors

/** What every {@link Verifier} of this repository answers: the same, on every runtime. */
export function describeVerifier(name: string, verifier: Verifier): void {
  describe(`${name} as a Verifier`, () => {
    it.each(signedLines)(
      'accepts RFC 8032 $name, and not with one bit of it changed',
      async (line) => {
        expect(await check(verifier, line)).toBe(true)
        const changed = flip(fromHex(line.signature), 8)
        expect(await check(verifier, { ...line, signature: toHex(changed) })).toBe(false)
      },
    )

    it.each(wycheproof)('answers $valid to Wycheproof case $id: $comment', async (line) => {
      expect(await check(verifier, line)).toBe(line.valid)
    })

    it.each(edge)('answers $valid to: $comment', async (line) => {
      expect(await check(verifier, line)).toBe(line.valid)
    })

    if (!existsSync(speccheck))
      console.info(`${name}: no speccheck vectors at ${speccheck.pathname}`)
    it.skipIf(!existsSync(speccheck))('accepts case 3 of speccheck alone', async () => {
      const lines = JSON.parse(readFileSync(speccheck, 'utf8')) as {
        readonly pub_key: string
        readonly message: string
        readonly signature: string
      }[]
      const accepted: number[] = []
      for (const [index, line] of lines.entries()) {
        if (await check(verifier, { ...line, publicKey: line.pub_key })) accepted.push(index)
      }
      expect(lines.length).toBe(12)
      expect(accepted).toEqual([3])
    })

    it('agrees with the pure verifier on 300 changed signatures', async () => {
      const random = makeRandom(0x1235)
      let accepted = 0
      for (let round = 0; round < 300; round++) {
        const line = change(random)
        const pure = await nobleVerifier.verify(line.publicKey, line.message, line.signature)
        const here = await verifier.verify(line.publicKey, line.message, line.signature)
        expect(here, `round ${round}: ${JSON.stringify(line)}`).toBe(pure)
        accepted += here ? 1 : 0
      }
      // Some rounds change nothing that is signed, so that agreement is not only on "no".
      expect(accepted).toBeGreaterThan(10)
      expect(accepted).toBeLessThan(150)
    })

    it('says false, and throws nothing, for keys and signatures of any other length', async () => {
      const signer = nobleSigner(new Uint8Array(32).fill(7))
      const data = Uint8Array.of(1, 2, 3)
      const signature = await signer.sign(data)
      for (const length of [0, 1, 31, 33, 63, 64, 65]) {
        const other = new Uint8Array(length).fill(9)
        expect(await verifier.verify(other, data, signature)).toBe(false)
        expect(await verifier.verify(signer.publicKey, data, other)).toBe(false)
      }
    })
  })
}

/** What every {@link Signer} of this repository does, made from a 32-byte seed. */
export function describeSigner(
  name: string,
  makeSigner: (seed: Uint8Array, publicKey: Uint8Array) => Signer | Promise<Signer>,
): void {
  describe(`${name} as a Signer`, () => {
    it.each(signedLines)('gives the signature of RFC 8032 $name', async (line) => {
      const signer = await makeSigner(fromHex(line.seed), fromHex(line.publicKey))
      expect(toHex(signer.publicKey)).toBe(line.publicKey)
      expect(toHex(await signer.sign(fromHex(line.message)))).toBe(line.signature)
    })

    it('gives plain bytes, not a Buffer', async () => {
      const signer = await makeSigner(new Uint8Array(32).fill(5), publicKeyOf(5))
      const signature = await signer.sign(new Uint8Array(0))
      expect(Object.getPrototypeOf(signature)).toBe(Uint8Array.prototype)
      expect(Object.getPrototypeOf(signer.publicKey)).toBe(Uint8Array.prototype)
    })

    it('shows its public key and never its seed', async () => {
      const seed = new Uint8Array(32).fill(0xa5)
      const signer = await makeSigner(seed, publicKeyOf(0xa5))
      const json = JSON.stringify(signer)
      expect(json).toBe(JSON.stringify({ publicKey: toBase64url(signer.publicKey) }))
      const shown = inspect(signer, { depth: 9, showHidden: true })
      for (const text of [json, shown]) {
        for (const form of ['a5a5a5', '165,165', 'paWlpaWl']) {
          // inspect() may put each number on a line of its own.
          expect(text.replaceAll(/\s/g, '')).not.toContain(form)
        }
      }
    })
  })
}

function publicKeyOf(fill: number): Uint8Array {
  return nobleSigner(new Uint8Array(32).fill(fill)).publicKey
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, vectors), 'utf8'))
}

async function check(
  verifier: Verifier,
  line: { readonly publicKey: string; readonly message: string; readonly signature: string },
): Promise<boolean> {
  const [publicKey, message] = [fromHex(line.publicKey), fromHex(line.message)]
  return verifier.verify(publicKey, message, fromHex(line.signature))
}

const signers = [1, 2, 3].map((fill) => nobleSigner(new Uint8Array(32).fill(fill)))
const honest = signers.map((signer, index) => {
  const message: Uint8Array = new Uint8Array(20 + index).fill(index)
  const signature = signer.sign(message) as Uint8Array
  return { publicKey: signer.publicKey, message, signature }
})

/** One honest line with a bit changed, two parts exchanged, or, in one of eight, nothing. */
function change(random: () => number): (typeof honest)[number] {
  const line = honest[random() % honest.length]!
  const other = honest[random() % honest.length]!
  const kind = random() % 8
  if (kind <= 2) return { ...line, signature: flip(line.signature, random() % 512) }
  if (kind <= 4) return { ...line, publicKey: flip(line.publicKey, random() % 256) }
  if (kind === 5) return { ...line, message: flip(line.message, random() % 160) }
  if (kind === 6 && !equalBytes(line.publicKey, other.publicKey)) {
    return { ...line, signature: other.signature }
  }
  return line
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[bit >> 3]! ^= 1 << (bit & 7)
  return changed
}

/** Xorshift: the same rounds every time. */
function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
