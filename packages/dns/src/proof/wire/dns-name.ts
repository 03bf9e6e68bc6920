import { DnsError } from '../dns-error.ts'
import { LABEL_BYTES_MAX, NAME_BYTES_MAX } from '../limits.ts'

declare const dnsName: unique symbol

/**
 * A domain name of the DNS in one canonical text form: lower case, no dot at the end, the root is
 * `.`. Bytes other than letters, digits, `-`, `_`, `*`, `/`, `+`, `=` are written `\DDD` (RFC 4343
 * section 2.1). Wider than a Name of ixj: labels of records such as `_ixjkey` are names here.
 */
export type DnsName = string & { readonly [dnsName]: true }

/** The root of the DNS. */
export const ROOT = '.' as DnsName

const DOT = 0x2e
const BACKSLASH = 0x5c

const plainByte = new Uint8Array(256)
for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789-_*/+=') {
  plainByte[character.charCodeAt(0)] = 1
}

/**
 * The canonical form of a name in text; a dot at the end and upper case are allowed.
 * @throws DnsError `name`
 */
export function parseDnsName(text: string): DnsName {
  return nameOfWire(wireOfText(text))
}

/** Whether a text is a name in canonical form. */
export function isDnsName(text: string): text is DnsName {
  try {
    return parseDnsName(text) === text
  } catch (cause) {
    if (cause instanceof DnsError) return false
    throw cause
  }
}

/** The labels of a name as texts, the leftmost first; none for the root. */
export function labelsOf(name: DnsName): readonly string[] {
  return name === ROOT ? [] : name.split('.')
}

/** The name of these labels, each in canonical form. */
export function fromLabels(labels: readonly string[]): DnsName {
  return (labels.length === 0 ? ROOT : labels.join('.')) as DnsName
}

/** The name without its leftmost label. @throws DnsError `name` for the root */
export function parentOf(name: DnsName): DnsName {
  if (name === ROOT) throw new DnsError('name', 'Cannot go above the root')
  const dot = name.indexOf('.')
  return (dot < 0 ? ROOT : name.slice(dot + 1)) as DnsName
}

/** One label put in front of a name. @throws DnsError `name` if it gets too long */
export function below(label: string, name: DnsName): DnsName {
  return parseDnsName(name === ROOT ? label : `${label}.${name}`)
}

/** Whether `name` is `ancestor` or lies below it, by whole labels. */
export function isAtOrBelowName(name: DnsName, ancestor: DnsName): boolean {
  if (ancestor === ROOT || name === ancestor) return true
  return name.endsWith(ancestor) && name.charCodeAt(name.length - ancestor.length - 1) === DOT
}

/** How many labels a name has; the root has none. */
export function labelCount(name: DnsName): number {
  if (name === ROOT) return 0
  let count = 1
  for (let index = 0; index < name.length; index++) if (name.charCodeAt(index) === DOT) count++
  return count
}

/** The last `count` labels of a name. */
export function lastLabels(name: DnsName, count: number): DnsName {
  const labels = labelsOf(name)
  return fromLabels(labels.slice(labels.length - count))
}

/**
 * The order of names in a zone (RFC 4034 section 6.1): by the last label first, each by its bytes.
 * Negative: left first. For `Array.prototype.sort`.
 */
export function compareNames(left: DnsName, right: DnsName): number {
  if (left === right) return 0
  const leftLabels = labelBytesOf(left)
  const rightLabels = labelBytesOf(right)
  const shorter = Math.min(leftLabels.length, rightLabels.length)
  for (let place = 1; place <= shorter; place++) {
    const order = compareLabels(leftLabels.at(-place)!, rightLabels.at(-place)!)
    if (order !== 0) return order
  }
  return leftLabels.length - rightLabels.length
}

function compareLabels(left: Uint8Array, right: Uint8Array): number {
  const shorter = Math.min(left.length, right.length)
  for (let index = 0; index < shorter; index++) {
    const difference = left[index]! - right[index]!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function labelBytesOf(name: DnsName): readonly Uint8Array[] {
  const wire = wireOfName(name)
  const labels: Uint8Array[] = []
  for (let offset = 0; wire[offset]! > 0; offset += wire[offset]! + 1) {
    labels.push(wire.subarray(offset + 1, offset + 1 + wire[offset]!))
  }
  return labels
}

/** The uncompressed wire form of a canonical name (RFC 1035 section 3.1), at most 255 bytes. */
export function wireOfName(name: DnsName): Uint8Array {
  return wireOfText(name)
}

/** The canonical name of an uncompressed wire form that is known to be well formed. */
export function nameOfWire(wire: Uint8Array): DnsName {
  if (wire[0] === 0) return ROOT
  let text = ''
  for (let offset = 0; wire[offset]! > 0;) {
    const end = offset + 1 + wire[offset]!
    if (offset > 0) text += '.'
    for (offset++; offset < end; offset++) text += textOfByte(wire[offset]!)
  }
  return text as DnsName
}

/** One byte of a label in canonical text. */
export function textOfByte(byte: number): string {
  const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
  if (plainByte[lower] === 1) return String.fromCharCode(lower)
  return `\\${String(byte).padStart(3, '0')}`
}

/** Names are read and written for every record: a buffer for each would cost more than the rest. */
const scratch = new Uint8Array(NAME_BYTES_MAX)

/** The wire form of a text, its case kept. @throws DnsError `name` */
export function wireOfText(text: string): Uint8Array {
  if (text === '.') return new Uint8Array(1)
  const wire = scratch
  let lengthAt = 0
  let offset = 1
  const refuse = (why: string) =>
    new DnsError(
      'name',
      `Cannot read ${JSON.stringify(text.slice(0, 80))} as a domain name: ${why}`,
    )
  if (text.length > NAME_BYTES_MAX * 4) throw refuse(`it has ${text.length} characters`)
  for (let index = 0; index < text.length; index++) {
    let byte = text.charCodeAt(index)
    if (byte === DOT) {
      if (offset - lengthAt === 1) throw refuse('it has an empty label')
      if (index === text.length - 1) break
      wire[lengthAt] = offset - lengthAt - 1
      lengthAt = offset++
    } else {
      if (byte === BACKSLASH) {
        const digits = text.slice(index + 1, index + 4)
        if (/^[0-9]{3}$/.test(digits) && Number(digits) < 256) {
          byte = Number(digits)
          index += 3
        } else if (/^[\x21-\x7e]/.test(digits) && !/^[0-9]/.test(digits)) {
          byte = text.charCodeAt(++index)
        } else throw refuse('it has a broken escape')
      } else if (byte <= 0x20 || byte >= 0x7f) throw refuse('it is not plain ASCII')
      if (offset >= NAME_BYTES_MAX - 1) throw refuse(`it is over ${NAME_BYTES_MAX} bytes`)
      if (offset - lengthAt > LABEL_BYTES_MAX) {
        throw refuse(`a label is over ${LABEL_BYTES_MAX} bytes`)
      }
      wire[offset++] = byte
    }
    if (offset > NAME_BYTES_MAX - 1) throw refuse(`it is over ${NAME_BYTES_MAX} bytes`)
  }
  if (offset - lengthAt === 1) throw refuse('it is empty')
  wire[lengthAt] = offset - lengthAt - 1
  wire[offset] = 0
  return wire.slice(0, offset + 1)
}
