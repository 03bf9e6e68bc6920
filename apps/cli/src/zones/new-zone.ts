import { resolve } from 'node:path'
import {
  askPrimaryKeys,
  CLASS,
  createZone,
  DnsError,
  type DnsName,
  type DnsRecord,
  formatZoneAnchors,
  openFileBackend,
  openRfc2136Backend,
  parseDnsName,
  parseIpv4,
  parseIpv6,
  readTsigKey,
  TYPE,
  wireOfName,
  writeSoa,
  type ZoneAnchor,
} from '@ixj/dns'
import { isAtOrBelow, type Name, parseName } from '@ixj/names'
import {
  createZoneFolder,
  zoneNames,
  type Home,
  nodeRandom,
  systemClock,
  type ZonePaths,
  type ZoneSettings,
} from '@ixj/node/home'
import { zoneFields } from '../anchors.ts'
import { ArgumentError, CommandError } from '../command-error.ts'
import { makeUpdateKey, writeUpdateKey } from './update-key.ts'
import { isAny, type NameserverArgument, type Place } from './zone-arguments.ts'
import { askOwnServer, planTrust, trustZone, type ZoneTrust } from './zone-trust.ts'

/** Where a zone is served that nothing else was said of. */
export const LISTEN_DEFAULT: Place = { address: '127.0.0.1', port: 5300 }

const TTL_SECONDS = 300
/** As for zones that are served here: names come and go, so their absence is kept for a second. */
const TIMES = { refresh: 900, retry: 300, expire: 7_200, minimum: 1 } as const

/** What `zone init` was told. */
export interface NewZoneFlags {
  readonly backend: ZoneSettings['backend']
  readonly listen?: Place
  readonly ns?: readonly NameserverArgument[]
  readonly server?: Place
  readonly key?: string
  readonly file?: string
  readonly mailbox?: Name
  readonly anchor: boolean
}

/** A zone that this home keeps from now on. */
export interface MadeZone {
  readonly settings: ZoneSettings
  readonly trust: ZoneTrust
}

/** Options that only zones of one kind have. */
const OPTIONS: Readonly<Record<ZoneSettings['backend'], readonly (keyof NewZoneFlags)[]>> = {
  embedded: ['listen', 'ns', 'mailbox'],
  rfc2136: ['server', 'key'],
  file: ['file', 'ns', 'mailbox'],
}

/**
 * Makes a zone: its files, and this home's trust in it.
 * @throws ArgumentError, CommandError `exists`; DnsError, HomeError
 */
export async function makeZone(home: Home, zone: Name, flags: NewZoneFlags): Promise<MadeZone> {
  checkOptions(flags)
  if ((await zoneNames(home)).includes(zone)) {
    const reason = 'this home keeps it already: ixj zone list'
    throw new CommandError('exists', `Cannot make the zone ${zone}: ${reason}`)
  }
  switch (flags.backend) {
    case 'embedded':
      return await makeEmbedded(home, zone, flags)
    case 'rfc2136':
      return await takeServer(home, zone, flags)
    case 'file':
      return await makeFile(home, zone, flags)
  }
}

function checkOptions(flags: NewZoneFlags): void {
  const known = OPTIONS[flags.backend]
  for (const option of new Set(Object.values(OPTIONS).flat())) {
    if (flags[option] === undefined || known.includes(option)) continue
    const kinds = Object.entries(OPTIONS).filter(([, options]) => options.includes(option))
    const where = kinds.map(([kind]) => `--backend ${kind}`).join(' or ')
    throw new ArgumentError('usage', `Cannot use --${option}: it goes with ${where}`)
  }
}

async function makeEmbedded(home: Home, zone: Name, flags: NewZoneFlags): Promise<MadeZone> {
  const { listen = LISTEN_DEFAULT, mailbox = parseName(`hostmaster.${zone}`) } = flags
  const trust = await planTrust(home, zone, { anchor: flags.anchor, keys: [] })
  const nameservers = flags.ns ?? defaultNameservers(zone, listen)
  checkNameservers(zone, nameservers)
  const settings = await createZoneFolder(home, zone, async (paths) => {
    await using store = await createZone({
      file: paths.store,
      zone: parseDnsName(zone),
      nameservers: nameservers.map(({ name, addresses }) => ({
        name: parseDnsName(name),
        addresses,
      })),
      mailbox: parseDnsName(mailbox),
      random: nodeRandom,
    })
    await writeUpdateKey(paths.updateKey, makeUpdateKey(zone))
    await askOwnServer(home, zone, listen)
    if (trust.kind === 'own') await trustZone(home, zone, store.anchor)
    return settingsOf(zone, { server: listen, records: recordsOf(zone, store.anchor) })
  })
  return { settings, trust }
}

function settingsOf(zone: Name, rest: Partial<ZoneSettings>): ZoneSettings {
  return { zone, backend: 'embedded', server: null, file: null, records: [], ...rest }
}

