import { DnsError } from '../dns-error.ts'

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/

/**
 * The tags of a text of the form `a=1; b=2` in the order in which they stand (RFC 6376 section
 * 3.2). Spaces and tabs around `;` and `=` count for nothing; a value may be empty, and may hold
 * spaces; names are told apart by case. Folded lines are not allowed: a TXT record has none.
 * @throws DnsError `record` for any other form, and for a name that stands twice
 */
export function parseTagList(text: string): ReadonlyMap<string, string> {
  const wrong = /[^\t\x20-\x7e]/.exec(text)
  if (wrong !== null) {
    const code = text.charCodeAt(wrong.index).toString(16)
    throw new DnsError('record', `character ${wrong.index} is 0x${code}, not printable ASCII`)
  }
  const tags = new Map<string, string>()
  // One semicolon may end the list, with nothing behind it.
  for (const spec of text.replace(/;$/, '').split(';')) {
    const equals = spec.indexOf('=')
    const name = trim(equals < 0 ? spec : spec.slice(0, equals))
    if (equals < 0 || !NAME.test(name)) {
      throw new DnsError('record', `${quote(spec)} has not the form tag=value`)
    }
    // RFC 6376 section 3.2: a name that occurs twice makes the whole list invalid. Otherwise two
    // readers of one record would see two keys.
    if (tags.has(name)) throw new DnsError('record', `the tag ${quote(name)} stands twice`)
    tags.set(name, trim(spec.slice(equals + 1)))
  }
  return tags
}

/** A piece of a record for an error message, its length bounded. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= 48 ? text : `${text.slice(0, 48)}…`)
}

function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text, start)) start++
  while (end > start && isSpace(text, end - 1)) end--
  return text.slice(start, end)
}

function isSpace(text: string, index: number): boolean {
  return text[index] === ' ' || text[index] === '\t'
}
