import { gossipIdOf, toHex, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import {
  type Peer,
  PENDING_VERDICT_BYTES_MAX,
  type Receiver,
  SEEN_MS,
  TransportError,
  VERDICT_MS_MAX,
  type Verdict,
} from '../transport.ts'
import { cutOf } from './cut.ts'
import { SOCKET_REJECTED_MAX, SOCKET_SEEN_MAX } from './limits.ts'
import { encodeSocketFrame } from './socket-frames.ts'
import type { GossipFrame } from './socket-link.ts'
import type { SocketNeighbour } from './socket-neighbour.ts'

/** What gossip on sockets refused, dropped or counted, by reason. */
export interface SocketCounts {
  /** Messages that were handed to a neighbour. */
  messagesOut: number
  /** Messages that came on a topic that was joined, copies included. */
  messagesIn: number
  /** Copies of messages that came before. */
  copies: number
  /** Messages on topics that this side had not joined. */
  unjoined: number
  /** Subscriptions past what is held for a peer. */
  heldRefused: number
  /** Messages that found too many others waiting for a verdict. */
  shed: number
  /** Verdicts that came too late. */
  verdictLate: number
  /** Receivers that threw: a bug. */
  verdictFailed: number
  /** Messages that a neighbour was not handed, since too much waits for it. */
  backpressure: number
}

/** What gossip needs of the transport that it runs in. */
export interface SocketGossipHost {
  readonly clock: Clock
  readonly hash: Sha256
  readonly neighbours: ReadonlyMap<Peer, SocketNeighbour>
  /** Whether who does not read is cut (a relay's door), or waited for (a page). */
  readonly cutsBacklog: boolean
  receiver(): Receiver
}

interface Message {
  /** Covers topic and bytes, so that neither can stand for another. */
  readonly id: string
  readonly topic: string
  readonly bytes: Uint8Array
  /** Encoded once for all neighbours. */
  frame?: Uint8Array
}

/** Both gates, forwarding and duplicates on sockets, as on every transport. */
export class SocketGossip {
  readonly counts: SocketCounts = {
    messagesOut: 0,
    messagesIn: 0,
    copies: 0,
    unjoined: 0,
    heldRefused: 0,
    shed: 0,
    verdictLate: 0,
    verdictFailed: 0,
    backpressure: 0,
  }
  readonly topics = new Set<string>()
  readonly #host: SocketGossipHost
  /** Message id to the time when it is forgotten, the oldest first. */
  readonly #seen = new Map<string, number>()
  /** Message id to the neighbours that brought it, while its verdict is awaited. */
  readonly #judging = new Map<string, Set<SocketNeighbour>>()

  constructor(host: SocketGossipHost) {
    this.#host = host
  }

  subscribe(topic: string): void {
    this.topics.add(topic)
    for (const neighbour of this.#host.neighbours.values()) this.#tell(neighbour, topic)
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic)
    for (const neighbour of this.#host.neighbours.values()) this.#untell(neighbour, topic)
  }

  admitted(neighbour: SocketNeighbour): void {
    for (const topic of neighbour.announced) this.#tell(neighbour, topic)
    neighbour.heldBytes = 0
    for (const { frame } of neighbour.heldGossip.splice(0)) this.receive(neighbour, frame)
  }

  allow(neighbour: SocketNeighbour, topic: string): void {
    neighbour.allowed.add(topic)
    this.announce(neighbour, topic)
    if (!neighbour.heldSubscriptions.delete(topic)) return
    neighbour.subscribed.add(topic)
    this.#host.receiver().subscriptionChanged(neighbour.peer, topic, true)
  }

  announce(neighbour: SocketNeighbour, topic: string): void {
    neighbour.announced.add(topic)
    this.#tell(neighbour, topic)
  }

  disallow(neighbour: SocketNeighbour, topic: string): void {
    this.#untell(neighbour, topic)
    neighbour.allowed.delete(topic)
    neighbour.announced.delete(topic)
    if (!neighbour.subscribed.delete(topic)) return
    // Its wish stands: should the right come back, it need not subscribe again.
    if (neighbour.canHold) neighbour.heldSubscriptions.add(topic)
    else this.counts.heldRefused += 1
    this.#host.receiver().subscriptionChanged(neighbour.peer, topic, false)
  }

  subscribers(topic: string): readonly SocketNeighbour[] {
    return [...this.#host.neighbours.values()].filter(
      (neighbour) => neighbour.admitted && neighbour.subscribed.has(topic),
    )
  }

  /** @throws TransportError `backpressure` */
  publish(topic: string, bytes: Uint8Array): number {
    const message: Message = { id: this.#idOf(topic, bytes), topic, bytes }
    const targets = this.subscribers(topic)
    const taken = targets.filter((neighbour) => this.#hand(neighbour, message)).length
    if (targets.length > 0 && taken === 0) {
      throw new TransportError(
        'backpressure',
        `Cannot publish on "${topic}": the buffers of all ${targets.length} neighbours are full`,
      )
    }
    this.#remember(message.id)
    return taken
  }

  /** Gossip from an admitted neighbour. */
  receive(neighbour: SocketNeighbour, frame: GossipFrame): void {
    switch (frame.kind) {
      case 'subscribe':
        return this.#subscribed(neighbour, frame.topic)
      case 'unsubscribe':
        neighbour.heldSubscriptions.delete(frame.topic)
        if (neighbour.subscribed.delete(frame.topic)) {
          this.#host.receiver().subscriptionChanged(neighbour.peer, frame.topic, false)
        }
        return
      case 'message':
        return this.#message(neighbour, frame.topic, frame.bytes)
    }
  }

  #subscribed(neighbour: SocketNeighbour, topic: string): void {
    if (neighbour.subscribed.has(topic) || neighbour.heldSubscriptions.has(topic)) return
    if (neighbour.allowed.has(topic)) {
      neighbour.subscribed.add(topic)
      this.#host.receiver().subscriptionChanged(neighbour.peer, topic, true)
    } else if (neighbour.canHold) {
      neighbour.heldSubscriptions.add(topic)
      this.#host.receiver().subscriptionHeld(neighbour.peer, topic)
    } else {
      this.counts.heldRefused += 1
    }
  }

  #message(neighbour: SocketNeighbour, topic: string, bytes: Uint8Array): void {
    // Before it can count as seen: the same bytes under another topic are another message.
    if (!this.topics.has(topic)) {
      this.counts.unjoined += 1
      return
    }
    this.counts.messagesIn += 1
    const message: Message = { id: this.#idOf(topic, bytes), topic, bytes }
    if (this.#wasSeen(message.id)) {
      this.counts.copies += 1
      this.#judging.get(message.id)?.add(neighbour)
      return
    }
    if (neighbour.pendingBytes + bytes.length > PENDING_VERDICT_BYTES_MAX) {
      this.counts.shed += 1
      return
    }
    // Not before: what one brings in vain, another brings still.
    this.#remember(message.id)
    this.#judge(neighbour, message)
  }

  #judge(neighbour: SocketNeighbour, message: Message): void {
    const { clock } = this.#host
    const { id, topic, bytes } = message
    neighbour.pendingBytes += bytes.length
    this.#judging.set(id, new Set([neighbour]))
    let open = true
    const settle = (verdict: Verdict): void => {
      if (!open) return
      open = false
      cancel()
      neighbour.pendingBytes -= bytes.length
      const carriers = this.#judging.get(id) ?? new Set()
      this.#judging.delete(id)
      this.#apply(verdict, message, carriers)
    }
    const cancel = clock.at(clock.now() + VERDICT_MS_MAX, () => {
      this.counts.verdictLate += 1
      settle('ignore')
    })
    // A receiver that fails is a bug of ours: the neighbour must not pay for it.
    const failed = (): void => {
      this.counts.verdictFailed += 1
      settle('ignore')
    }
    this.#host.receiver().message(topic, bytes, neighbour.peer).then(settle, failed)
  }

  #apply(verdict: Verdict, message: Message, carriers: ReadonlySet<SocketNeighbour>): void {
    if (verdict === 'reject') for (const neighbour of carriers) this.#blame(neighbour)
    if (verdict !== 'accept') return
    for (const neighbour of this.subscribers(message.topic)) {
      if (!carriers.has(neighbour)) this.#hand(neighbour, message)
    }
  }

  #blame(neighbour: SocketNeighbour): void {
    neighbour.rejected += 1
    if (neighbour.rejected <= SOCKET_REJECTED_MAX) return
    neighbour.link.end(cutOf('blamed', `${neighbour.rejected} messages were rejected`))
  }

  #hand(neighbour: SocketNeighbour, message: Message): boolean {
    const { link } = neighbour
    if (!link.hasRoom(message.bytes.length)) {
      this.counts.backpressure += 1
      if (this.#host.cutsBacklog) link.end(cutOf('backlog', `${link.waitingBytes} bytes wait`))
      return false
    }
    const { topic, bytes } = message
    link.sendBytes((message.frame ??= encodeSocketFrame({ kind: 'message', topic, bytes })))
    this.counts.messagesOut += 1
    return true
  }

  #tell(neighbour: SocketNeighbour, topic: string): void {
    if (!neighbour.admitted || !neighbour.announced.has(topic) || !this.topics.has(topic)) return
    if (neighbour.told.has(topic)) return
    neighbour.told.add(topic)
    neighbour.link.send({ kind: 'subscribe', topic })
  }

  #untell(neighbour: SocketNeighbour, topic: string): void {
    if (neighbour.told.delete(topic)) neighbour.link.send({ kind: 'unsubscribe', topic })
  }

  #idOf(topic: string, bytes: Uint8Array): string {
    return toHex(gossipIdOf(topic, bytes, this.#host.hash))
  }

  #wasSeen(id: string): boolean {
    return (this.#seen.get(id) ?? -Infinity) > this.#host.clock.now()
  }

  #remember(id: string): void {
    const now = this.#host.clock.now()
    for (const [old, until] of this.#seen) {
      if (until > now && this.#seen.size < SOCKET_SEEN_MAX) break
      this.#seen.delete(old)
    }
    this.#seen.delete(id)
    this.#seen.set(id, now + SEEN_MS)
  }
}
