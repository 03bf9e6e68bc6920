import { DnsError } from '../dns-error.ts'

/** The text of an IPv4 address of 4 bytes. */
export function formatIpv4(bytes: Uint8Array): string {
  return bytes.join('.')
}

/** An IPv4 address of four decimal numbers without leading zeros. @throws DnsError `record` */
export function parseIpv4(text: string): Uint8Array {
  const parts = text.split('.')
  // A leading zero means octal to some readers, so it is nobody's address here.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) {
    throw notAnAddress(text, 4)
  }
  const numbers = parts.map(Number)
  if (numbers.some((number) => number > 255)) throw notAnAddress(text, 4)
  return Uint8Array.from(numbers)
}

/** The text of an IPv6 address of 16 bytes as RFC 5952 section 4 wants it. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = groupsOf(bytes)
  // Section 5: addresses that stand for IPv4 show it.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${formatIpv4(bytes.subarray(12))}`
  }
  const [start, length] = longestZeros(groups)
  const texts = groups.map((group) => group.toString(16))
  if (length < 2) return texts.join(':')
  return `${texts.slice(0, start).join(':')}::${texts.slice(start + length).join(':')}`
}

/** An IPv6 address (RFC 4291 section 2.2), in any case. @throws DnsError `record` */
export function parseIpv6(text: string): Uint8Array {
  const halves = text.split('::')
  if (text.length > 45 || halves.length > 2) throw notAnAddress(text, 6)
  const [front = [], back = []] = halves.map((half, index) =>
    half === '' ? [] : readGroups(half, text, index === halves.length - 1),
  )
  const zeros = 8 - front.length - back.length
  // "::" stands for at least one group.
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) throw notAnAddress(text, 6)
  const groups = [...front, ...Array.from({ length: zeros }, () => 0), ...back]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))
}

function readGroups(half: string, text: string, isLast: boolean): number[] {
  const parts = half.split(':')
  return parts.flatMap((part, index) => {
    if (isLast && index === parts.length - 1 && part.includes('.')) {
      return groupsOf(parseIpv4(part))
    }
    if (!/^[0-9a-f]{1,4}$/i.test(part)) throw notAnAddress(text, 6)
    return Number.parseInt(part, 16)
  })
}

function groupsOf(bytes: Uint8Array): number[] {
  const groups: number[] = []
  for (let index = 0; index < bytes.length; index += 2) {
    groups.push((bytes[index]! << 8) | bytes[index + 1]!)
  }
  return groups
}

/** The first of the longest runs of zeros (RFC 5952 section 4.2.3). */
function longestZeros(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0]
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > best[1]) best = [start, end - start]
  }
  return best
}

function notAnAddress(text: string, version: 4 | 6): DnsError {
  return new DnsError(
    'record',
    `Cannot read ${JSON.stringify(text.slice(0, 50))} as an IPv${version} address`,
  )
}
