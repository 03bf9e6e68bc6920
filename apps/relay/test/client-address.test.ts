import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { AddressShares } from '../src/web/address-shares.ts'
import { clientAddress } from '../src/web/client-address.ts'

test.each([
  ['who is no proxy is believed nothing', '192.0.2.1', '10.9.9.9', '192.0.2.1'],
  ['a proxy is believed', '10.0.0.1', '192.0.2.7', '192.0.2.7'],
  ['a chain of proxies is followed', '10.0.0.1', '192.0.2.7, 10.0.0.2', '192.0.2.7'],
  [
    'what stands before the last stranger is not',
    '10.0.0.1',
    '203.0.113.1, 192.0.2.7',
    '192.0.2.7',
  ],
  ['what is no address ends it', '10.0.0.1', 'unknown', '10.0.0.1'],
  ['a proxy that tells nothing stands for itself', '::ffff:10.0.0.1', '', '10.0.0.1'],
  ['IPv6', '10.0.0.1', '2001:db8::7', '2001:db8::7'],
])('clientAddress(): %s', (_, remoteAddress, forwarded, address) => {
  const headers = forwarded === '' ? {} : { 'x-forwarded-for': forwarded }
  const request = { socket: { remoteAddress }, headers } as unknown as IncomingMessage
  expect(clientAddress(request, new Set(['10.0.0.1', '10.0.0.2']))).toBe(address)
})

test('an address has its share, however often it gives one back, and leaves that of others alone', () => {
  const shares = new AddressShares(2)
  const first = shares.take('192.0.2.1')
  expect(shares.take('192.0.2.1')).toBeDefined()
  expect(shares.take('192.0.2.1')).toBeUndefined()
  expect(shares.take('192.0.2.2')).toBeDefined()
  first?.[Symbol.dispose]()
  first?.[Symbol.dispose]()
  expect(shares.take('192.0.2.1')).toBeDefined()
  expect(shares.take('192.0.2.1')).toBeUndefined()
  expect(shares.refused).toBe(2)
})
