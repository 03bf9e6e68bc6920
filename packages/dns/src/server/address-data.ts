import { isIPv4, isIPv6 } from 'node:net'
import { DnsError } from '../proof.ts'

/**
 * The data of a sender's address as the system gives it: the interface that stands behind a
 * link-local one, as in `fe80::1%eth0`, is no part of it.
 */
export function senderData(address: string): Uint8Array {
  return addressData(address.replace(/%.*$/s, ''))
}

/** An IP address in text as the data of A or AAAA: 4 or 16 bytes. @throws DnsError `argument` */
export function addressData(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number)
  if (!isIPv6(address) || address.includes('%')) {
    throw new DnsError('argument', `Cannot read ${JSON.stringify(address)} as an IP address`)
  }
  const tail = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const pair = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16)
  const plain =
    tail === null ? address : `${tail[1]}${pair(tail[2]!, tail[3]!)}:${pair(tail[4]!, tail[5]!)}`
  const [front = '', back] = plain.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groups(front), groups(back ?? '')]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const bytes = new Uint8Array(16)
  for (const [index, group] of [...before, ...zeros, ...after].entries()) {
    bytes[index * 2] = Number.parseInt(group, 16) >> 8
    bytes[index * 2 + 1] = Number.parseInt(group, 16)
  }
  return bytes
}
