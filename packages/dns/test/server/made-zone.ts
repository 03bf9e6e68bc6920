import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createZone,
  type DnsName,
  type DnsRecord,
  openZoneServer,
  openZoneStore,
  parseDnsName,
  parseZone,
  type TsigKey,
  type ZoneEdit,
  type ZoneServer,
  type ZoneServerOptions,
  type ZoneStore,
  type ZoneStoreOptions,
} from '@ixj/dns'

/** A key that tests update and copy zones with. */
export const TEST_KEY: TsigKey = {
  name: parseDnsName('ourtool'),
  algorithm: 'hmac-sha256',
  secret: Uint8Array.from({ length: 32 }, (_, index) => index),
}

/** A zone in a folder of its own; disposing closes it and deletes the folder. */
export interface MadeZone extends AsyncDisposable {
  readonly store: ZoneStore
  readonly file: string
  readonly folder: string
  /** Closes it and opens it from its file. */
  reopen(): Promise<ZoneStore>
}

/** A new zone, with these records of a zone file in it; `@` is the zone. */
export async function makeZone(
  name: string,
  text = '',
  options: Partial<ZoneStoreOptions> = {},
): Promise<MadeZone> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ixj-zone-'))
  const file = join(folder.path, 'zones', `${name}.zone`)
  const zone = parseDnsName(name)
  let store = await createZone({
    ...options,
    file,
    zone,
    nameservers: [{ name: parseDnsName(`ns1.${name}`), addresses: ['127.0.0.1', '::1'] }],
    mailbox: parseDnsName(`hostmaster.${name}`),
  })
  if (text !== '') await store.apply(editsOf(parseZone(text, { origin: zone, ttl: 300 })))
  return {
    get store() {
      return store
    },
    file,
    folder: folder.path,
    reopen: async () => {
      await store[Symbol.asyncDispose]()
      store = await openZoneStore({ ...options, file, zone })
      return store
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await folder.remove()
    },
  }
}

/** Records as edits that set each of their sets. */
export function editsOf(records: readonly DnsRecord[]): ZoneEdit[] {
  const sets = Map.groupBy(records, ({ name, type }) => `${name} ${type}`)
  return [...sets.values()].map((set) => {
    const [{ name, type, ttl }] = set as [DnsRecord]
    return { kind: 'set', name, type, ttl, data: set.map(({ data }) => data) }
  })
}

/** A name in text. */
export function named(text: string): DnsName {
  return parseDnsName(text)
}

/** A server of zones on a free port of 127.0.0.1, which the test key may change and copy. */
export async function serveZones(
  zones: readonly ZoneStore[],
  options: Partial<ZoneServerOptions> = {},
): Promise<ZoneServer & { readonly port: number }> {
  const server = await openZoneServer({
    zones,
    listen: [{ address: '127.0.0.1', port: 0 }],
    keys: [TEST_KEY],
    policies: zones.map(({ zone }) => ({ key: TEST_KEY.name, names: [zone, `**.${zone}`] })),
    transferKeys: [TEST_KEY.name],
    ...options,
  })
  return Object.assign(server, { port: server.addresses[0]!.port })
}
