import {
  CARRY_PROTOCOL,
  cutOf,
  type LoginIdentity,
  RELAY_SUBPROTOCOL,
  relayPeer,
  SOCKET_FRAME_BYTES_MAX,
  SocketTransport,
} from '@ixj/agent/relay'
import type { Sha256 } from '@ixj/trust'
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { MESH_PROTOCOLS_DEFAULT } from '../mesh.ts'
import { addressGroup, Addresses } from './addresses.ts'
import {
  type DoorCounts,
  type DoorLoad,
  newCounts,
  REFUSALS,
  type RefusalReason,
} from './counts.ts'
import { DoorSocket, type DoorSocketHooks } from './door-socket.ts'
import {
  DOOR_CHUNKS_MAX,
  DOOR_FRAGMENTS_MAX,
  DOOR_LIMITS,
  DOOR_RELOOK_MS,
  DOOR_STALL_MS,
  DOOR_SWEEP_MS,
  type DoorLimits,
} from './limits.ts'

const DOOR_PROTOCOLS = [...MESH_PROTOCOLS_DEFAULT, CARRY_PROTOCOL]

/** What an operator decides about a door. */
export interface DoorSettings {
  /**
   * Origins whose pages may log in, such as `https://acme.example`; `*` is any, and `none` is who
   * sends no origin: such clients are no browsers.
   */
  readonly origins: readonly string[]
  /** Where they differ from {@link DOOR_LIMITS}. */
  readonly limits?: Partial<DoorLimits>
  /** Who is charged for a socket; default: the address of its connection. For use behind proxies. */
  readonly addressOf?: (request: IncomingMessage) => string
}

/** How a door is opened. */
export interface DoorOptions extends DoorSettings, LoginIdentity {
  readonly hash: Sha256
  /** The closed list of channels that pages may open; default: a node's, and that of carrying. */
  readonly protocols?: readonly string[]
}

/**
 * Where pages come in by WebSocket. Before login it gives away the node's name and peer; after login
 * each page is a neighbour, and hello comes as on every connection.
 */
export class Door implements AsyncDisposable {
  /** Pages as neighbours; joined with the node's mesh it is the node's transport. */
  readonly transport: SocketTransport
  /** What was done so far. */
  readonly counts: DoorCounts = newCounts()
  readonly limits: DoorLimits
  readonly #options: DoorOptions
  readonly #server: WebSocketServer
  readonly #hooks: DoorSocketHooks
  readonly #sockets = new Set<DoorSocket>()
  /** Those of them that hello has not admitted, and some that it has since. */
  readonly #entering = new Set<DoorSocket>()
  readonly #addresses = new Addresses()
  #cancelSweep: () => void
  #emptied: PromiseWithResolvers<void> | undefined
  #draining = false

