import { concatBytes, utf8Bytes } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { readTxt, writeTxt } from '../wire/rdata.ts'
import type { DnsRecord } from '../wire/record.ts'
import { TYPE } from '../wire/record-type.ts'
import { DNSADDR_BYTES_MAX, DNSADDRS_MAX } from './limits.ts'

const PREFIX = 'dnsaddr='
/**
 * A multiaddr in text: js-libp2p ends it at a second `=`, so there is none. It begins in a network:
 * whoever writes a zone must not have its readers open a socket in their own file system (`/unix`).
 */
const ADDRESS = /^\/(?:ip4|ip6|ip6zone|dns|dns4|dns6|dnsaddr)(?:\/[!-.0-<>-~]+)+$/

/**
 * The data of a `_dnsaddr` TXT record with one multiaddr, as `/dns4/node1.acme.example/tcp/4001`.
 * Where to dial: never who may receive.
 * @throws DnsError `argument` for what is no such text, or over {@link DNSADDR_BYTES_MAX} with
 * `dnsaddr=` in front
 */
export function writeDnsaddr(address: string): Uint8Array {
  const text = `${PREFIX}${address}`
  if (text.length > DNSADDR_BYTES_MAX || !ADDRESS.test(address)) {
    const shown = JSON.stringify(address.slice(0, 80))
    const limit = `a multiaddr of a network, without "=" and spaces, at most ${DNSADDR_BYTES_MAX} with ${PREFIX}`
    throw new DnsError('argument', `Cannot write dnsaddr ${shown}: must be ${limit}`)
  }
  return writeTxt(utf8Bytes(text))
}

/**
 * The multiaddrs of a `_dnsaddr` TXT RRset, at most {@link DNSADDRS_MAX}, in the order in which
 * they stand; other texts at that name are somebody else's and are left out. Never throws.
 */
export function readDnsaddrs(records: readonly DnsRecord[]): readonly string[] {
  const addresses: string[] = []
  for (const { type, data } of records) {
    const address = type === TYPE.TXT ? readAddress(data) : undefined
    if (address !== undefined && addresses.length < DNSADDRS_MAX) addresses.push(address)
  }
  return addresses
}

function readAddress(data: Uint8Array): string | undefined {
  // The text, and the length of each of its strings: more is not read.
  if (data.length > DNSADDR_BYTES_MAX * 2) return undefined
  try {
    const bytes = concatBytes(...readTxt(data))
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
    const address = text.slice(PREFIX.length)
    const fits = text.startsWith(PREFIX) && text.length <= DNSADDR_BYTES_MAX
    return fits && ADDRESS.test(address) ? address : undefined
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}
