import { compareBytes, utf8Bytes } from '../bytes.ts'
import { TrustError } from '../trust-error.ts'
import type { Value } from './value.ts'

/** A field as it comes out of a destructured array; undefined is never a value and is refused. */
export type Field = Value | undefined

/** Reads one field as something; `what` names the field in the error, as in "key of binding". */
export type ReadField<Result> = (value: Field, what: string) => Result

/**
 * An array of exactly that many fields.
 * @throws TrustError `form`
 */
export function readArray(value: Field, what: string, length: number): readonly Value[] {
  const items = readItems(value, what)
  if (items.length !== length) {
    throw refused(what, `${items.length} fields, must be ${length}`)
  }
  return items
}

/**
 * A list of up to that many items, each read by `item`.
 * @throws TrustError `form`, and what `item` throws
 */
export function readList<Item>(
  value: Field,
  what: string,
  rules: { readonly itemsMax: number; readonly itemsMin?: number; readonly item: ReadField<Item> },
): Item[] {
  const items = readItems(value, what)
  const least = rules.itemsMin ?? 0
  if (items.length > rules.itemsMax || items.length < least) {
    throw refused(what, `${items.length} items, must be ${least} to ${rules.itemsMax}`)
  }
  return items.map((item, index) => rules.item(item, `${what} [${index}]`))
}

/** What the items of a set are sorted by. */
type KeyOf<Item> = (item: Item) => string | Uint8Array

interface SetRules<Item> {
  readonly itemsMax: number
  readonly itemsMin?: number
  readonly item: ReadField<Item>
  readonly key?: KeyOf<Item>
}

/**
 * A set: a list whose items rise bytewise by their keys, which are the items themselves where `key`
 * is not given. So a set has one encoding.
 * @throws TrustError `form` also for items out of order or repeated
 */
export function readSortedSet<Item>(
  value: Field,
  what: string,
  rules: SetRules<Item> & { readonly key: KeyOf<Item> },
): Item[]
export function readSortedSet<Item extends string | Uint8Array>(
  value: Field,
  what: string,
  rules: SetRules<Item>,
): Item[]
export function readSortedSet(value: Field, what: string, rules: SetRules<unknown>): unknown[] {
  const items = readList(value, what, rules)
  let before: Uint8Array | undefined
  for (const [index, item] of items.entries()) {
    const key = keyBytes(item, rules.key)
    const order = before === undefined ? -1 : compareBytes(before, key)
    if (order === 0) throw refused(`${what} [${index}]`, 'it repeats the one before')
    if (order > 0) throw refused(`${what} [${index}]`, 'it sorts before the one before')
    before = key
  }
  return items
}

/**
 * The items as {@link readSortedSet} wants them: sorted bytewise by key, which is the item itself
 * where none is given, repeats left out.
 */
export function sortedSet<Item>(items: Iterable<Item>, key: KeyOf<Item>): Item[]
export function sortedSet<Item extends string | Uint8Array>(items: Iterable<Item>): Item[]
export function sortedSet(items: Iterable<unknown>, key?: KeyOf<unknown>): unknown[] {
  const pairs = Array.from(items, (item) => ({ item, key: keyBytes(item, key) }))
  pairs.sort((left, right) => compareBytes(left.key, right.key))
  return pairs
    .filter((pair, index) => index === 0 || compareBytes(pairs[index - 1]!.key, pair.key) !== 0)
    .map((pair) => pair.item)
}

/**
 * A text, of any length unless `bytesMax` (of UTF-8) is given.
 * @throws TrustError `form`
 */
export function readText(value: Field, what: string, bytesMax = Infinity): string {
  if (typeof value !== 'string') throw refused(what, `${describe(value)}, must be a text`)
  // A text has at least as many bytes as code units and at most three times as many.
  if (value.length * 3 > bytesMax && utf8Bytes(value).length > bytesMax) {
    throw refused(what, `${utf8Bytes(value).length} bytes of text, limit ${bytesMax}`)
  }
  return value
}

/**
 * One of a closed list of texts.
 * @throws TrustError `form`
 */
export function readOneOf<Choice extends string>(
  value: Field,
  what: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) {
    throw refused(what, `${describe(value)}, must be one of ${choices.join(', ')}`)
  }
  return choice
}

/**
 * An integer from min to max, both included.
 * @throws TrustError `form`
 */
export function readInteger(
  value: Field,
  what: string,
  range: { readonly min: number; readonly max: number },
): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw refused(what, `${describe(value)}, must be an integer`)
  }
  if (value < range.min || value > range.max) {
    throw refused(what, `${value}, must be ${range.min} to ${range.max}`)
  }
  return value
}

/**
 * A time in ms since the Unix epoch, or a duration in ms: an integer from 0 to 2^53 - 1.
 * @throws TrustError `form`
 */
export function readTime(value: Field, what: string): number {
  return readInteger(value, what, { min: 0, max: Number.MAX_SAFE_INTEGER })
}

/**
 * Bytes of exactly that length; ids, digests and public keys all have 32.
 * @throws TrustError `form`
 */
export function readBytes(value: Field, what: string, length = 32): Uint8Array {
  if (!(value instanceof Uint8Array)) throw refused(what, `${describe(value)}, must be bytes`)
  if (value.length !== length) throw refused(what, `${value.length} bytes, must be ${length}`)
  return value
}

/**
 * Bytes of up to that length.
 * @throws TrustError `form`
 */
export function readBytesUpTo(value: Field, what: string, bytesMax: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw refused(what, `${describe(value)}, must be bytes`)
  if (value.length > bytesMax) throw refused(what, `${value.length} bytes, limit ${bytesMax}`)
  return value
}

/**
 * True or false.
 * @throws TrustError `form`
 */
export function readBoolean(value: Field, what: string): boolean {
  if (typeof value !== 'boolean') throw refused(what, `${describe(value)}, must be true or false`)
  return value
}

/** What `read` makes of the field; `null` where the field is nil. */
export function readOptional<Result>(
  value: Field,
  what: string,
  read: ReadField<Result>,
): Result | null {
  return value === null ? null : read(value, what)
}

function readItems(value: Field, what: string): readonly Value[] {
  if (!Array.isArray(value)) throw refused(what, `${describe(value)}, must be an array`)
  return value as readonly Value[]
}

function keyBytes(item: unknown, keyOf?: KeyOf<unknown>): Uint8Array {
  const key = keyOf === undefined ? (item as string | Uint8Array) : keyOf(item)
  return typeof key === 'string' ? utf8Bytes(key) : key
}

/** The longest part of a text that an error repeats: a peer chooses it, a log keeps it. */
const SHOWN_TEXT_MAX = 64

function describe(value: Field): string {
  if (value === null) return 'nil'
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SHOWN_TEXT_MAX))
  if (typeof value === 'object') return `an array of ${value.length}`
  return String(value)
}

function refused(what: string, reason: string): TrustError {
  return new TrustError('form', `Cannot read ${what}: ${reason}`)
}
