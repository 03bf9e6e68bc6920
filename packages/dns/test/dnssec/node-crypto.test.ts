import { expect, test } from 'vitest'
import { nodeDnssecCrypto, readDnskey } from '@ixj/dns'
import { newTestKey } from '../signed-zone.ts'
import { name } from '../zone-world.ts'
import { describeDnssecCrypto } from './crypto-contract.ts'

describeDnssecCrypto('nodeDnssecCrypto', nodeDnssecCrypto())

test('nodeDnssecCrypto() answers the same with room for one key only', () => {
  const crypto = nodeDnssecCrypto({ keysMax: 1 })
  const keys = [newTestKey(name('a')), newTestKey(name('b'))]
  const data = Uint8Array.of(1, 2, 3)
  for (let round = 0; round < 2; round++) {
    for (const key of keys) {
      const { publicKey } = readDnskey(key.dnskey.data)
      expect(crypto.verify(15, publicKey, data, key.sign(data))).toBe(true)
    }
  }
})
