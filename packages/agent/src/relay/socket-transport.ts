import { gossipIdOf, toHex, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { LinkedNeighbour } from '../gossip/linked-neighbour.ts'
import { LinkedTransport } from '../gossip/linked-transport.ts'
import { HELLO_PROTOCOL, OUTBOUND_BYTES_MAX, type Peer } from '../transport.ts'
import type { LoggedIn } from './login.ts'
import { CARRIED_GROUPS_MAX, SOCKET_HELD_BYTES_MAX, SOCKET_REJECTED_MAX } from './limits.ts'
import { type LinkHooks, SocketLink, type SocketPort } from './socket-link.ts'

/** How a transport over sockets is opened. */
export interface SocketTransportOptions {
  readonly peer: Peer
  readonly clock: Clock
  readonly hash: Sha256
  /** The closed list of channels that may be opened to us. */
  readonly protocols: readonly string[]
  /** A socket that is not admitted within this is cut; default `ADMISSION_MS_MAX`. */
  readonly admissionMs?: number
  /** Bytes that may wait for one neighbour; default {@link OUTBOUND_BYTES_MAX}. */
  readonly waitingBytesMax?: number
  /** Whether a neighbour for which more waits is cut, as a relay does; default: it is waited for. */
  readonly cutsBacklog?: boolean
  /** Groups that are carried for all neighbours together; default {@link CARRIED_GROUPS_MAX}. */
  readonly carriedGroupsMax?: number
}

/** What a socket is handed over as after login. */
export interface SocketSession {
  /** One binary frame has arrived. */
  receive(frame: Uint8Array): void
  /** Whether hello has admitted it. */
  readonly isAdmitted: boolean
  /** The socket has ended, whoever ended it. */
  ended(): void
}

/** A transport whose neighbours are WebSockets that have logged in: of a page, or of a relay's door. */
export class SocketTransport extends LinkedTransport<SocketLink> {
  readonly carriedGroupsMax: number
  readonly #hooks: LinkHooks

  constructor(options: SocketTransportOptions) {
    const { hash, clock, protocols, waitingBytesMax = OUTBOUND_BYTES_MAX } = options
    super({
      ...options,
      idOf: (topic, bytes) => toHex(gossipIdOf(topic, bytes, hash)),
      heldBytesMax: SOCKET_HELD_BYTES_MAX,
      rejectedMax: SOCKET_REJECTED_MAX,
    })
    this.carriedGroupsMax = options.carriedGroupsMax ?? CARRIED_GROUPS_MAX
    this.#hooks = {
      clock,
      waitingBytesMax,
      gossip: (link, frame, bytes) => {
        const neighbour = this.#of(link)
        if (neighbour !== undefined) this.heard(neighbour, frame, { bytes })
      },
      takes: (link, protocol) =>
        protocols.includes(protocol) &&
        (this.#of(link)?.admitted === true || protocol === HELLO_PROTOCOL),
      channel: (link, protocol, channel) => this.owner().channel(link.peer, protocol, channel),
    }
  }

  /** Sockets that have logged in. */
  get size(): number {
    return this.neighbours.size
  }

  /** What the login of this peer's socket proved. */
  proved(peer: Peer): LoggedIn | undefined {
    return this.neighbours.get(peer)?.link.login
  }

  /** Who pays for what this peer takes: its address, where its socket has one. */
  payer(peer: Peer): string {
    return this.neighbours.get(peer)?.link.payer ?? peer
  }

  /** Whether a socket of this peer stands. */
  has(peer: Peer): boolean {
    return this.neighbours.has(peer)
  }

  /**
   * A socket has logged in. One that its peer had before ends: its key was proved anew, so
   * it is the same side, which may have lost the old one without our knowing.
   * @throws TransportError `closed`
   */
  join(login: LoggedIn, port: SocketPort, called: boolean): SocketSession {
    this.throwIfClosed()
    const link = new SocketLink(port, { login, called }, this.#hooks)
    return new Session(this, this.meet(login.peer, link, called))
  }

  #of(link: SocketLink): LinkedNeighbour<SocketLink> | undefined {
    const neighbour = this.neighbours.get(link.peer)
    return neighbour?.link === link ? neighbour : undefined
  }
}

class Session implements SocketSession {
  readonly #transport: SocketTransport
  readonly #neighbour: LinkedNeighbour<SocketLink>

  constructor(transport: SocketTransport, neighbour: LinkedNeighbour<SocketLink>) {
    this.#transport = transport
    this.#neighbour = neighbour
  }

  get isAdmitted(): boolean {
    return this.#neighbour.admitted
  }

  receive(frame: Uint8Array): void {
    this.#neighbour.link.receive(frame)
  }

  ended(): void {
    this.#transport.left(this.#neighbour)
  }
}
