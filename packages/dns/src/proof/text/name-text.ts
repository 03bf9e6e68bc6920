import { wireOfText, type DnsName } from '../wire/dns-name.ts'

const textOf = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return /[a-z0-9_*/-]/i.test(character) ? character : `\\${String(byte).padStart(3, '0')}`
})

/**
 * A name of wire form as zone files have it: a dot at the end, its case kept. Knot refuses `+` and
 * `=` that are not escaped, so fewer bytes stand for themselves than in a DnsName.
 */
export function formatWireName(wire: Uint8Array): string {
  if (wire[0] === 0) return '.'
  let text = ''
  for (let at = 0; wire[at]! > 0; at += wire[at]! + 1) {
    for (const byte of wire.subarray(at + 1, at + 1 + wire[at]!)) {
      text += textOf[byte]!
    }
    text += '.'
  }
  return text
}

/**
 * The wire form of a name in a zone file, its case kept: `@` is the origin, and a name without a
 * dot at its end is below it (RFC 1035 section 5.1).
 * @throws DnsError `name`
 */
export function parseWireName(text: string, origin: DnsName): Uint8Array {
  if (text === '@') return wireOfText(origin)
  if (isAbsolute(text)) return wireOfText(text)
  return wireOfText(origin === '.' ? text : `${text}.${origin}`)
}

/** Ends in a dot that is no part of an escape. */
function isAbsolute(text: string): boolean {
  const escapes = /(\\*)\.$/.exec(text)?.[1]
  return escapes !== undefined && escapes.length % 2 === 0
}
