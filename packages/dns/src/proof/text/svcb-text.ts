import { concatBytes } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { WireReader } from '../wire/reader.ts'
import { WireWriter } from '../wire/writer.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './address-text.ts'
import { fromBase64, toBase64 } from './base-encodings.ts'
import { formatCharacters, parseCharacters } from './character-string.ts'
import type { Word } from './zone-entries.ts'

/** The value of one parameter as text and as bytes (RFC 9460 section 7). */
interface Value {
  format(reader: WireReader): string
  parse(text: string): Uint8Array
}

const COMMA = 0x2c
const BACKSLASH = 0x5c
const MANDATORY = 0
// 65535 is no key (RFC 9460 section 14.3.2).
const KEY_MAX = 65_534

/** Several values of one size, parted by commas. */
function list(bytes: number, toText: (part: Uint8Array) => string, parse: Value['parse']): Value {
  return {
    format: (reader) => {
      const parts: string[] = []
      do parts.push(toText(reader.view(bytes)))
      while (reader.left > 0)
      return parts.join(',')
    },
    parse: (text) => concatBytes(...text.split(',').map(parse)),
  }
}

const alpn: Value = {
  format: (reader) => {
    const parts: number[] = []
    do {
      if (parts.length > 0) parts.push(COMMA)
      for (const byte of reader.view(reader.u8())) {
        // Commas inside of a protocol's name are escaped before the string is (appendix A.1).
        if (byte === COMMA || byte === BACKSLASH) parts.push(BACKSLASH)
        parts.push(byte)
      }
    } while (reader.left > 0)
    return formatCharacters(Uint8Array.from(parts))
  },
  parse: (text) => {
    const protocols: number[][] = [[]]
    let escaped = false
    for (const byte of parseCharacters(text)) {
      if (!escaped && byte === BACKSLASH) escaped = true
      else if (!escaped && byte === COMMA) protocols.push([])
      else {
        protocols.at(-1)!.push(byte)
        escaped = false
      }
    }
    if (escaped || protocols.some(({ length }) => length === 0 || length > 255)) {
      throw new DnsError('record', `Cannot read ${JSON.stringify(text)} as protocols`)
    }
    return Uint8Array.from(protocols.flatMap((protocol) => [protocol.length, ...protocol]))
  },
}

const port: Value = {
  format: (reader) => String(reader.u16()),
  parse: (text) => {
    if (!/^[0-9]{1,5}$/.test(text) || Number(text) > 65_535) {
      throw new DnsError('record', `Cannot read ${JSON.stringify(text)} as a port`)
    }
    return Uint8Array.of(Number(text) >> 8, Number(text))
  },
}

const mandatory: Value = {
  ...list(
    2,
    (key) => keyText((key[0]! << 8) | key[1]!),
    () => new Uint8Array(),
  ),
  parse: (text) => {
    const keys = text.split(',').map(keyNumber)
    const sorted = keys.toSorted((left, right) => left - right)
    // Section 8: no key twice, and never itself.
    if (new Set(keys).size !== keys.length || sorted[0] === MANDATORY) {
      throw new DnsError('record', `Cannot use ${JSON.stringify(text)}: a key twice, or its own`)
    }
    return Uint8Array.from(sorted.flatMap((key) => [key >> 8, key & 0xff]))
  },
}

const parameters: readonly (readonly [name: string, key: number, value: Value | undefined])[] = [
  ['mandatory', MANDATORY, mandatory],
  ['alpn', 1, alpn],
  ['no-default-alpn', 2, undefined],
  ['port', 3, port],
  ['ipv4hint', 4, list(4, formatIpv4, parseIpv4)],
  ['ech', 5, { format: (reader) => toBase64(reader.rest()), parse: fromBase64 }],
  ['ipv6hint', 6, list(16, formatIpv6, parseIpv6)],
]
const byKey = new Map(parameters.map(([name, key, value]) => [key, { name, value }]))
const byName = new Map(parameters.map(([name, key, value]) => [name, { key, value }]))

function keyText(key: number): string {
  return byKey.get(key)?.name ?? `key${key}`
}

function keyNumber(text: string): number {
  const known = byName.get(text)
  const number = /^key(0|[1-9][0-9]{0,4})$/.exec(text)?.[1]
  if (known === undefined && (number === undefined || Number(number) > KEY_MAX)) {
    throw new DnsError('record', `Cannot find a parameter named ${JSON.stringify(text)}`)
  }
  return known?.key ?? Number(number)
}

/** The parameters of an SVCB (RFC 9460 section 2.1). @throws DnsError `record`, `format` */
export function formatParameters(reader: WireReader): string {
  const texts: string[] = []
  for (let before = -1; reader.left > 0;) {
    const key = reader.u16()
    if (key <= before) throw new DnsError('record', `Cannot show parameter ${key}: out of order`)
    before = key
    const view = reader.view(reader.u16())
    texts.push(formatParameter(key, new WireReader(view)))
  }
  return texts.join(' ')
}

function formatParameter(key: number, reader: WireReader): string {
  const known = byKey.get(key)
  let text = keyText(key)
  if (known?.value !== undefined) text += `=${known.value.format(reader)}`
  else if (known === undefined && reader.left > 0) text += `=${formatCharacters(reader.rest())}`
  reader.finish(text)
  return text
}

/** The bytes of parameters in any order. @throws DnsError `record` */
export function parseParameters(words: readonly Word[]): Uint8Array {
  const values = new Map<number, Uint8Array>()
  for (const { text } of words) {
    const equals = text.indexOf('=')
    const name = equals < 0 ? text : text.slice(0, equals)
    const key = keyNumber(name)
    if (values.has(key)) throw new DnsError('record', `Cannot use parameter ${name} twice`)
    values.set(key, parseValue(name, equals < 0 ? undefined : text.slice(equals + 1)))
  }
  const writer = new WireWriter()
  for (const [key, value] of [...values].toSorted(([left], [right]) => left - right)) {
    writer.u16(key)
    writer.u16(value.length)
    writer.raw(value)
  }
  return writer.finish()
}

function parseValue(name: string, text: string | undefined): Uint8Array {
  const known = byName.get(name)
  // In the form with a number the value is bytes, whatever the key means (section 2.1).
  if (known === undefined) return parseCharacters(text ?? '')
  if (known.value === undefined) {
    if (text !== undefined) throw new DnsError('record', `Cannot use ${name} with a value`)
    return new Uint8Array()
  }
  if (text === undefined) throw new DnsError('record', `Cannot use ${name} without a value`)
  return known.value.parse(text)
}