function recordsOf(zone: Name, anchor: ZoneAnchor): readonly string[] {
  return zoneFields(formatZoneAnchors([anchor]), zone).records ?? []
}

function defaultNameservers(zone: Name, listen: Place): readonly NameserverArgument[] {
  if (!isAny(listen)) return [{ name: parseName(`ns1.${zone}`), addresses: [listen.address] }]
  const example = `--ns ns1.${zone}=192.0.2.1`
  const reason = `say under which address others find its server, as ${example}`
  throw new ArgumentError('usage', `Cannot make the zone ${zone} for all addresses: ${reason}`)
}

/** A server in the zone needs an address in it; one elsewhere must have none here. */
function checkNameservers(zone: Name, nameservers: readonly NameserverArgument[]): void {
  for (const { name, addresses } of nameservers) {
    const isInside = isAtOrBelow(name, zone)
    if (isInside === addresses.length > 0) continue
    const reason = isInside
      ? `its address is needed, as ${name}=192.0.2.1`
      : `it is not in ${zone}, so its address is said elsewhere`
    throw new ArgumentError('usage', `Cannot use the name server ${name}: ${reason}`)
  }
}

/** Takes a zone that another server keeps, after a look whether the key is good for it. */
async function takeServer(home: Home, zone: Name, flags: NewZoneFlags): Promise<MadeZone> {
  const { server, key: keyFile } = flags
  if (server === undefined || keyFile === undefined) {
    const reason = 'it needs --server ADDRESS:PORT, and --key FILE with the key that may update it'
    throw new ArgumentError('usage', `Cannot take the zone ${zone}: ${reason}`)
  }
  const key = await readTsigKey(keyFile)
  const name = parseDnsName(zone)
  await openRfc2136Backend({ zone: name, server, key }).list()
  const primary = { server, key, now: () => systemClock.now(), random: nodeRandom }
  const records = await askPrimaryKeys(name, primary)
  const trust = await planTrust(home, zone, { anchor: flags.anchor, keys: records })
  if (trust.kind === 'own' && records.length === 0) {
    const remedy = 'have it sign the zone, or do not trust it: --no-anchor'
    throw new ArgumentError('usage', `Cannot trust ${zone}: its server does not sign it; ${remedy}`)
  }
  const settings = await createZoneFolder(home, zone, async (paths) => {
    await writeUpdateKey(paths.updateKey, key)
    await askOwnServer(home, zone, server)
    if (trust.kind === 'own') await trustZone(home, zone, { zone: name, records })
    return settingsOf(zone, { backend: 'rfc2136', server })
  })
  return { settings, trust }
}

async function makeFile(home: Home, zone: Name, flags: NewZoneFlags): Promise<MadeZone> {
  const { ns = [], mailbox = parseName(`hostmaster.${zone}`) } = flags
  checkNameservers(zone, ns)
  const settings = await createZoneFolder(home, zone, async (paths: ZonePaths) => {
    const file = flags.file === undefined ? `${paths.folder}/zone.txt` : resolve(flags.file)
    const initial = ns.length === 0 ? {} : { initial: firstRecords(zone, ns, mailbox) }
    await openFileBackend({ zone: parseDnsName(zone), file, ...initial }).catch(
      (cause: unknown) => {
        if (!isMissing(cause)) throw cause
        const reason = 'there is no such file; to begin one, give --ns NAME for each name server'
        throw new ArgumentError('usage', `Cannot keep ${zone} in ${file}: ${reason}`, { cause })
      },
    )
    return settingsOf(zone, { backend: 'file', file })
  })
  return { settings, trust: { kind: 'none' } }
}

function isMissing(cause: unknown): boolean {
  const system = cause instanceof DnsError ? cause.cause : undefined
  return system instanceof Error && 'code' in system && system.code === 'ENOENT'
}

function firstRecords(
  zone: Name,
  nameservers: readonly NameserverArgument[],
  mailbox: Name,
): readonly DnsRecord[] {
  const record = (name: Name, type: number, data: Uint8Array): DnsRecord => ({
    name: parseDnsName(name),
    type,
    class: CLASS.IN,
    ttl: TTL_SECONDS,
    data,
  })
  const names: readonly DnsName[] = nameservers.map(({ name }) => parseDnsName(name))
  const [primary = parseDnsName(zone)] = names
  const soa = { primary, mailbox: parseDnsName(mailbox), serial: 1, ...TIMES }
  return [
    record(zone, TYPE.SOA, writeSoa(soa)),
    ...names.map((name) => record(zone, TYPE.NS, wireOfName(name))),
    ...nameservers.flatMap(({ name, addresses }) =>
      addresses.map((address) =>
        address.includes(':')
          ? record(name, TYPE.AAAA, parseIpv6(address))
          : record(name, TYPE.A, parseIpv4(address)),
      ),
    ),
  ]
}