  /** Use {@link openDoor}. */
  constructor(options: DoorOptions) {
    this.#options = options
    const limits = { ...DOOR_LIMITS, ...options.limits }
    this.limits = limits
    const { signer, clock, hash, protocols = DOOR_PROTOCOLS } = options
    this.transport = new SocketTransport({
      peer: relayPeer(signer.publicKey),
      clock,
      hash,
      protocols,
      waitingBytesMax: limits.waitingBytesMax,
      cutsBacklog: true,
      carriedGroupsMax: limits.carriedGroupsMax,
    })
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: SOCKET_FRAME_BYTES_MAX,
      maxFragments: DOOR_FRAGMENTS_MAX,
      maxBufferedChunks: DOOR_CHUNKS_MAX,
      handleProtocols: () => RELAY_SUBPROTOCOL,
    })
    this.#hooks = {
      limits,
      clock,
      counts: this.counts,
      identity: options,
      join: (page, port) => this.transport.join(page, port, false),
      ended: (socket) => this.#ended(socket),
    }
    this.#cancelSweep = this.#sweepAt(clock.now() + DOOR_SWEEP_MS)
  }

  /** How full it is. */
  get load(): DoorLoad {
    let waitingBytes = 0
    for (const socket of this.#sockets) waitingBytes += socket.waitingBytes
    return {
      sockets: this.#sockets.size,
      loggedIn: this.transport.size,
      entering: this.#stillEntering().length,
      addresses: this.#addresses.size,
      waitingBytes,
    }
  }

  /**
   * Takes an HTTP request that asks for a WebSocket, or refuses it with a status and a sentence. An
   * HTTP server calls it from its `upgrade` event; it is opened with `DOOR_SERVER_OPTIONS`.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { origin = 'none' } = request.headers
    const group = addressGroup(this.#addressOf(request))
    const refusal = this.#refusal(request, origin) ?? this.#charge(group)
    if (refusal !== undefined) {
      this.#refuse(socket, refusal)
      return
    }
    // A connection that ends, or a request that ws refuses, before it has become a socket.
    const cancel = () => this.#addresses.leave(group)
    socket.once('close', cancel)
    this.#server.handleUpgrade(request, socket, head, (upgraded) => {
      socket.off('close', cancel)
      this.counts.sockets += 1
      const { name: relay, random } = this.#options
      const challenge = { nonce: random(32), relay, peer: this.transport.peer }
      const of = { stream: socket, group, origin, challenge }
      const entering = new DoorSocket(upgraded, of, this.#hooks)
      this.#sockets.add(entering)
      this.#entering.add(entering)
    })
  }

  /**
   * Takes no more sockets, and tells those that are here to use their other relay. Resolves when
   * all have left, at the latest after the time of a closing handshake.
   */
  async drain(): Promise<void> {
    this.#draining = true
    for (const socket of this.#sockets) socket.end(cutOf('draining'))
    if (this.#sockets.size === 0) return
    const { clock } = this.#options
    this.#emptied ??= Promise.withResolvers<void>()
    const cancel = clock.at(clock.now() + this.limits.closeMs, () => {
      for (const socket of this.#sockets) socket.terminate()
    })
    await this.#emptied.promise
    cancel()
  }

  /** Drains, and ends what is left. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelSweep()
    await this.drain()
    await this.transport[Symbol.asyncDispose]()
    this.#server.close()
  }

  #addressOf(request: IncomingMessage): string {
    return this.#options.addressOf?.(request) ?? request.socket.remoteAddress ?? 'unknown'
  }

  #refusal(request: IncomingMessage, origin: string): RefusalReason | undefined {
    if (this.#draining) return 'draining'
    const { origins } = this.#options
    if (!origins.includes('*') && !origins.includes(origin)) return 'origin'
    const offered = request.headers['sec-websocket-protocol']?.split(',') ?? []
    if (!offered.some((each) => each.trim() === RELAY_SUBPROTOCOL)) return 'subprotocol'
    return this.#sockets.size >= this.limits.socketsMax ? 'full' : undefined
  }

  /** Whether there is a place to log in: who has most of them gives one up for another. */
  #makeRoom(group: string): boolean {
    const { enteringMax } = this.limits
    if (this.#entering.size < enteringMax) return true
    const entering = this.#stillEntering()
    if (entering.length < enteringMax) return true
    const ofGroups = Map.groupBy(entering, (socket) => socket.group)
    const [oldest, ...others] = [...ofGroups.values()].reduce((most, sockets) =>
      sockets.length > most.length ? sockets : most,
    )
    const own = ofGroups.get(group)?.length ?? 0
    // Among equals who came first stays: else a crowd that comes back would only push each other out.
    if (oldest === undefined || others.length <= own) return false
    oldest.end(cutOf('crowded'))
    this.#entering.delete(oldest)
    return true
  }

  /** In the order in which they came. */
  #stillEntering(): readonly DoorSocket[] {
    for (const socket of this.#entering) if (socket.isAdmitted) this.#entering.delete(socket)
    return [...this.#entering]
  }

  #charge(group: string): RefusalReason | undefined {
    const refusal = this.#addresses.take(group, this.limits, this.#options.clock.now())
    if (refusal !== undefined) return refusal
    if (this.#makeRoom(group)) return undefined
    this.#addresses.leave(group)
    return 'crowded'
  }

  #refuse(socket: Duplex, reason: RefusalReason): void {
    this.counts.refused[reason] += 1
    const [status, text] = REFUSALS[reason]
    const body = `${text}\n`
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: text/plain',
      `Content-Length: ${body.length}`,
    ]
    // It may end while it is told; there is nothing more to do for it then.
    socket.on('error', () => socket.destroy())
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  }

  #ended(socket: DoorSocket): void {
    if (!this.#sockets.delete(socket)) return
    this.#entering.delete(socket)
    this.#addresses.leave(socket.group)
    if (this.#sockets.size === 0) this.#emptied?.resolve()
  }

  #sweepAt(due: number, mayExcuse = true): () => void {
    const { clock } = this.#options
    return clock.at(due, () => {
      const now = clock.now()
      const lateMs = now - due
      if (mayExcuse && lateMs >= DOOR_STALL_MS) {
        this.counts.stalls += 1
        for (const socket of this.#sockets) socket.excuse(lateMs, now)
        this.#cancelSweep = this.#sweepAt(now + DOOR_RELOOK_MS, false)
        return
      }
      for (const socket of this.#sockets) socket.sweep(now)
      this.#addresses.sweep(now)
      this.#cutFattest()
      this.#cancelSweep = this.#sweepAt(now + DOOR_SWEEP_MS)
    })
  }

  /** Together they may have less than the sum of what each may: those with the most pay. */
  #cutFattest(): void {
    let waiting = this.load.waitingBytes
    const limit = this.limits.waitingBytesAllMax
    if (waiting <= limit) return
    const fattest = [...this.#sockets].toSorted(
      (left, right) => right.waitingBytes - left.waitingBytes,
    )
    for (const socket of fattest) {
      if (waiting <= limit) return
      waiting -= socket.waitingBytes
      socket.end(cutOf('backlog', `${limit} bytes wait for all together`))
    }
  }
}

/** Opens a door; sockets are handed in by {@link Door.handleUpgrade}. */
export function openDoor(options: DoorOptions): Door {
  return new Door(options)
}
