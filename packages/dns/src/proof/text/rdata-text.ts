import { concatBytes, equalBytes, toHex } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { ROOT, type DnsName } from '../wire/dns-name.ts'
import { WireReader } from '../wire/reader.ts'
import { TYPE, typeName } from '../wire/record-type.ts'
import { fromBase16 } from './base-encodings.ts'
import { type Field, fields } from './rdata-fields.ts'
import { WordQueue } from './word-queue.ts'
import { readEntries } from './zone-entries.ts'

const { u8, u16, u32, seconds, name, hex, base64, moment, salt, typeList, strings } = fields
const digest = [u16, u8, u8, hex]
const key = [u16, u8, u8, base64]
const service = [u16, name, fields.parameters]

/** What the data of each type are made of, from front to back. */
const shapes = new Map<number, readonly Field[]>([
  [TYPE.A, [fields.ipv4]],
  [TYPE.AAAA, [fields.ipv6]],
  [TYPE.NS, [name]],
  [TYPE.CNAME, [name]],
  [TYPE.PTR, [name]],
  [TYPE.DNAME, [name]],
  [TYPE.SOA, [name, name, u32, seconds, seconds, seconds, seconds]],
  [TYPE.MX, [u16, name]],
  [TYPE.SRV, [u16, u16, u16, name]],
  [TYPE.TXT, [strings]],
  [TYPE.DS, digest],
  [TYPE.CDS, digest],
  [TYPE.DNSKEY, key],
  [TYPE.CDNSKEY, key],
  [TYPE.RRSIG, [fields.type, u8, u8, u32, moment, moment, u16, name, base64]],
  [TYPE.NSEC, [name, typeList]],
  [TYPE.NSEC3, [u8, u8, u16, salt, fields.hash, typeList]],
  [TYPE.NSEC3PARAM, [u8, u8, u16, salt]],
  [TYPE.TLSA, [u8, u8, u8, hex]],
  [TYPE.SVCB, service],
  [TYPE.HTTPS, service],
  [TYPE.CAA, [u8, fields.tag, fields.lastString]],
])

/**
 * The data of a record as zone files have it. Unknown types are shown as `\# length hex` (RFC 3597
 * section 5), and so are data that would not be read back byte by byte. Never throws.
 */
export function formatData(type: number, data: Uint8Array): string {
  return lossless(type, data) ?? `\\# ${data.length} ${toHex(data)}`.trimEnd()
}

/** The text of a type's data, undefined unless it gives the same bytes again. */
function lossless(type: number, data: Uint8Array): string | undefined {
  try {
    const text = readShape(type, data)
    if (text === undefined) return undefined
    const words = [...readEntries(text)].flatMap((entry) => entry.words)
    return equalBytes(parseKnown(type, new WordQueue(words), ROOT), data) ? text : undefined
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}

/** Undefined for types that are not known. @throws DnsError for data of another form */
function readShape(type: number, data: Uint8Array): string | undefined {
  const shape = shapes.get(type)
  if (shape === undefined) return undefined
  const reader = new WireReader(data)
  const texts = shape.map((field) => field.format(reader)).filter((text) => text !== '')
  reader.finish(typeName(type))
  return texts.join(' ')
}

/** The data that words stand for. @throws DnsError `record`, `name`, `unsupported` */
export function parseData(type: number, words: WordQueue, origin: DnsName): Uint8Array {
  const first = words.peek()
  const isUnknown = first?.text === '\\#' && !first.quoted
  const data = isUnknown ? parseUnknown(words) : parseKnown(type, words, origin)
  words.finish()
  // Bytes may be written that mean nothing, as in `A \# 0`.
  try {
    readShape(type, data)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    throw new DnsError('record', `Cannot use ${typeName(type)}: ${cause.message}`, { cause })
  }
  return data
}

function parseKnown(type: number, words: WordQueue, origin: DnsName): Uint8Array {
  const shape = shapes.get(type)
  if (shape === undefined) {
    throw new DnsError('unsupported', `Cannot read the text of ${typeName(type)}: write it as \\#`)
  }
  return concatBytes(...shape.map((field) => field.parse(words, origin)))
}

function parseUnknown(words: WordQueue): Uint8Array {
  words.next('\\#')
  const length = words.next('a length').text
  const data = fromBase16(
    words
      .rest()
      .map(({ text }) => text)
      .join(''),
  )
  if (length !== String(data.length) || data.length > 65_535) {
    throw new DnsError('record', `Cannot use \\# ${length}: ${data.length} bytes follow`)
  }
  return data
}
