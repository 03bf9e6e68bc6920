import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@ixj/agent'
import { parseName, type Name } from '@ixj/names'
import { equalBytes } from '@ixj/trust'
import {
  createZone,
  type DnsRecord,
  type KeyRecord,
  keyOwner,
  type LeaseFile,
  type NameEndpoint,
  type NamespaceEvent,
  type NamespaceEvents,
  type NamespaceManager,
  type NamespaceOptions,
  openLeaseFile,
  openNamespace,
  parseDnsName,
  type Publication,
  readKeyRecord,
  type RemovedKey,
  TYPE,
  typeName,
  type ZoneBackend,
  type ZoneStore,
} from '@ixj/dns'
import { expect } from 'vitest'

import { keyRecord, KEYS } from '../records/records.ts'

export { KEYS, keyRecord, seed } from '../records/records.ts'

export const ZONE = parseDnsName('acme.example')
/** A time in 2027, on a full second. */
export const START = 1_800_000_000_000
export const planner = parseName('planner.acme.example')
export const node1 = parseName('node1.acme.example')
export const endpoint: NameEndpoint = { priority: 1, target: node1, port: 4_001, hints: [] }
/** A key that one node may receive for. */
export const hosted = keyRecord({ hosts: [node1] })
/** A name with everything that can be published of one. */
export const whole: Publication = {
  keys: [hosted],
  endpoints: [endpoint],
  addresses: ['/dns4/node1.acme.example/tcp/4001'],
  ipAddresses: ['192.0.2.7', '2001:db8::7'],
  mirrorKeys: true,
  agentAlias: true,
  leaseSeconds: 3_600,
}

/** Which of the test keys this is. */
export function indexOf(key: Uint8Array): number {
  return KEYS.findIndex((each) => equalBytes(each, key))
}

/** A DnsError with this code, for `toThrow`. */
export function coded(code: string): Error {
  return expect.objectContaining({ name: 'DnsError', code }) as Error
}

/** Turns of the event loop that a change of a zone on disk takes, and some more. */
const TURNS = 8

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((done) => setImmediate(done))
}

/** A clock whose steps let the disk and the event loop follow. */
export function manualClock(now = START): ManualClock {
  return new ManualClock({ now, settle: turns })
}

/** A zone on disk, a file of leases, and a clock that moves by hand. */
export class Scene implements AsyncDisposable {
  readonly folder: string
  readonly zone: ZoneStore
  readonly leases: LeaseFile
  readonly clock: ManualClock
  /** Keys that `onKeyRemoved` got. */
  readonly removed: RemovedKey[] = []

  constructor(folder: string, zone: ZoneStore, clock: ManualClock) {
    this.folder = folder
    this.zone = zone
    this.clock = clock
    this.leases = openLeaseFile(join(folder, 'leases.db'))
  }

  /** The namespace of the zone, with changes of its options. */
  async open(options: Partial<NamespaceOptions> = {}): Promise<NamespaceManager> {
    return await openNamespace({
      backend: this.zone,
      leases: this.leases,
      clock: this.clock,
      onKeyRemoved: async (removed) => void this.removed.push(removed),
      ...options,
    })
  }

  async records(): Promise<readonly DnsRecord[]> {
    return await this.zone.list()
  }

  /** The keys that the zone has for a name. */
  async keys(name: Name = planner): Promise<readonly KeyRecord[]> {
    const records = await this.records()
    return records.flatMap((record) => {
      if (record.name !== keyOwner(name) || record.type !== TYPE.TXT) return []
      const reading = readKeyRecord(record.data)
      return reading.outcome === 'record' ? [reading.record] : []
    })
  }

  /** Owner and type of each RRset but those that the zone began with. */
  async rrsets(): Promise<readonly string[]> {
    const start = ['acme.example SOA', 'acme.example NS', 'ns1.acme.example A']
    const texts = (await this.records()).map(({ name, type }) => `${name} ${typeName(type)}`)
    return [...new Set(texts)].filter((text) => !start.includes(text)).toSorted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leases[Symbol.asyncDispose]()
    await this.zone[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export async function openScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'ixj-namespace-'))
  const zone = await createZone({
    file: join(folder, 'zone.db'),
    zone: ZONE,
    nameservers: [{ name: parseDnsName('ns1.acme.example'), addresses: ['192.0.2.53'] }],
    mailbox: parseDnsName('hostmaster.acme.example'),
  })
  return new Scene(folder, zone, manualClock())
}

/** What was told so far, without waiting for more. */
export function heard(events: NamespaceEvents): { readonly all: NamespaceEvent[] } {
  const all: NamespaceEvent[] = []
  void (async () => {
    for await (const event of events) all.push(event)
  })()
  return { all }
}

/** A back-end that fails as told, around a real one. */
export class FailingBackend implements ZoneBackend {
  readonly #inner: ZoneBackend
  /** Called before and after each change; what it throws is what the caller gets. */
  fail: (moment: 'before' | 'after') => void = () => undefined

  constructor(inner: ZoneBackend) {
    this.#inner = inner
  }

  get zone() {
    return this.#inner.zone
  }

  async apply(...change: Parameters<ZoneBackend['apply']>): Promise<void> {
    this.fail('before')
    await this.#inner.apply(...change)
    this.fail('after')
  }

  async list(...options: Parameters<ZoneBackend['list']>): Promise<readonly DnsRecord[]> {
    return await this.#inner.list(...options)
  }
}
