import { once } from 'node:events'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createZone,
  formatZoneAnchors,
  type KeyRecord,
  openZoneServer,
  parseDnsName,
  writeTxt,
  type ZoneEdit,
  type ZoneStoreOptions,
} from '@ixj/dns'
import { parseName } from '@ixj/names'
import { generateNodeKey } from '@ixj/node/home'
import { records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

/** The zone of each world. */
export const zone = parseDnsName('acme.example')
/** An agent in it. */
export const w1 = parseName('w1.acme.example')
/** A node in it. */
export const node1 = parseName('node1.acme.example')
export const HOUR_MS = 3_600_000

/** A finding as programs get it. */
export interface Told {
  readonly level: string
  readonly check: string
  readonly about: string
  readonly text: string
  readonly remedy: string | null
}

/** A served zone, and a home that trusts it; disposing ends both. */
export async function openWorld(options: Partial<ZoneStoreOptions> = {}) {
  await using opening = new AsyncDisposableStack()
  const folder = opening.use(await mkdtempDisposable(join(tmpdir(), 'ixj-doctor-')))
  const store = opening.use(
    await createZone({
      ...options,
      file: join(folder.path, 'zone', 'zone.sqlite'),
      zone,
      nameservers: [{ name: parseDnsName('ns1.acme.example'), addresses: ['127.0.0.1'] }],
      mailbox: parseDnsName('hostmaster.acme.example'),
    }),
  )
  const listen = [{ address: '127.0.0.1', port: 0 }]
  const server = opening.use(await openZoneServer({ zones: [store], listen }))
  const ixj = commandsOf(join(folder.path, 'home'))
  const anchor = join(folder.path, 'anchor')
  await writeFile(anchor, formatZoneAnchors([store.anchor]))
  const closing = opening.move()
  const { port } = server.addresses[0]!
  return {
    store,
    port,
    ixj,
    folder: folder.path,
    trust: () => ixj.done('trust', 'anchor', 'add', zone, '--own', '--zone', anchor),
    set: (...edits: ZoneEdit[]) => store.apply(edits),
    /** What the doctor says, and its exit code. */
    ask: async (domain: string, at = `127.0.0.1:${port}`) => {
      const { code, stdout } = await ixj.run('doctor', domain, '--server', at, '--json')
      const told = records(stdout) as unknown as readonly Told[]
      const bad = told.filter(({ level }) => level !== 'ok')
      return { code, told, bad: bad.map(({ level, check }) => `${level} ${check}`), all: bad }
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** An RRset of one name. */
export function set(name: string, type: number, data: readonly Uint8Array[], ttl = 60): ZoneEdit {
  return { kind: 'set', name: parseDnsName(name), type, ttl, data }
}

/** A record with a fresh key, and all other fields as they are mostly. */
export async function keyRecord(fields: Partial<KeyRecord> = {}): Promise<KeyRecord> {
  const key = fields.key ?? generateNodeKey().publicKey
  const none = { strict: false, notBefore: 0, encryptionKey: null, next: null, hosts: [] }
  return { key, uses: 'sign', depth: 0, ...none, ...fields }
}

/** The data of a TXT record. */
export function text(words: string): Uint8Array {
  return writeTxt(Buffer.from(words))
}

/** A port where somebody listens, and one where nobody does any more. */
export async function twoPorts() {
  const [open, closed] = [createServer(), createServer()]
  for (const each of [open, closed]) {
    each.listen(0, '127.0.0.1')
    await once(each, 'listening')
  }
  const [openPort, closedPort] = [open, closed].map((each) => (each.address() as AddressInfo).port)
  closed.close()
  await once(closed, 'close')
  return { openPort: openPort!, closedPort: closedPort!, [Symbol.dispose]: () => open.close() }
}
