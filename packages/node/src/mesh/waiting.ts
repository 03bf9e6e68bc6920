import type { Multiaddr } from '@multiformats/multiaddr'
import { UNADMITTED_MAX, UNADMITTED_PER_SOURCE_MAX } from './limits.ts'

/** The code of /ip4 in a binary multiaddr; its 4 bytes follow. */
const IP4 = 0x04
/** The code of /ip6 in a binary multiaddr; its 16 bytes follow. */
const IP6 = 0x29
/** What precedes an IPv4 address in an IPv6 one (RFC 4291, section 2.5.5.2). */
const IP4_MAPPED_PREFIX = '00000000000000000000ffff'

/**
 * Whom a remote address is charged to, as text: an IPv4 address, or the /64 of an IPv6 address,
 * since one host owns all of that. An IPv4 address inside an IPv6 one is charged as itself. All
 * addresses of other kinds are charged to one source.
 */
export function sourceOf(address: Multiaddr): string {
  const { bytes } = address
  const hex = Buffer.from(bytes.subarray(1, 17)).toString('hex')
  if (bytes[0] === IP4) return hex.slice(0, 8)
  if (bytes[0] !== IP6) return ''
  return hex.startsWith(IP4_MAPPED_PREFIX) ? hex.slice(24) : hex.slice(0, 16)
}

/**
 * The one of those that wait (oldest first) which has to go so that one more from this source may
 * wait; undefined while there is room. The newcomer always gets in: were it refused, a few silent
 * connections would shut the door for everybody.
 */
export function givesWay<T extends { readonly source: string }>(
  waiting: readonly T[],
  source: string,
): T | undefined {
  const same = waiting.filter((one) => one.source === source)
  if (same.length >= UNADMITTED_PER_SOURCE_MAX) return same[0]
  return waiting.length >= UNADMITTED_MAX ? waiting[0] : undefined
}
