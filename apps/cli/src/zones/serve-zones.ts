import { readFile } from 'node:fs/promises'
import {
  type DnsName,
  type Endpoint,
  type HttpsOptions,
  type NamespaceEvents,
  openZoneServer,
  openZoneStore,
  parseDnsName,
  readTsigKey,
  type TsigKey,
  type ZoneServer,
  type ZoneStore,
} from '@ixj/dns'
import type { Name } from '@ixj/names'
import { type Home, nodeRandom, zonePaths, type ZoneSettings } from '@ixj/node/home'
import { ArgumentError, CommandError } from '../command-error.ts'
import { columns, type Output, printable } from '../output.ts'
import { eventCells, eventRecord } from './event-text.ts'
import { openBackend, openNames } from './managed-zone.ts'
import { readKeys } from './update-key.ts'
import { isAny, type Place, placeText } from './zone-arguments.ts'

/** What `zone serve` was told. */
export interface ServeFlags {
  readonly listen?: readonly Place[]
  readonly https?: Place
  readonly httpsKey?: string
  readonly httpsCertificate?: string
  readonly secondary?: readonly Place[]
  readonly transferKey?: readonly string[]
}

/**
 * Serves the zones of a home that it keeps itself, and keeps the leases of all, until the signal.
 * @throws ArgumentError, CommandError; DnsError, HomeError
 */
export async function serveZones(
  home: Home,
  zones: readonly ZoneSettings[],
  options: { readonly flags: ServeFlags; readonly output: Output; readonly stopped: AbortSignal },
): Promise<void> {
  const { flags, output, stopped } = options
  const embedded = zones.filter(({ backend }) => backend === 'embedded')
  const others = zones.filter(({ backend }) => backend !== 'embedded')
  if (embedded.length === 0 && Object.keys(flags).length > 0) {
    const reason = 'none of these zones is served by this home'
    throw new ArgumentError('usage', `Cannot listen or tell secondaries: ${reason}`)
  }
  await using opening = new AsyncDisposableStack()
  const stores: ZoneStore[] = []
  for (const settings of embedded) {
    const { store: file } = zonePaths(home, settings.zone)
    stores.push(opening.use(await openStore(file, settings.zone)))
  }
  const server =
    stores.length === 0
      ? undefined
      : opening.use(await openServer(home, embedded, { flags, stores, output }))
  const happening: { readonly zone: Name; readonly events: NamespaceEvents }[] = []
  for (const [index, settings] of [...embedded, ...others].entries()) {
    const backend = stores[index] ?? (await openBackend(home, settings, { output }))
    const open = await openNames(home, { settings, backend, keepsLeases: true })
    const { names } = opening.use(open)
    // At once: what fell due while nobody kept the leases happens now.
    happening.push({ zone: settings.zone, events: names.events({ signal: stopped }) })
  }
  tellListening(output, { embedded, others, server })
  await Promise.all(happening.map(({ zone, events }) => tellEvents(zone, events, output)))
}

async function openStore(file: string, zone: Name): Promise<ZoneStore> {
  try {
    return await openZoneStore({ file, zone: parseDnsName(zone) })
  } catch (cause) {
    if (!isLocked(cause)) throw cause
    const reason = 'another process serves it already'
    throw new CommandError('exists', `Cannot serve ${zone}: ${reason}`, { cause })
  }
}

/** SQLITE_BUSY, under the error of ours. */
function isLocked(cause: unknown): boolean {
  const below = cause instanceof Error ? cause.cause : undefined
  return below instanceof Error && 'errcode' in below && below.errcode === 5
}

