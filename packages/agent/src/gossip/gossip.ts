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
import type { GossipFrame, GossipMessage } from './link.ts'
import type { LinkedNeighbour } from './linked-neighbour.ts'

/** Messages that a side remembers to know copies: 15 s of 4,000 a second, else the oldest go early. */
export const SEEN_MAX = 65_536

/** What gossip refused, dropped or counted, by reason. */
export interface GossipCounts {
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
export interface GossipHost {
  readonly clock: Clock
  readonly neighbours: ReadonlyMap<Peer, LinkedNeighbour>
  /** What separates one message from every other: covers its topic and all bytes. */
  idOf(topic: string, bytes: Uint8Array): string
  receiver(): Receiver
  /** A message that this neighbour brought was rejected. */
  blame(neighbour: LinkedNeighbour): void
  /** A message was not handed to this neighbour, since too much waits for it. */
  overfull(neighbour: LinkedNeighbour): void
}

/** Both gates, forwarding and duplicates over links of any kind. Nothing here waits but verdicts. */
export class Gossip {
  readonly counts: GossipCounts = {
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
  readonly #host: GossipHost
  readonly #subscribers = new Map<string, Set<LinkedNeighbour>>()
  /** Message id to the time when it is forgotten, the oldest first. */
  readonly #seen = new Map<string, number>()
  /** Message id to the neighbours that brought it, while its verdict is awaited. */
  readonly #judging = new Map<string, Set<LinkedNeighbour>>()

  constructor(host: GossipHost) {
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

  admitted(neighbour: LinkedNeighbour): void {
    for (const topic of neighbour.topics('announced')) this.#tell(neighbour, topic)
    const { held } = neighbour
    neighbour.held = []
    neighbour.heldBytes = 0
    for (const { frame, release } of held) {
      release?.()
      this.receive(neighbour, frame)
    }
  }

  /** The neighbour has gone. */
  left(neighbour: LinkedNeighbour): void {
    for (const topic of neighbour.topics('subscribed')) this.#forget(neighbour, topic)
  }

  allow(neighbour: LinkedNeighbour, topic: string): void {
    neighbour.set('allowed', topic)
    this.announce(neighbour, topic)
    if (neighbour.unset('held', topic)) this.#subscribed(neighbour, topic)
  }

  announce(neighbour: LinkedNeighbour, topic: string): void {
    neighbour.set('announced', topic)
    this.#tell(neighbour, topic)
  }

  disallow(neighbour: LinkedNeighbour, topic: string): void {
    this.#untell(neighbour, topic)
    neighbour.unset('allowed', topic)
    neighbour.unset('announced', topic)
    if (!neighbour.is('subscribed', topic)) return
    // Its wish stands: should the right come back, it need not subscribe again.
    if (neighbour.canHold) neighbour.set('held', topic)
    else this.counts.heldRefused += 1
    this.#unsubscribed(neighbour, topic)
  }

  subscribers(topic: string): readonly LinkedNeighbour[] {
    return [...(this.#subscribers.get(topic) ?? [])]
  }

  /** @throws TransportError `backpressure` */
  publish(topic: string, bytes: Uint8Array): number {
    // The caller may use its buffer again.
    const message: GossipMessage = { kind: 'message', topic, bytes: bytes.slice() }
    const targets = this.subscribers(topic)
    const taken = targets.filter((neighbour) => this.hand(neighbour, message)).length
    if (targets.length > 0 && taken === 0) {
      throw new TransportError(
        'backpressure',
        `Cannot publish on "${topic}": the buffers of all ${targets.length} neighbours are full`,
      )
    }
    this.#remember(this.#idOf(message))
    return taken
  }

  /** Gossip from an admitted neighbour. */
  receive(neighbour: LinkedNeighbour, frame: GossipFrame): void {
    switch (frame.kind) {
      case 'subscribe':
        return this.#wished(neighbour, frame.topic)
      case 'unsubscribe':
        neighbour.unset('held', frame.topic)
        if (neighbour.is('subscribed', frame.topic)) this.#unsubscribed(neighbour, frame.topic)
        return
      case 'message':
        return this.#arrived(neighbour, frame)
    }
  }

  /** Hands a message to a neighbour whatever it has joined; whether there was room. */
  hand(neighbour: LinkedNeighbour, message: GossipMessage): boolean {
    if (!neighbour.link.hand(message)) {
      this.counts.backpressure += 1
      this.#host.overfull(neighbour)
      return false
    }
    this.counts.messagesOut += 1
    return true
  }

  #wished(neighbour: LinkedNeighbour, topic: string): void {
    if (neighbour.is('subscribed', topic) || neighbour.is('held', topic)) return
    if (neighbour.is('allowed', topic)) {
      this.#subscribed(neighbour, topic)
    } else if (neighbour.canHold) {
      neighbour.set('held', topic)
      this.#host.receiver().subscriptionHeld(neighbour.peer, topic)
    } else {
      this.counts.heldRefused += 1
    }
  }

  #subscribed(neighbour: LinkedNeighbour, topic: string): void {
    neighbour.set('subscribed', topic)
    const subscribers = this.#subscribers.get(topic)
    if (subscribers === undefined) this.#subscribers.set(topic, new Set([neighbour]))
    else subscribers.add(neighbour)
    this.#host.receiver().subscriptionChanged(neighbour.peer, topic, true)
  }

  #unsubscribed(neighbour: LinkedNeighbour, topic: string): void {
    neighbour.unset('subscribed', topic)
    this.#forget(neighbour, topic)
    this.#host.receiver().subscriptionChanged(neighbour.peer, topic, false)
  }

  #forget(neighbour: LinkedNeighbour, topic: string): void {
    const subscribers = this.#subscribers.get(topic)
    subscribers?.delete(neighbour)
    if (subscribers?.size === 0) this.#subscribers.delete(topic)
  }

