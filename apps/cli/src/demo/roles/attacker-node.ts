import { openHost, type Host, type Transport } from '@ixj/agent'
import type { Name } from '@ixj/names'
import {
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  openNodeVerifier,
  openHome,
  openMesh,
  openNodeDns,
  systemClock,
  type Mesh,
} from '@ixj/node'
import { homeOf } from '../setup.ts'
import { readUpstreams } from '../zones.ts'

/** How long the zones' servers may take to be up. */
const DNS_MS = 20_000

/** A node with its own mesh, whose traffic its owner can see and forge. */
export interface OpenNode extends AsyncDisposable {
  readonly host: Host
  readonly mesh: Mesh
  /** What came in as messages, with when. */
  readonly seen: SeenMessage[]
  /** Waits for a message to come in that is wanted. @throws the signal's reason */
  until(wanted: (message: SeenMessage) => boolean, signal: AbortSignal): Promise<void>
}

/** What came in, before anything was decided about it. */
export interface SeenMessage {
  readonly topic: string
  readonly bytes: Uint8Array
  /** Ms since the Unix epoch. */
  readonly at: number
}

/** A node opened part by part, so that its messages can be seen before anything is decided. */
export async function openAttacker(mesh: string, role: string, name: Name): Promise<OpenNode> {
  const home = await openHome(homeOf(mesh, role))
  const anchors = await home.readAnchors()
  const upstreams = await readUpstreams(mesh, AbortSignal.timeout(DNS_MS))
  const settings = { upstreams, dialPrivate: true }
  const dns = await openNodeDns({ anchors, settings, home, clock: systemClock })
  const transport = await openMesh({ listen: [] })
  const seen: SeenMessage[] = []
  const waiting = new Set<(message: SeenMessage) => void>()
  const see = (message: SeenMessage) => {
    seen.push(message)
    for (const look of waiting) look(message)
  }
  const host = await openHost({
    identity: await home.readIdentity(name),
    anchors,
    ...(dns.zoneKeys === undefined ? {} : { zoneKeys: dns.zoneKeys }),
    transport: listening(transport, (topic, bytes) => see({ topic, bytes, at: Date.now() })),
    clock: systemClock,
    random: nodeRandom,
    verifier: openNodeVerifier(),
    generateKey: generateNodeKey,
    store: home.store(),
    hash: nodeSha256,
  })
  return {
    host,
    mesh: transport,
    seen,
    until: (wanted, signal) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void) => {
          waiting.delete(look)
          signal.removeEventListener('abort', abort)
          settle()
        }
        const look = (message: SeenMessage) => {
          if (wanted(message)) end(resolve)
        }
        const abort = () => end(() => reject(signal.reason as Error))
        waiting.add(look)
        signal.addEventListener('abort', abort, { once: true })
      }),
    [Symbol.asyncDispose]: async () => {
      await host[Symbol.asyncDispose]()
      await dns[Symbol.asyncDispose]()
    },
  }
}

/** The mesh itself, with an ear at what it hands to its owner. */
function listening(mesh: Mesh, hear: (topic: string, bytes: Uint8Array) => void): Transport {
  return new Proxy<Transport>(mesh, {
    get(target, key) {
      if (key === 'attach') {
        return (receiver: Parameters<Transport['attach']>[0]) =>
          target.attach(
            new Proxy(receiver, {
              get(owner, property) {
                if (property === 'message') {
                  return async (...message: Parameters<typeof owner.message>) => {
                    hear(message[0], message[1])
                    return await owner.message(...message)
                  }
                }
                const value: unknown = Reflect.get(owner, property, owner)
                return typeof value === 'function' ? value.bind(owner) : value
              },
            }),
          )
      }
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
