import { AnchorSet } from './anchor-set.ts'
import {
  type AnchorFields,
  FRESHNESS_DEFAULT,
  FRESHNESS_RULES,
  type FreshnessRule,
  type Purpose,
  PURPOSES,
  type RetiringKey,
} from './anchors.ts'
import { fromBase64url, toBase64url } from './bytes.ts'
import { ANCHORS_TEXT_MAX } from './limits.ts'
import { readName, readPattern } from './name-fields.ts'
import { makeRootAnchor, type RootAnchor, type RootAnchorFields } from './root-anchor.ts'
import { TrustError } from './trust-error.ts'

const VERSION = 1
/** The root of the DNS, as it is called there. */
const ROOT = '.'

type Json = null | boolean | number | string | readonly Json[] | JsonObject
interface JsonObject {
  readonly [key: string]: Json
}

/**
 * The text of a trust store file: JSON, one anchor after the other by name, keys in base64url,
 * a line feed at the end. Equal sets give equal texts.
 */
export function formatAnchors(anchors: AnchorSet): string {
  const { root } = anchors
  const list = anchors.list.map(
    ({ name, kind, keys, records, names, purposes, freshness, ...rest }) => ({
      name,
      kind,
      ...(kind === 'key' ? { keys: keys.map((key) => toBase64url(key)) } : { records }),
      names,
      purposes,
      ...(freshness === FRESHNESS_DEFAULT ? {} : { freshness }),
      ...(rest.next === undefined ? {} : { next: toBase64url(rest.next) }),
      ...(rest.retiring.length === 0
        ? {}
        : { retiring: rest.retiring.map(({ key, until }) => ({ key: toBase64url(key), until })) }),
      addedAt: rest.addedAt,
      addedBy: rest.addedBy,
    }),
  )
  const all = [...(root === undefined ? [] : [rootMembers(root)]), ...list]
  return `${JSON.stringify({ version: VERSION, anchors: all }, null, 2)}\n`
}

/** The root of the DNS is the anchor of a zone, by the name that it has there. */
function rootMembers({ records, purposes, freshness, addedAt, addedBy }: RootAnchor) {
  const rule = freshness === FRESHNESS_DEFAULT ? {} : { freshness }
  return { name: ROOT, kind: 'zone', records, purposes, ...rule, addedAt, addedBy }
}

/**
 * Reads the text of a trust store file. Strict: a member that is not known, or that stands twice,
 * is refused, so that no reader sees another file than a person does. Order and white space are
 * free; `names`, `purposes`, `addedAt`, `addedBy` may be left out.
 * @throws TrustError `too-large`, `encoding` (no JSON, a key that is no base64url), `form`, `name`,
 * `bad-key`, `unsupported` (a later version)
 */
export function parseAnchors(text: string): AnchorSet {
  if (text.length > ANCHORS_TEXT_MAX) {
    const size = `${text.length} characters, limit ${ANCHORS_TEXT_MAX}`
    throw new TrustError('too-large', `Cannot read trust store: ${size}`)
  }
  const file = readObject(parseJson(text), 'trust store', ['version', 'anchors'])
  if (file['version'] !== VERSION) {
    const version = JSON.stringify(file['version'] ?? null).slice(0, 20)
    throw new TrustError('unsupported', `Cannot read trust store: version ${version}, known is 1`)
  }
  const list = readItems(file['anchors'], 'anchors of trust store')
  // JSON.parse keeps the last of two members of one name, and does not tell.
  if (countColons(text) !== countMembers(file)) {
    throw new TrustError('form', 'Cannot read trust store: a member stands twice in one object')
  }
  const isRoot = list.map((item) => member(item, 'name') === ROOT)
  const roots = list.filter((_, index) => isRoot[index])
  if (roots.length > 1) throw refused('trust store', 'it has two anchors of the root of the DNS')
  const anchors = list.flatMap((item, index) =>
    isRoot[index] === true ? [] : [readAnchor(item, `anchor [${index}]`)],
  )
  return new AnchorSet(
    anchors,
    roots[0] === undefined ? {} : { root: makeRootAnchor(readRoot(roots[0])) },
  )
}

function member(value: Json, key: string): Json | undefined {
  return typeof value === 'object' && value !== null && !isList(value) ? value[key] : undefined
}

