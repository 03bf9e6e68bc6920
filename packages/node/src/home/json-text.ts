import { TrustError, utf8Text } from '@ixj/trust'
import { HomeError } from './home-error.ts'

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** An object of JSON. */
export interface JsonObject {
  readonly [key: string]: Json
}

/**
 * Reads a file of JSON, an object with exactly these members beside `version`. Strict: a member that
 * is not known, that is missing or that stands twice is refused, so that no program reads another
 * file than a person does.
 * @throws HomeError `malformed`, `unsupported` (another version)
 */
export function parseFile(
  bytes: Uint8Array,
  path: string,
  rules: { readonly version: number; readonly members: readonly string[] },
): JsonObject {
  const text = readUtf8(bytes, path)
  const value = parseJson(text, path)
  if (isObject(value) && 'version' in value && value['version'] !== rules.version) {
    const version = JSON.stringify(value['version']).slice(0, 20)
    throw new HomeError(
      'unsupported',
      `Cannot read ${path}: version ${version}, known is ${rules.version}`,
    )
  }
  const file = readObject(value, path, ['version', ...rules.members])
  // JSON.parse keeps the last of two members of one name, and does not tell.
  if (countColons(text) !== countMembers(file)) {
    throw new HomeError('malformed', `Cannot read ${path}: a member stands twice in one object`)
  }
  return file
}

/** The text of a file that {@link parseFile} reads, with a line feed at the end. */
export function formatFile(file: { readonly version: number } & JsonObject): string {
  return `${JSON.stringify(file, null, 2)}\n`
}

/** An object with exactly these members. @throws HomeError `malformed` */
export function readObject(
  value: Json | undefined,
  what: string,
  members: readonly string[],
): JsonObject {
  if (!isObject(value)) throw malformed(what, 'it must be an object')
  const unknown = Object.keys(value).find((key) => !members.includes(key))
  if (unknown !== undefined) {
    throw malformed(what, `the member ${JSON.stringify(unknown.slice(0, 64))} is not known`)
  }
  const missing = members.find((key) => !Object.hasOwn(value, key))
  if (missing !== undefined) throw malformed(what, `the member "${missing}" is missing`)
  return value
}

/** A list of at most that many items. @throws HomeError `malformed`, `too-large` */
export function readItems(
  value: Json | undefined,
  what: string,
  itemsMax: number,
): readonly Json[] {
  if (!isList(value)) throw malformed(what, 'it must be an array')
  if (value.length > itemsMax) {
    throw new HomeError(
      'too-large',
      `Cannot read ${what}: ${value.length} items, limit ${itemsMax}`,
    )
  }
  return value
}

/** A text. @throws HomeError `malformed` */
export function readString(value: Json | undefined, what: string): string {
  if (typeof value !== 'string') throw malformed(what, 'it must be a text')
  return value
}

/** The error for what a file says wrongly. */
export function malformed(what: string, reason: string, options?: ErrorOptions): HomeError {
  return new HomeError('malformed', `Cannot read ${what}: ${reason}`, options)
}

function readUtf8(bytes: Uint8Array, path: string): string {
  try {
    return utf8Text(bytes)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw malformed(path, 'it is not UTF-8', { cause })
  }
}

function parseJson(text: string, path: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    // JSON.parse quotes what it read, which may be a secret: its words stay out of the message.
    if (!(cause instanceof SyntaxError)) throw cause
    const state = text === '' ? 'it is empty' : 'it is not JSON, or cut off'
    throw malformed(path, state)
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value)
}

// Array.isArray does not narrow a readonly array.
function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** Members of the objects in the text: each has one colon outside of strings. */
function countColons(text: string): number {
  let colons = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|:/gs)) if (token === ':') colons += 1
  return colons
}

function countMembers(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0
  const items = Object.values(value) as readonly Json[]
  const inside = items.reduce<number>((sum, item) => sum + countMembers(item), 0)
  return isList(value) ? inside : inside + items.length
}
