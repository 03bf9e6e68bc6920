import {
  type LeaseFile,
  type NamespaceManager,
  openFileBackend,
  openLeaseFile,
  openNamespace,
  openRfc2136Backend,
  parseDnsName,
  readTsigKey,
  type ZoneBackend,
} from '@ixj/dns'
import type { Name } from '@ixj/names'
import {
  type Home,
  lockZoneChanges,
  readZoneSettings,
  systemClock,
  zoneFor,
  zonePaths,
  type ZoneSettings,
} from '@ixj/node/home'
import { CommandError } from '../command-error.ts'
import { revokeRemoved } from '../revoking.ts'
import { type Telling, untilServed } from './running-server.ts'
import { reachable } from './zone-arguments.ts'

/** A zone of this home, open for changes. */
export interface ManagedZone extends AsyncDisposable {
  readonly settings: ZoneSettings
  readonly backend: ZoneBackend
  readonly leases: LeaseFile
  readonly names: NamespaceManager
}

/** How a zone of this home is kept. @throws CommandError `absent`; HomeError */
export async function zoneSettings(home: Home, zone: Name): Promise<ZoneSettings> {
  const settings = await readZoneSettings(home, zone)
  if (settings !== undefined) return settings
  const remedy = `make it: ixj zone init ${zone}`
  throw new CommandError('absent', `Cannot find the zone ${zone} in this home; ${remedy}`)
}

/** The longest zone of this home at or above a name. @throws CommandError `absent`; HomeError */
export async function settingsFor(home: Home, name: Name): Promise<ZoneSettings> {
  const zone = await zoneFor(home, name)
  if (zone !== undefined) return await zoneSettings(home, zone)
  const remedy = `make one at or above it: ixj zone init ZONE`
  throw new CommandError('absent', `Cannot find a zone for ${name} in this home; ${remedy}`)
}

/** Opens a zone as a tool does that runs for a moment. @throws DnsError, HomeError */
export async function openZone(
  home: Home,
  settings: ZoneSettings,
  telling: Telling,
): Promise<ManagedZone> {
  const backend = await openBackend(home, settings, telling)
  return await openNames(home, { settings, backend, keepsLeases: false })
}

/** Opens the names of a zone whose back-end is open. @throws DnsError */
export async function openNames(
  home: Home,
  options: {
    readonly settings: ZoneSettings
    readonly backend: ZoneBackend
    readonly keepsLeases: boolean
  },
): Promise<ManagedZone> {
  const { settings, backend, keepsLeases } = options
  await using opening = new AsyncDisposableStack()
  const leases = opening.use(openLeaseFile(zonePaths(home, settings.zone).leases))
  const names = opening.use(
    await openNamespace({
      backend,
      leases,
      clock: systemClock,
      keepsLeases,
      onKeyRemoved: async (removed) => void (await revokeRemoved(home, removed)),
    }),
  )
  const closing = opening.move()
  const close = () => closing.disposeAsync()
  return { settings, backend, leases, names, [Symbol.asyncDispose]: close }
}

/**
 * The back-end through which commands change a zone: that of a zone that is served here is its
 * server, too, since one process alone may have the zone's own file open.
 * @throws DnsError `unreachable`, `storage`, `unsupported`; HomeError
 */
export async function openBackend(
  home: Home,
  settings: ZoneSettings,
  telling: Telling,
): Promise<ZoneBackend> {
  const zone = parseDnsName(settings.zone)
  if (settings.file !== null) {
    return inTurn(home, settings.zone, await openFileBackend({ zone, file: settings.file }))
  }
  if (settings.server === null) throw new Error(`Cannot open ${zone}: no server and no file`)
  const server = reachable(settings.server)
  if (settings.backend === 'embedded') await untilServed(settings.zone, server, telling)
  const key = await readTsigKey(zonePaths(home, settings.zone).updateKey)
  return openRfc2136Backend({ zone, server, key })
}

/** Changes of a file by several processes wait for each other. */
function inTurn(home: Home, zone: Name, backend: ZoneBackend): ZoneBackend {
  return {
    zone: backend.zone,
    list: (options) => backend.list(options),
    apply: async (edits, options) => {
      await using changing = new AsyncDisposableStack()
      changing.use(await lockZoneChanges(home, zone))
      await backend.apply(edits, options)
    },
  }
}
