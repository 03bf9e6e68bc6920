import { isIP } from 'node:net'
import type { Name } from '@ixj/names'
import type { Uses } from '@ixj/trust'
import { nameArgument } from '../arguments.ts'
import { ArgumentError } from '../command-error.ts'
import { serverArgument } from '../dns-arguments.ts'

/** An IP address and a port. */
export interface Place {
  readonly address: string
  readonly port: number
}

/** A name server as `NAME=ADDRESS`, or `NAME` alone where another zone says its address. */
export interface NameserverArgument {
  readonly name: Name
  readonly addresses: readonly string[]
}

/** An IP address with a port, as 127.0.0.1:5300. @throws ArgumentError `usage` */
export function placeArgument(text: string): Place {
  const { address, port } = serverArgument(text)
  if (port !== undefined && port > 0) return { address, port }
  throw refuse(text, 'a port from 1 to 65535 is needed, as in 127.0.0.1:5300')
}

/** A name server. @throws ArgumentError `usage`, or the code of what is wrong with the name */
export function nameserverArgument(text: string): NameserverArgument {
  const [nameText = '', ...rest] = text.split('=')
  const addresses = rest.length === 0 ? [] : rest.join('=').split(',')
  for (const address of addresses) ipArgument(address)
  return { name: nameArgument(nameText), addresses }
}

/** An IP address. @throws ArgumentError `usage` */
export function ipArgument(text: string): string {
  if (isIP(text) !== 0 && !text.includes('%')) return text
  throw refuse(text, 'it is no IP address')
}

/** `NODE:PORT`. @throws ArgumentError `usage`, or the code of what is wrong with the name */
export function endpointArgument(text: string): { readonly target: Name; readonly port: number } {
  const [, target = '', portText = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  const port = Number(portText)
  if (target !== '' && port >= 1 && port <= 65_535) return { target: nameArgument(target), port }
  throw refuse(text, 'an endpoint looks like node1.acme.example:4001')
}

/** What a key may do: `sign`, `bind`, or both with a comma between. @throws ArgumentError `usage` */
export function usesArgument(text: string): Uses {
  const words = text.split(',').map((word) => word.trim())
  const isBoth = text === 'both' || (words.includes('sign') && words.includes('bind'))
  if (isBoth && words.length <= 2) return 'both'
  if (text === 'sign' || text === 'bind') return text
  throw refuse(text, 'it may be sign, bind, or sign,bind')
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** A time as `90s`, `30m`, `12h` or `7d`, in seconds. @throws ArgumentError `usage` */
export function durationArgument(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (count !== '') return Number(count) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS]
  throw refuse(text, 'a time looks like 90s, 30m, 12h or 7d')
}

/** A time in seconds, or `never`. @throws ArgumentError `usage` */
export function leaseArgument(text: string): number | 'never' {
  if (text === 'never') return text
  try {
    return durationArgument(text)
  } catch (cause) {
    if (!(cause instanceof ArgumentError)) throw cause
    throw refuse(text, 'a lease looks like 90s, 30m, 12h, 7d, or never')
  }
}

/** A mailbox as `hostmaster@acme.example`, in the form of an SOA. @throws ArgumentError */
export function mailboxArgument(text: string): Name {
  const parts = text.split('@')
  if (parts.length > 2 || (parts.length === 2 && parts[0]?.includes('.') === true)) {
    throw refuse(text, 'a mailbox looks like hostmaster@acme.example, without dots before the @')
  }
  return nameArgument(parts.join('.'))
}

/** A place as people read it. */
export function placeText({ address, port }: Place): string {
  return `${address} port ${port}`
}

/** Where a server is asked that listens on this place: "all addresses" is no address to ask at. */
export function reachable({ address, port }: Place): Place {
  if (address === '0.0.0.0') return { address: '127.0.0.1', port }
  return { address: isAnyIpv6(address) ? '::1' : address, port }
}

/** Whether a place stands for all addresses of the machine. */
export function isAny({ address }: Place): boolean {
  return address === '0.0.0.0' || isAnyIpv6(address)
}

function isAnyIpv6(address: string): boolean {
  return isIP(address) === 6 && /^[0:]+$/.test(address)
}

function refuse(text: string, reason: string): ArgumentError {
  return new ArgumentError('usage', `Cannot read ${JSON.stringify(text.slice(0, 80))}: ${reason}`)
}
