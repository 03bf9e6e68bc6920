import { readFile } from 'node:fs/promises'
import { isMap, LineCounter, parseDocument, visit } from 'yaml'
import { CONFIGURATION_BYTES_MAX } from '../limits.ts'
import { RelayError } from '../relay-error.ts'
import { SETTINGS } from './schema.ts'

/** Values of settings from one place, and where each stands there. */
export interface Source {
  /** Nested as the schema is. */
  readonly values: Readonly<Record<string, unknown>>
  /** The place of a setting for people; undefined if it is not there. */
  place(path: readonly string[]): string | undefined
}

/** The variable that names the file where no flag does. */
export const FILE_VARIABLE = 'IXJ_RELAY_CONFIG'
const VARIABLE_PREFIX = 'IXJ_RELAY_'

/** A file in YAML, of which JSON is a part. @throws RelayError `configuration` */
export async function readFileSource(path: string): Promise<Source> {
  const refuse = (reason: string, cause?: unknown) =>
    new RelayError('configuration', `${path}: ${reason}`, { cause })
  let content: string
  try {
    content = await readFile(path, 'utf8')
  } catch (cause) {
    throw refuse(`it cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, cause)
  }
  if (content.length > CONFIGURATION_BYTES_MAX) {
    throw refuse(`${content.length} characters, limit ${CONFIGURATION_BYTES_MAX}`)
  }
  const lines = new LineCounter()
  const document = parseDocument(content, { lineCounter: lines, uniqueKeys: true })
  const [error] = document.errors
  if (error !== undefined) {
    const line = lines.linePos(error.pos[0]).line
    throw refuse(`line ${line}: ${error.message.split('\n')[0]?.replace(/ at line.*$/, '')}`, error)
  }
  visit(document, {
    // What refers to another part can unfold into more than any memory holds.
    Alias: (_key, { range }) => {
      throw refuse(`line ${lines.linePos(range?.[0] ?? 0).line}: a setting cannot refer to another`)
    },
  })
  const values: unknown = document.toJS() ?? {}
  if (typeof values !== 'object' || Array.isArray(values)) throw refuse('it is no list of settings')
  return {
    values: values as Readonly<Record<string, unknown>>,
    place: (wanted) => {
      const offset = offsetOf(document.contents, wanted)
      return offset === undefined ? undefined : `${path} line ${lines.linePos(offset).line}`
    },
  }
}

/** Where the key of a setting begins. */
function offsetOf(node: unknown, path: readonly string[]): number | undefined {
  const [key, ...rest] = path
  if (!isMap(node) || key === undefined) return undefined
  const pair = node.items.find((item) => String(item.key) === key)
  if (pair === undefined) return undefined
  if (rest.length > 0) return offsetOf(pair.value, rest)
  return (pair.key as { readonly range?: readonly number[] }).range?.[0]
}

/** Variables of the environment. @throws RelayError `configuration` for one that means nothing */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Source {
  const known = new Map(SETTINGS.map((setting) => [setting.variable, setting]))
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [variable, value] of Object.entries(variables)) {
    if (!variable.startsWith(VARIABLE_PREFIX) || variable === FILE_VARIABLE) continue
    const setting = known.get(variable)
    if (setting === undefined) problems.push(`${variable}: there is no such setting`)
    else if (value !== undefined) put(values, setting.path, value)
  }
  if (problems.length > 0) throw unusable(problems)
  return sourceOf(values, (path) => settingAt(path)?.variable)
}

/** Flags of the command line, by the path of their setting with dots between. */
export function readFlags(flags: ReadonlyMap<string, unknown>): Source {
  const values: Record<string, unknown> = {}
  for (const [path, value] of flags) put(values, path.split('.'), value)
  return sourceOf(values, (path) => settingAt(path)?.flag)
}

/** Values of several sources as one; a later one counts before an earlier one. */
export function mergeSources(sources: readonly Source[]): Source {
  const values: Record<string, unknown> = {}
  for (const source of sources) mergeInto(values, source.values)
  return {
    values,
    place: (path) =>
      sources.reduce<string | undefined>((at, each) => each.place(path) ?? at, undefined),
  }
}

/** One error for all problems. */
export function unusable(problems: readonly string[]): RelayError {
  return new RelayError('configuration', problems.join('; '), { problems })
}

function settingAt(path: readonly string[]) {
  return SETTINGS.find((setting) => setting.path.join('.') === path.join('.'))
}

/** Values of one place, each of which `nameOf` names for people. */
export function sourceOf(
  values: Readonly<Record<string, unknown>>,
  nameOf: (path: readonly string[]) => string | undefined,
): Source {
  const has = (path: readonly string[]) => valueAt(values, path) !== undefined
  return { values, place: (path) => (has(path) ? nameOf(path) : undefined) }
}

/** The value of a setting; undefined if there is none. */
export function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => {
    if (Array.isArray(at)) return at[Number(key)] as unknown
    return isGroup(at) && Object.hasOwn(at, key) ? at[key] : undefined
  }, values)
}

function put(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path
  if (key === undefined) return
  if (rest.length === 0) values[key] = value
  else put((values[key] ??= {}) as Record<string, unknown>, rest, value)
}

function mergeInto(into: Record<string, unknown>, from: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(from)) {
    // An own property that is called so, not the prototype of all.
    if (key === '__proto__') continue
    const before = into[key]
    if (isGroup(value)) {
      const merged = isGroup(before) ? before : {}
      mergeInto(merged, value)
      into[key] = merged
    } else {
      into[key] = value
    }
  }
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
