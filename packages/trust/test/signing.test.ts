import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { concatBytes, toHex, utf8Bytes } from '../src/bytes.ts'
import { gossipIdOf, idOf, proofIdOf, sha256, signingInput } from '../src/signing.ts'

const native = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex')

describe('sha256()', () => {
  it('gives the digest of FIPS 180-4 for "abc"', () => {
    expect(toHex(sha256(utf8Bytes('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })
})

describe('signingInput()', () => {
  it('puts prefix, kind and zero before the bytes', () => {
    const input = signingInput('relay-login', Uint8Array.of(1, 2))
    expect(input).toEqual(concatBytes(utf8Bytes('ixj/1/relay-login\0'), Uint8Array.of(1, 2)))
  })

  it('gives one body different bytes under different kinds', () => {
    const body = Uint8Array.of(0)
    expect(signingInput('bundle', body)).not.toEqual(signingInput('bundle-tree', body))
  })
})

describe('ids', () => {
  it('are SHA-256 of the signing input', () => {
    expect(toHex(idOf('grant', utf8Bytes('body')))).toBe(native('ixj/1/grant\0body'))
    expect(toHex(proofIdOf(utf8Bytes('proof')))).toBe(native('ixj/1/proof\0proof'))
  })

  it('of gossip cover the topic, so that bytes under two topics are two messages', () => {
    const data = utf8Bytes('data')
    const id = gossipIdOf('crew.acme.example', data)
    expect(toHex(id)).toBe(native('ixj/1/gossip\0crew.acme.example\0data'))
    expect(gossipIdOf('crew.acme.exampl', data)).not.toEqual(id)
  })

  it('use the hash that is handed in', () => {
    const seen: string[] = []
    const hash = (bytes: Uint8Array) => {
      seen.push(toHex(bytes))
      return new Uint8Array(32)
    }
    expect(idOf('status', Uint8Array.of(9), hash)).toEqual(new Uint8Array(32))
    expect(seen).toEqual([toHex(signingInput('status', Uint8Array.of(9)))])
  })
})
