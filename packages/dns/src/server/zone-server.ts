import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { Random } from '@ixj/trust'
import { DnsError, type DnsName } from '../proof.ts'
import type { TsigKey } from '../tsig.ts'
import { Cookies } from './cookies.ts'
import { newCounters, type ServerCounters } from './counters.ts'
import { HttpsListener, type HttpsOptions } from './https-listener.ts'
import { RESIGN_EVERY_MS } from './limits.ts'
import { Notifier, type Secondary } from './notifier.ts'
import { PacketHandler } from './packet-handler.ts'
import { RateLimiter } from './rate-limiter.ts'
import { type TcpLimits, TcpListener } from './tcp-listener.ts'
import { UdpListener } from './udp-listener.ts'
import { rightsByKey, type UpdatePolicy } from './update-policy.ts'
import type { ZoneStore } from './zone-store.ts'

/** An address and a port; the same port over UDP and TCP. */
export interface Endpoint {
  /** An IP address. */
  readonly address: string
  /** 0: a free one. */
  readonly port: number
}

/** Limits that a server may have otherwise. */
export interface ServerLimits extends TcpLimits {
  /** Answers a second to one network over UDP. */
  readonly ratePerSecond?: number
  readonly rateBurst?: number
}

/** A server to be. */
export interface ZoneServerOptions {
  /** Open zones; whoever opened them disposes of them, after the server. */
  readonly zones: readonly ZoneStore[]
  readonly listen: readonly Endpoint[]
  /** Keys of those who update or copy zones. */
  readonly keys?: readonly TsigKey[]
  /** What each key may change; a key without a policy may change nothing. */
  readonly policies?: readonly UpdatePolicy[]
  /**
   * Names of the keys that may copy every zone whole. A key that may change the SOA of a zone may
   * copy that one without standing here.
   */
  readonly transferKeys?: readonly DnsName[]
  /** Servers that are told of every change. */
  readonly secondaries?: readonly Secondary[]
  readonly https?: HttpsOptions
  /** Rate limits and cookies; default: for addresses that are not loopback. */
  readonly guarded?: boolean
  readonly limits?: ServerLimits
  /** ms since the Unix epoch; default: the system's clock. */
  readonly now?: () => number
  readonly random?: Random
  /** Lines about bugs; default: none. */
  readonly log?: (line: string) => void
}

/** A running server; disposing closes its sockets. */
export interface ZoneServer extends AsyncDisposable {
  /** Where it listens, with the ports that were taken. */
  readonly addresses: readonly Endpoint[]
  readonly https: Endpoint | undefined
  readonly counters: ServerCounters
  /** A zone that it answers for. @throws DnsError `absent` */
  zone(name: DnsName): ZoneStore
}

/** Ports that were free over TCP and taken over UDP, in a row, before it gives up. */
const PORT_TRIES_MAX = 16

/**
 * Opens an authoritative server for zones (UDP, TCP, and HTTPS if wanted).
 * @throws DnsError `argument`, `unreachable` if an address or port cannot be had
 */
export async function openZoneServer(options: ZoneServerOptions): Promise<ZoneServer> {
  const { now = Date.now, random = randomBytes, log = () => undefined, limits = {} } = options
  const zones = new Map(options.zones.map((store) => [store.zone, store]))
  if (zones.size < options.zones.length) {
    throw new DnsError('argument', 'Cannot open server: two of its zones have one name')
  }
  const counters = newCounters()
  const handler = new PacketHandler({
    zones,
    keys: options.keys ?? [],
    rights: rightsByKey(options.policies ?? []),
    transferKeys: new Set(options.transferKeys ?? []),
    counters,
    limiter: new RateLimiter({
      random,
      ...(limits.ratePerSecond === undefined ? {} : { perSecond: limits.ratePerSecond }),
      ...(limits.rateBurst === undefined ? {} : { burst: limits.rateBurst }),
    }),
    cookies: new Cookies(random),
    now,
    log,
  })
  await using opening = new AsyncDisposableStack()
  const shared = { handler, counters, limits, guarded: options.guarded }
  const addresses: Endpoint[] = []
  for (const endpoint of options.listen) addresses.push(await listen(opening, endpoint, shared))
  const https = await listenHttps(opening, options.https, shared)
  for (const store of zones.values()) {
    for (const secondary of options.secondaries ?? []) {
      opening.use(new Notifier(store, { secondary, now, random }))
    }
    if (options.transferKeys !== undefined) keepSigned(opening, store, log)
  }
  const closing = opening.move()
  return {
    addresses,
    https,
    counters,
    zone: (name) => {
      const store = zones.get(name)
      if (store === undefined) throw new DnsError('absent', `Cannot find zone ${name} here`)
      return store
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

interface Shared {
  readonly handler: PacketHandler
  readonly counters: ServerCounters
  readonly limits: ServerLimits
  readonly guarded: boolean | undefined
}

/** UDP and TCP on one port. */
async function listen(
  opening: AsyncDisposableStack,
  { address, port }: Endpoint,
  { handler, counters, limits, guarded = !isLoopback(address) }: Shared,
): Promise<Endpoint> {
  if (isIP(address) === 0) {
    throw new DnsError('argument', `Cannot listen on ${JSON.stringify(address)}: no IP address`)
  }
  for (let tries = 1; ; tries++) {
    const where = { address, port, handler, guarded }
    const tcp = await TcpListener.open({ ...where, ...limits, counters }).catch((cause: unknown) =>
      refuse(where, cause),
    )
    try {
      opening.use(await UdpListener.open({ ...where, port: tcp.port }))
      opening.use(tcp)
      return { address, port: tcp.port }
    } catch (cause) {
      await tcp[Symbol.asyncDispose]()
      // A port that is free over TCP may be taken over UDP.
      if (port !== 0 || tries >= PORT_TRIES_MAX) refuse(where, cause)
    }
  }
}

async function listenHttps(
  opening: AsyncDisposableStack,
  https: HttpsOptions | undefined,
  { handler, counters, guarded }: Shared,
): Promise<Endpoint | undefined> {
  if (https === undefined) return undefined
  const isPlain = https.key === undefined || https.certificate === undefined
  if (isPlain && !isLoopback(https.address)) {
    throw new DnsError('argument', `Cannot listen on ${https.address} without key and certificate`)
  }
  const listener = await HttpsListener.open({
    ...https,
    handler,
    counters,
    guarded: guarded ?? !isLoopback(https.address),
  }).catch((cause: unknown) => refuse(https, cause))
  opening.use(listener)
  return { address: https.address, port: listener.port }
}

/** Copies of the zone must not run out of time: their serial moves before their signatures end. */
function keepSigned(opening: AsyncDisposableStack, store: ZoneStore, log: (line: string) => void) {
  const everyMs = Math.min(RESIGN_EVERY_MS, store.signer.aheadMs / 3)
  const timer = setInterval(() => {
    store.touch().catch((cause: unknown) => {
      log(`Cannot sign ${store.zone} anew: ${cause instanceof Error ? cause.message : 'unknown'}`)
    })
  }, everyMs)
  timer.unref()
  opening.defer(() => clearInterval(timer))
}

/** Whether only this machine can send from an address. */
function isLoopback(address: string): boolean {
  return address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)
}

function refuse({ address, port }: Endpoint, cause: unknown): never {
  if (cause instanceof DnsError || !(cause instanceof Error)) throw cause
  const why = (cause as NodeJS.ErrnoException).code ?? cause.message
  throw new DnsError('unreachable', `Cannot listen on ${address} port ${port}: ${why}`, { cause })
}