function readRoot(value: Json): RootAnchorFields {
  const what = 'the anchor of the root of the DNS'
  const known = ['name', 'kind', 'records', 'purposes', 'freshness', 'addedAt', 'addedBy']
  const object = readObject(value, what, known)
  if (object['kind'] !== 'zone') throw refused(what, 'its kind must be "zone"')
  return readOptions(object, what)
}

function readAnchor(value: Json, what: string): AnchorFields {
  const object = readObject(value, what, MEMBERS)
  const { name, kind, keys, names, next, retiring } = object
  if (kind !== 'key' && kind !== 'zone') throw refused(what, 'its kind must be "key" or "zone"')
  return {
    name: readName(readString(name, `name of ${what}`), `name of ${what}`),
    kind,
    ...(keys === undefined
      ? {}
      : { keys: readTexts(keys, `keys of ${what}`).map((text) => fromBase64url(text)) }),
    ...(names === undefined ? {} : { names: readPatterns(names, `names of ${what}`) }),
    ...(next === undefined ? {} : { next: readKey(next, `next of ${what}`) }),
    ...(retiring === undefined
      ? {}
      : { retiring: readItems(retiring, what).map((item) => readRetiring(item, what)) }),
    ...readOptions(object, what),
  }
}

/** What the anchor of a name and that of the root have in common. */
function readOptions(
  { records, purposes, freshness, addedAt, addedBy }: JsonObject,
  what: string,
): RootAnchorFields {
  return {
    ...(records === undefined ? {} : { records: readTexts(records, `records of ${what}`) }),
    ...(purposes === undefined ? {} : { purposes: readPurposes(purposes, `purposes of ${what}`) }),
    ...(freshness === undefined ? {} : { freshness: readFreshness(freshness, what) }),
    ...(addedAt === undefined ? {} : { addedAt: readNumber(addedAt, `addedAt of ${what}`) }),
    ...(addedBy === undefined ? {} : { addedBy: readString(addedBy, `addedBy of ${what}`) }),
  }
}

const MEMBERS = [
  'name',
  'kind',
  'keys',
  'records',
  'names',
  'purposes',
  'freshness',
  'next',
  'retiring',
  'addedAt',
  'addedBy',
]

function readFreshness(value: Json, what: string): FreshnessRule {
  const rule = FRESHNESS_RULES.find((known) => known === value)
  if (rule !== undefined) return rule
  throw refused(`freshness of ${what}`, `must be of ${FRESHNESS_RULES.join(', ')}`)
}

function readRetiring(value: Json, what: string): RetiringKey {
  const { key, until } = readObject(value, `retiring of ${what}`, ['key', 'until'])
  return {
    key: readKey(key, `retiring key of ${what}`),
    until: readNumber(until, `end of retiring key of ${what}`),
  }
}

function readKey(value: Json | undefined, what: string): Uint8Array {
  return fromBase64url(readString(value, what))
}

function readPatterns(value: Json, what: string): NonNullable<AnchorFields['names']> {
  return readTexts(value, what).map((text) => readPattern(text, what))
}

function readPurposes(value: Json, what: string): readonly Purpose[] {
  return readTexts(value, what).map((text) => {
    const purpose = PURPOSES.find((known) => known === text)
    if (purpose === undefined) throw refused(what, `must be of ${PURPOSES.join(', ')}`)
    return purpose
  })
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    throw new TrustError('encoding', 'Cannot read trust store: it is not JSON', { cause })
  }
}

function readObject(value: Json | undefined, what: string, known: readonly string[]): JsonObject {
  if (typeof value !== 'object' || value === null || isList(value)) {
    throw refused(what, 'must be an object')
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw refused(what, `the member ${JSON.stringify(unknown.slice(0, 64))} is not known`)
  }
  return value
}

function readItems(value: Json | undefined, what: string): readonly Json[] {
  if (!isList(value)) throw refused(what, 'must be an array')
  return value
}

function readTexts(value: Json | undefined, what: string): readonly string[] {
  return readItems(value, what).map((item) => readString(item, what))
}

function readString(value: Json | undefined, what: string): string {
  if (typeof value !== 'string') throw refused(what, 'must be a text')
  return value
}

function readNumber(value: Json | undefined, what: string): number {
  if (typeof value !== 'number') throw refused(what, 'must be a number')
  return value
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
  const inside = Object.values(value).reduce(
    (sum: number, item: Json) => sum + countMembers(item),
    0,
  )
  return isList(value) ? inside : inside + Object.keys(value).length
}

function refused(what: string, reason: string): TrustError {
  return new TrustError('form', `Cannot read ${what}: ${reason}`)
}
