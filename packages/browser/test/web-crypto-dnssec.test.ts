import { webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { encodeChain, nodeDnssecCrypto, readDnskey, verifyChain } from '@ixj/dns'
import { nobleVerifier } from '@ixj/trust'
import { describeDnssecCrypto } from '../../dns/test/dnssec/crypto-contract.ts'
import { newTestKey, SignedZone } from '../../dns/test/signed-zone.ts'
import { ask, contextOf, lookUp, name } from '../../dns/test/zone-world.ts'
import { webCryptoDnssec } from '../src/web-crypto-dnssec.ts'

// Node's WebCrypto is the browsers' interface; its types differ in name only.
const subtle = webcrypto.subtle as SubtleCrypto

describeDnssecCrypto('webCryptoDnssec', webCryptoDnssec(subtle))

describe('webCryptoDnssec()', () => {
  it('answers the same with room for one key only', async () => {
    const crypto = webCryptoDnssec(subtle, { keysMax: 1 })
    const data = Uint8Array.of(1, 2, 3)
    const keys = ([8, 13, 13, 15, 15] as const).map((algorithm) =>
      newTestKey(name('example'), { algorithm }),
    )
    for (let round = 0; round < 2; round++) {
      for (const key of keys) {
        const { publicKey } = readDnskey(key.dnskey.data)
        const holds = crypto.verify(key.algorithm as 8, publicKey, data, key.sign(data))
        expect(await holds).toBe(true)
      }
    }
  })

  it('checks the bytes as they were when it was called', async () => {
    const key = newTestKey(name('example'), { algorithm: 13 })
    const data = Uint8Array.of(1, 2, 3)
    const signature = key.sign(data)
    const { publicKey } = readDnskey(key.dnskey.data)
    const buffer = Uint8Array.from(data)
    const answer = webCryptoDnssec(subtle).verify(13, publicKey, buffer, signature)
    buffer.fill(0)
    expect(await answer).toBe(true)
  })

  it('works where the runtime has no Ed25519, with a verifier of its own', async () => {
    const without = Object.assign(Object.create(subtle) as SubtleCrypto, {
      importKey: async () => {
        throw new DOMException('Unrecognized name', 'NotSupportedError')
      },
    })
    const key = newTestKey(name('example'))
    const { publicKey } = readDnskey(key.dnskey.data)
    const data = Uint8Array.of(1, 2, 3)
    const crypto = webCryptoDnssec(without, { ed25519: nobleVerifier })
    expect(await crypto.verify(15, publicKey, data, key.sign(data))).toBe(true)
    const alone = webCryptoDnssec(without).verify(15, publicKey, data, key.sign(data))
    await expect(alone).rejects.toThrow('Unrecognized name')
  })

  it.each([8, 13, 15] as const)(
    'checks a proof of algorithm %i as Node does',
    async (algorithm) => {
      const zone = new SignedZone('example', ['_ixjkey 300 IN TXT "key"'], {
        algorithm,
        denial: 'nsec3',
      })
      for (const question of ['TXT _ixjkey.example', 'TXT _ixjkey.ghost.example']) {
        const { validation } = await lookUp([zone], question)
        if (validation.state !== 'secure') throw new Error(validation.state)
        const chain = encodeChain(validation.used)
        const [inNode, inPage] = await Promise.all(
          [nodeDnssecCrypto(), webCryptoDnssec(subtle)].map((crypto) =>
            verifyChain(chain, ask(question), contextOf([zone.anchor], { crypto })),
          ),
        )
        expect(inPage).toEqual(inNode)
        expect(inPage).toMatchObject({ state: 'secure' })
      }
    },
  )
})
