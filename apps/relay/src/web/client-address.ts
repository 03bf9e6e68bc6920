import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * Whose request it is: the other end of the connection, or, where that is a proxy that is trusted,
 * the last address of `X-Forwarded-For` that is none. What stands before it anybody could have
 * written.
 */
export function clientAddress(request: IncomingMessage, proxies: ReadonlySet<string>): string {
  let address = plainAddress(request.socket.remoteAddress ?? '::')
  const given = String(request.headers['x-forwarded-for'] ?? '')
  const told = given === '' ? [] : given.split(',')
  while (proxies.has(address)) {
    const before = told.pop()?.trim() ?? ''
    if (isIP(before) === 0) break
    address = plainAddress(before)
  }
  return address
}

/** An IPv4 address is one also where IPv6 carries it. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/s, '')
}
