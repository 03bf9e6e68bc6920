import type { z } from 'zod'
import { type Configuration, configurationSchema, SETTINGS } from './schema.ts'
import {
  FILE_VARIABLE,
  mergeSources,
  readEnvironment,
  readFileSource,
  readFlags,
  type Source,
  unusable,
  valueAt,
} from './sources.ts'

/** Where settings are looked for. */
export interface ConfigurationPlaces {
  /** The file; default: what IXJ_RELAY_CONFIG names, or none. */
  readonly file?: string
  /** What holds where nothing else is said, beside the schema's own defaults. */
  readonly defaults?: Source
  readonly variables: Readonly<Record<string, string | undefined>>
  /** By the path of their setting with dots between. */
  readonly flags: ReadonlyMap<string, unknown>
}

/** The longest part of a value that an error repeats. */
const SHOWN_MAX = 80

/**
 * Reads a relay's configuration: flags count before the environment, that before the file.
 * @throws RelayError `configuration`, with every problem: its place, its value and its limit
 */
export async function readConfiguration(places: ConfigurationPlaces): Promise<Configuration> {
  const file = places.file ?? places.variables[FILE_VARIABLE]
  const source = mergeSources([
    ...(places.defaults === undefined ? [] : [places.defaults]),
    ...(file === undefined ? [] : [await readFileSource(file)]),
    readEnvironment(places.variables),
    readFlags(places.flags),
  ])
  const read = configurationSchema.safeParse(source.values)
  if (read.success) return read.data
  throw unusable(read.error.issues.flatMap((issue) => problemsOf(issue, source)))
}

function problemsOf(issue: z.core.$ZodIssue, source: Source): readonly string[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const place = source.place([...path, key]) ?? 'configuration'
      return `${place}: there is no setting ${[...path, key].join('.')}`
    })
  }
  // An item of a list stands where its list does.
  const setting = SETTINGS.find((each) => each.path.every((key, index) => path[index] === key))
  const at = setting?.path ?? path
  const value = valueAt(source.values, path) ?? valueAt(source.values, at)
  const place = source.place(at) ?? placeOfGroup(at, source)
  if (place === undefined || (value === undefined && setting !== undefined)) {
    const ways = setting === undefined ? '' : ` (${setting.flag}, ${setting.variable})`
    return [`${at.join('.')} is missing${ways}: ${issue.message}`]
  }
  if (setting?.secret === true) return [`${place}: ${at.join('.')} ${issue.message}`]
  return [`${place}: ${at.join('.')} is ${shownValue(value)}: it ${issue.message}`]
}

function placeOfGroup(path: readonly string[], source: Source): string | undefined {
  return path.length > 1 ? source.place(path.slice(0, -1)) : undefined
}

function shownValue(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing'
  return json.length <= SHOWN_MAX ? json : `${json.slice(0, SHOWN_MAX)}…`
}

/** What holds, for people and for files: secrets are left out, and said to be. */
export function effectiveConfiguration(configuration: Configuration): Record<string, unknown> {
  const shown = structuredClone(configuration) as unknown as Record<string, unknown>
  for (const { path, secret } of SETTINGS) {
    if (secret !== true || valueAt(shown, path) === undefined) continue
    const group = valueAt(shown, path.slice(0, -1)) as Record<string, unknown>
    group[path.at(-1) ?? ''] = '(set)'
  }
  shown['dns'] = configuration.dns.map(({ zone, server: { address, port } }) => {
    const host = address.includes(':') ? `[${address}]` : address
    return `${zone.replace(/\.$/, '')}=${host}:${port}`
  })
  return shown
}
