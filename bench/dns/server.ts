import {
  createZone,
  formatZoneAnchors,
  keyOwner,
  openZoneServer,
  openZoneStore,
  parseDnsName,
  TYPE,
  type ZoneEdit,
} from '@ixj/dns'
import { parseName } from '@ixj/names'
import { toBase64url } from '@ixj/trust'
import { KEY_LABEL, keyData, newKey, ZONE } from './records.ts'

/** What the measuring process is told when the server is up. */
export interface ServerReport {
  readonly port: number
  readonly anchor: string
  readonly secret: string
  readonly rssMiB: number
}

/** Edits of one change: the zone's file is written once for each. */
const EDITS = 5_000

const [mode, file = '', count] = process.argv.slice(2)
if (mode === 'fill') await fill(Number(count))
else await serve()

async function fill(names: number): Promise<void> {
  const zone = parseDnsName(ZONE)
  await using store = await createZone({
    file,
    zone,
    nameservers: [{ name: parseDnsName(`ns1.${zone}`), addresses: ['127.0.0.1'] }],
    mailbox: parseDnsName(`hostmaster.${zone}`),
  })
  for (let first = 0; first < names; first += EDITS) {
    const edits = Array.from({ length: Math.min(EDITS, names - first) }, (_, index): ZoneEdit => {
      const name = parseName(`a${first + index}.${ZONE}`)
      return { kind: 'set', name: keyOwner(name), type: TYPE.TXT, ttl: 300, data: [keyData()] }
    })
    await store.apply(edits)
  }
  process.disconnect()
}

/** A process of its own, as in use: what it costs shows in its own memory and processor. */
async function serve(): Promise<void> {
  const key = newKey()
  const store = await openZoneStore({ file })
  const server = await openZoneServer({
    zones: [store],
    listen: [{ address: '127.0.0.1', port: 0 }],
    keys: [key],
    policies: [{ key: parseDnsName(KEY_LABEL), names: [`**.${ZONE}`] }],
  })
  const report = (): ServerReport => ({
    port: server.addresses[0]?.port ?? 0,
    anchor: formatZoneAnchors([store.anchor]),
    secret: toBase64url(key.secret),
    rssMiB: process.memoryUsage().rss / 2 ** 20,
  })
  process.on('message', (order) => {
    if (order === 'report') process.send?.(report())
  })
  process.once('disconnect', () => {
    void (async () => {
      await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      process.exit(0)
    })()
  })
  process.send?.(report())
}