async function openServer(
  home: Home,
  zones: readonly ZoneSettings[],
  {
    flags,
    stores,
    output,
  }: { readonly flags: ServeFlags; readonly stores: readonly ZoneStore[]; readonly output: Output },
): Promise<ZoneServer> {
  const own = await Promise.all(
    zones.map(async ({ zone }) => ({
      zone,
      key: await readTsigKey(zonePaths(home, zone).updateKey),
    })),
  )
  const copying = await readKeys(flags.transferKey ?? [])
  const keys: readonly TsigKey[] = [...own.map(({ key }) => key), ...copying]
  checkKeyNames(keys)
  return await openZoneServer({
    zones: stores,
    listen: listenPlaces(zones, flags.listen ?? []),
    keys,
    policies: own.map(({ zone, key }) => ({
      key: key.name,
      zone: parseDnsName(zone),
      names: [zone, `**.${zone}`],
    })),
    // The update key of a zone reads that zone alone: it may be somebody else's.
    transferKeys: copying.map(({ name }): DnsName => name),
    secondaries: flags.secondary ?? [],
    ...(await httpsOptions(flags)),
    random: nodeRandom,
    log: (line) => output.note({ event: 'bug', message: line }, `bug  ${printable(line)}`),
  })
}

/** A message says by the name alone which key signed it. @throws ArgumentError `usage` */
function checkKeyNames(keys: readonly TsigKey[]): void {
  const twice = keys.find(({ name }, index) => keys.findIndex((key) => key.name === name) < index)
  if (twice === undefined) return
  throw new ArgumentError('usage', `Cannot use two keys named ${twice.name}: rename one of them`)
}

/**
 * Where the zones say that they are served, so that tools find them, and where the command line
 * says. A place that another one covers is left out: both could not be had.
 */
function listenPlaces(zones: readonly ZoneSettings[], more: readonly Place[]): readonly Endpoint[] {
  const all = [...zones.flatMap(({ server }) => server ?? []), ...more]
  const isCovered = (place: Place): boolean =>
    !isAny(place) &&
    all.some(
      (other) =>
        isAny(other) &&
        other.port === place.port &&
        other.address.includes(':') === place.address.includes(':'),
    )
  const unique = new Map(all.map((place) => [placeText(place), place]))
  return [...unique.values()].filter((place) => !isCovered(place))
}

async function httpsOptions(flags: ServeFlags): Promise<{ readonly https?: HttpsOptions }> {
  const { https, httpsKey, httpsCertificate } = flags
  if ((httpsKey === undefined) !== (httpsCertificate === undefined)) {
    throw new ArgumentError('usage', 'Cannot use --https-key without --https-certificate, or it so')
  }
  if (https === undefined) {
    if (httpsKey === undefined) return {}
    throw new ArgumentError('usage', 'Cannot use --https-key without --https ADDRESS:PORT')
  }
  if (httpsKey === undefined || httpsCertificate === undefined) return { https }
  const [key, certificate] = await Promise.all([readPem(httpsKey), readPem(httpsCertificate)])
  return { https: { ...https, key, certificate } }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    throw new CommandError('file', `Cannot read ${path}: ${code}`, { cause })
  }
}

function tellListening(
  output: Output,
  told: {
    readonly embedded: readonly ZoneSettings[]
    readonly others: readonly ZoneSettings[]
    readonly server: ZoneServer | undefined
  },
): void {
  const served = told.embedded.map(({ zone }) => zone)
  const kept = told.others.map(({ zone }) => zone)
  const addresses = told.server?.addresses ?? []
  const https = told.server?.https
  const rows = [
    ...addresses.map((place) => ['listening', placeText(place), served.join(', ')]),
    ...(https === undefined
      ? []
      : [['listening', `${placeText(https)}, HTTPS`, served.join(', ')]]),
    ...(kept.length === 0 ? [] : [['keeping', 'leases', kept.join(', ')]]),
  ]
  output.print(
    {
      event: 'listening',
      zones: served,
      kept,
      addresses: addresses.map(({ address, port }) => ({ address, port })),
      https: https === undefined ? null : { address: https.address, port: https.port },
    },
    columns(rows),
  )
}

async function tellEvents(zone: Name, events: NamespaceEvents, output: Output): Promise<void> {
  for await (const event of events) {
    output.print(eventRecord(zone, event), eventCells(zone, event).join('  '))
  }
}
