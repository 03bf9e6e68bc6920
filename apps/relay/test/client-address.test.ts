import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { AddressShares, ownerOf } from '../src/web/address-shares.ts'
import { clientAddress, isLoopback } from '../src/web/client-address.ts'

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

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['192.0.2.1', false],
  ['nonsense', false],
])('isLoopback() of %s is %s', (address, loopback) => {
  expect(isLoopback(address)).toBe(loopback)
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('ownerOf() takes %s as %s', (address, owner) => {
  expect(ownerOf(address)).toBe(owner)
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
