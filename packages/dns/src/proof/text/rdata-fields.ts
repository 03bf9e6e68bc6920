import { concatBytes, toHex } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { readTypeBitmap, writeTypeBitmap } from '../wire/rdata.ts'
import type { DnsName } from '../wire/dns-name.ts'
import type { WireReader } from '../wire/reader.ts'
import { typeName, typeOfName } from '../wire/record-type.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './address-text.ts'
import { fromBase16, fromBase32hex, fromBase64, toBase32hex, toBase64 } from './base-encodings.ts'
import { formatCharacters, parseCharacters } from './character-string.ts'
import { formatWireName, parseWireName } from './name-text.ts'
import { formatParameters, parseParameters } from './svcb-text.ts'
import { formatMoment, parseMoment, parseSeconds } from './time-text.ts'
import type { WordQueue } from './word-queue.ts'

/** One part of the data of a record: how its bytes are text, and its text bytes. */
export interface Field {
  format(reader: WireReader): string
  parse(words: WordQueue, origin: DnsName): Uint8Array
}

/** A number of one, two or four bytes. */
function number(bytes: 1 | 2 | 4, parse = parseNumber): Field {
  return {
    format: (reader) => {
      if (bytes === 4) return String(reader.u32())
      return String(bytes === 2 ? reader.u16() : reader.u8())
    },
    parse: (words) => numberBytes(parse(words.next('a number').text, 256 ** bytes - 1), bytes),
  }
}

function parseNumber(text: string, max: number): number {
  if (!/^[0-9]{1,10}$/.test(text) || Number(text) > max) {
    throw new DnsError('record', `Cannot read ${JSON.stringify(text)} as a number up to ${max}`)
  }
  return Number(text)
}

function numberBytes(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => value / 256 ** (bytes - 1 - index))
}

/** Bytes up to the end of the data, which text may cut into several words. */
function restAs(
  toText: (bytes: Uint8Array) => string,
  toBytes: (text: string) => Uint8Array,
): Field {
  return {
    format: (reader) => toText(reader.rest()),
    parse: (words) => {
      const text = words.rest().map((word) => word.text)
      return toBytes(text.join(''))
    },
  }
}

/** Bytes behind one byte that says how many there are. */
function counted(
  toText: (bytes: Uint8Array) => string,
  toBytes: (text: string) => Uint8Array,
): Field {
  return {
    format: (reader) => toText(reader.view(reader.u8())),
    parse: (words) => countedBytes(toBytes(words.next('a value').text)),
  }
}

function countedBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 255) {
    throw new DnsError('record', `Cannot use a string of ${bytes.length} bytes, limit 255`)
  }
  return concatBytes(Uint8Array.of(bytes.length), bytes)
}

const name: Field = {
  format: (reader) => formatWireName(reader.wireName()),
  parse: (words, origin) => parseWireName(words.next('a name').text, origin),
}

const strings: Field = {
  format: (reader) => {
    const texts: string[] = []
    do texts.push(formatCharacters(reader.view(reader.u8())))
    while (reader.left > 0)
    return texts.join(' ')
  },
  parse: (words) => {
    const parts = words.rest().map(({ text }) => countedBytes(parseCharacters(text)))
    if (parts.length === 0) throw new DnsError('record', 'Cannot read strings: there are none')
    return concatBytes(...parts)
  },
}

const typeList: Field = {
  format: (reader) => readTypeBitmap(reader).map(typeName).join(' '),
  parse: (words) => writeTypeBitmap(words.rest().map(({ text }) => typeNumber(text))),
}

const type: Field = {
  format: (reader) => typeName(reader.u16()),
  parse: (words) => numberBytes(typeNumber(words.next('a type').text), 2),
}

function typeNumber(text: string): number {
  const found = typeOfName(text)
  if (found === undefined) throw new DnsError('record', `Cannot find a type named ${text}`)
  return found
}

const moment: Field = {
  format: (reader) => formatMoment(reader.u32()),
  parse: (words) => numberBytes(parseMoment(words.next('a time').text), 4),
}

const ipv4: Field = {
  format: (reader) => formatIpv4(reader.view(4)),
  parse: (words) => parseIpv4(words.next('an address').text),
}

const ipv6: Field = {
  format: (reader) => formatIpv6(reader.view(16)),
  parse: (words) => parseIpv6(words.next('an address').text),
}

/** The value of a CAA: the rest of the data, written as one string (RFC 8659 section 4.1.1). */
const lastString: Field = {
  format: (reader) => formatCharacters(reader.rest()),
  parse: (words) => parseCharacters(words.next('a string').text),
}

const parameters: Field = {
  format: formatParameters,
  parse: (words) => parseParameters(words.rest()),
}

/** The name of a property: letters and digits (RFC 8659 section 4.1). */
const tag = counted(
  (bytes) => {
    const text = String.fromCharCode(...bytes)
    if (!/^[a-z0-9]+$/i.test(text)) throw new DnsError('record', 'Cannot show a tag')
    return text
  },
  (text) => {
    if (!/^[a-z0-9]+$/i.test(text)) {
      throw new DnsError('record', `Cannot read ${JSON.stringify(text)} as a tag`)
    }
    return parseCharacters(text)
  },
)

/** No salt is a dash (RFC 5155 section 3.3). */
const salt = counted(
  (bytes) => (bytes.length === 0 ? '-' : toHex(bytes)),
  (text) => (text === '-' ? new Uint8Array() : fromBase16(text)),
)

/** The fields that types are made of. */
export const fields = {
  u8: number(1),
  u16: number(2),
  u32: number(4),
  seconds: number(4, parseSeconds),
  hash: counted(toBase32hex, fromBase32hex),
  hex: restAs(toHex, fromBase16),
  base64: restAs(toBase64, fromBase64),
  name,
  strings,
  typeList,
  type,
  moment,
  ipv4,
  ipv6,
  lastString,
  parameters,
  tag,
  salt,
} as const satisfies Readonly<Record<string, Field>>
