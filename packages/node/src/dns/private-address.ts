import { BlockList, isIP } from 'node:net'

/**
 * Ranges that mean another machine for everybody, no machine at all, or one behind a translator
 * (IANA, special-purpose address registries).
 */
const here = new BlockList()
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  here.addSubnet(address, bits, 'ipv4')
}
for (const [address, bits] of [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['ff00::', 8],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  here.addSubnet(address, bits, 'ipv6')
}

/**
 * Whether a multiaddr begins with an IP address of the whole Internet. A foreign record that says
 * anything else would have us knock at doors of our own network (server-side request forgery); a
 * host's name in it would be looked up later, and may say so then.
 */
export function isPublicAddress(multiaddr: string): boolean {
  const [, protocol, host = ''] = multiaddr.split('/')
  if (protocol === 'ip4') return isIP(host) === 4 && !here.check(host, 'ipv4')
  if (protocol === 'ip6') return isIP(host) === 6 && !here.check(host, 'ipv6')
  return false
}