  #arrived(neighbour: LinkedNeighbour, message: GossipMessage): void {
    const { topic, bytes } = message
    // Before it can count as seen: the same bytes under another topic are another message.
    if (!this.topics.has(topic)) {
      this.counts.unjoined += 1
      return
    }
    this.counts.messagesIn += 1
    const id = this.#idOf(message)
    if (this.#wasSeen(id)) {
      this.counts.copies += 1
      this.#judging.get(id)?.add(neighbour)
      return
    }
    if (neighbour.pendingBytes + bytes.length > PENDING_VERDICT_BYTES_MAX) {
      this.counts.shed += 1
      return
    }
    // Not before: what one brings in vain, another brings still.
    this.#remember(id)
    this.#judge(neighbour, message, id)
  }

  #judge(neighbour: LinkedNeighbour, message: GossipMessage, id: string): void {
    const { clock } = this.#host
    const { topic, bytes } = message
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

  #apply(verdict: Verdict, message: GossipMessage, carriers: ReadonlySet<LinkedNeighbour>): void {
    if (verdict === 'reject') for (const neighbour of carriers) this.#host.blame(neighbour)
    if (verdict !== 'accept') return
    for (const neighbour of this.subscribers(message.topic)) {
      if (!carriers.has(neighbour)) this.hand(neighbour, message)
    }
  }

  #tell(neighbour: LinkedNeighbour, topic: string): void {
    if (!neighbour.admitted || !this.topics.has(topic)) return
    if (!neighbour.is('announced', topic) || neighbour.is('told', topic)) return
    neighbour.set('told', topic)
    neighbour.link.tell({ kind: 'subscribe', topic })
  }

  #untell(neighbour: LinkedNeighbour, topic: string): void {
    if (neighbour.unset('told', topic)) neighbour.link.tell({ kind: 'unsubscribe', topic })
  }

  #idOf(message: GossipMessage): string {
    return (message.id ??= this.#host.idOf(message.topic, message.bytes))
  }

  #wasSeen(id: string): boolean {
    return (this.#seen.get(id) ?? -Infinity) > this.#host.clock.now()
  }

  #remember(id: string): void {
    const now = this.#host.clock.now()
    for (const [old, until] of this.#seen) {
      if (until > now && this.#seen.size < SEEN_MAX) break
      this.#seen.delete(old)
    }
    this.#seen.delete(id)
    this.#seen.set(id, now + SEEN_MS)
  }
}
