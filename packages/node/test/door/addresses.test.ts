import { expect, test } from 'vitest'
import { addressGroup } from '../../src/door/addresses.ts'

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('addressGroup() takes %s as %s', (address, group) => {
  expect(addressGroup(address)).toBe(group)
})
