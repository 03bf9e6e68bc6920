import type { Name } from '@ixj/names'
import { formatKeyRecord, parseDnsName, ZoneForwarder } from '../../src/index.ts'
import { type MadeZone, makeZone, serveZones } from './made-zone.ts'

/** A zone with an organisation's key in it, and who answers for it as a relay does. */
export interface KeyZone extends AsyncDisposable {
  readonly made: MadeZone
  readonly port: number
  readonly forwarder: ZoneForwarder
}

/** Serves a zone on a port of loopback. */
export async function openKeyZone(name: Name, key: Uint8Array): Promise<KeyZone> {
  await using opening = new AsyncDisposableStack()
  const record = formatKeyRecord({
    key,
    uses: 'both',
    depth: 4,
    strict: false,
    notBefore: 0,
    encryptionKey: null,
    next: null,
    hosts: [],
  })
  const made = opening.use(await makeZone(name, `_ixjkey 300 TXT "${record}"`))
  const { port } = opening.use(await serveZones([made.store]))
  const server = { address: '127.0.0.1', port }
  const forwarder = opening.use(new ZoneForwarder([{ zone: parseDnsName(name), server }]))
  const opened = opening.move()
  return { made, port, forwarder, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
