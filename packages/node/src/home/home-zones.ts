import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAtOrBelow, type Name } from '@ixj/names'
import { createFile, makeFolder, OTHERS_MAY_WRITE, readBounded } from './file.ts'
import { fileName, listNames } from './file-names.ts'
import type { Home } from './home.ts'
import { HomeError } from './home-error.ts'
import { ZONE_SETTINGS_BYTES_MAX } from './limits.ts'
import { openChangeLock } from './name-lock.ts'
import { formatZoneSettings, parseZoneSettings, type ZoneSettings } from './zone-settings.ts'

/** Where the files of a zone lie, in a folder of mode 0700: `zones/ZONE/`. */
export interface ZonePaths {
  readonly folder: string
  /** How it is kept: `zone.json`. */
  readonly settings: string
  /** Its records and its secret key, if it is served here: `zone.sqlite`. */
  readonly store: string
  /** The key of those who update it: `update.key`. */
  readonly updateKey: string
  /** Who has which name, until when: `leases.sqlite`. */
  readonly leases: string
}

/** Where the files of a zone lie, or would lie. @throws HomeError `too-large` */
export function zonePaths(home: Home, zone: Name): ZonePaths {
  const folder = join(zonesFolder(home), fileName(zone, ''))
  return {
    folder,
    settings: join(folder, 'zone.json'),
    store: join(folder, 'zone.sqlite'),
    updateKey: join(folder, 'update.key'),
    leases: join(folder, 'leases.sqlite'),
  }
}

/** The zones that a home keeps, sorted; a folder that was not finished is none. */
export async function zoneNames(home: Home): Promise<readonly Name[]> {
  const names = await listNames(zonesFolder(home), '')
  return names.filter((name) => existsSync(zonePaths(home, name).settings))
}

/** The longest zone of a home at or above a name; undefined if there is none. */
export async function zoneFor(home: Home, name: Name): Promise<Name | undefined> {
  const above = (await zoneNames(home)).filter((zone) => isAtOrBelow(name, zone))
  return above.toSorted((left, right) => right.length - left.length)[0]
}

/**
 * How a home keeps a zone; undefined if it does not.
 * @throws HomeError `malformed`, `too-large`, `unsupported`, `unsafe-mode`, `file`
 */
export async function readZoneSettings(home: Home, zone: Name): Promise<ZoneSettings | undefined> {
  const { settings: path } = zonePaths(home, zone)
  const rules = { bytesMax: ZONE_SETTINGS_BYTES_MAX, forbidden: OTHERS_MAY_WRITE }
  const bytes = await readBounded(path, rules)
  if (bytes === undefined) return undefined
  const settings = parseZoneSettings(bytes, path)
  if (settings.zone === zone) return settings
  throw new HomeError('malformed', `Cannot read ${path}: it is of "${settings.zone}"`)
}

/**
 * Makes the folder of a zone, has `make` put what belongs into it, and writes down how the zone is
 * kept. If anything fails, the folder is gone again.
 * @throws HomeError `exists`, `file`; what `make` throws
 */
export async function createZoneFolder(
  home: Home,
  zone: Name,
  make: (paths: ZonePaths) => Promise<ZoneSettings>,
): Promise<ZoneSettings> {
  const paths = zonePaths(home, zone)
  await makeFolder(zonesFolder(home))
  try {
    // Not its parents too: whoever makes it first has it.
    await mkdir(paths.folder, { mode: 0o700 })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
    const why = code === 'EEXIST' ? 'it is there already' : code
    const kind = code === 'EEXIST' ? 'exists' : 'file'
    throw new HomeError(kind, `Cannot make ${paths.folder}: ${why}`, { cause })
  }
  try {
    const settings = await make(paths)
    await createFile(paths.settings, formatZoneSettings(settings))
    return settings
  } catch (cause) {
    await rm(paths.folder, { recursive: true, force: true })
    throw cause
  }
}

/**
 * Takes the right to change a zone that is kept in a file: its changes read it and write it anew,
 * so those of several processes wait for each other. @throws HomeError `in-use`, `file`
 */
export async function lockZoneChanges(home: Home, zone: Name): Promise<AsyncDisposable> {
  return await openChangeLock(zonePaths(home, zone).folder, 'changes')
}

function zonesFolder(home: Home): string {
  return join(home.folder, 'zones')
}
