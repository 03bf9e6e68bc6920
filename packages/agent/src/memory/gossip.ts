import {
  MESSAGE_BYTES_MAX,
  type Peer,
  PENDING_VERDICT_BYTES_MAX,
  type Receiver,
  SEEN_MS,
  TransportError,
  VERDICT_MS_MAX,
  type Verdict,
} from '../transport.ts'
import type { MemoryConditions } from './link.ts'
import type { MemoryMessage, MemoryRpc, Neighbour } from './neighbour.ts'

/** Messages that a node remembers at most; past that it forgets the oldest early. */
export const MEMORY_SEEN_MAX = 65_536

/** A message that comes twice comes again within this: past {@link SEEN_MS} it is read again. */
const REPEAT_MS_MAX = 2 * SEEN_MS

/** What a node refused or threw away, by reason. */
export interface MemoryCounts {
  /** Messages on topics that this node had not joined. */
  unjoined: number
  /** Subscriptions past what is held for a peer. */
  heldRefused: number
  /** Messages that found too many others waiting for a verdict. */
  shed: number
  /** Verdicts that came too late. */
  verdictLate: number
  /** Receivers that threw: a bug. */
  verdictFailed: number
  /** Messages lost on the way here, as the network's `loss` asks for. */
  lost: number
  /** Messages that came twice, as its `repeats` asks for. */
  repeated: number
}

/** What gossip needs of the node that it runs in. */
export interface MemoryGossipHost {
  readonly peer: Peer
  readonly conditions: MemoryConditions
  readonly neighbours: ReadonlyMap<Peer, Neighbour>
  receiver(): Receiver
}

/** Both gates, forwarding and duplicates of one node in memory. Nothing here waits but verdicts. */
export class MemoryGossip {
  readonly counts: MemoryCounts = {
    unjoined: 0,
    heldRefused: 0,
    shed: 0,
    verdictLate: 0,
    verdictFailed: 0,
    lost: 0,
    repeated: 0,
  }
  readonly topics = new Set<string>()
  readonly #host: MemoryGossipHost
  readonly #blame = new Map<Peer, number>()
  /** Message id to the time when it is forgotten, the oldest first. */
  readonly #seen = new Map<string, number>()
  /** Message id to the neighbours that brought it, while its verdict is awaited. */
  readonly #judging = new Map<string, Set<Peer>>()

  constructor(host: MemoryGossipHost) {
    this.#host = host
  }

  blame(peer: Peer): number {
    return this.#blame.get(peer) ?? 0
  }

  subscribe(topic: string): void {
    this.topics.add(topic)
    for (const neighbour of this.#host.neighbours.values()) this.#tell(neighbour, topic)
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic)
    for (const neighbour of this.#host.neighbours.values()) this.#untell(neighbour, topic)
  }

  admitted(neighbour: Neighbour): void {
    for (const topic of neighbour.announced) this.#tell(neighbour, topic)
    for (const { rpc, release } of neighbour.heldGossip.splice(0)) {
      release()
      this.receive(neighbour, rpc)
    }
  }

  allow(neighbour: Neighbour, topic: string): void {
    neighbour.allowed.add(topic)
    this.announce(neighbour, topic)
    if (!neighbour.heldSubscriptions.delete(topic)) return
    neighbour.subscribed.add(topic)
    this.#host.receiver().subscriptionChanged(neighbour.peer, topic, true)
  }

  announce(neighbour: Neighbour, topic: string): void {
    neighbour.announced.add(topic)
    this.#tell(neighbour, topic)
  }

  disallow(neighbour: Neighbour, topic: string): void {
    this.#untell(neighbour, topic)
    neighbour.allowed.delete(topic)
    neighbour.announced.delete(topic)
    if (!neighbour.subscribed.delete(topic)) return
    // Its wish stands: should the right come back, it need not subscribe again.
    if (neighbour.canHold) neighbour.heldSubscriptions.add(topic)
    else this.counts.heldRefused++
    this.#host.receiver().subscriptionChanged(neighbour.peer, topic, false)
  }

  subscribers(topic: string): readonly Neighbour[] {
    return [...this.#host.neighbours.values()].filter(
      (neighbour) => neighbour.admitted && neighbour.subscribed.has(topic),
    )
  }

  publish(topic: string, bytes: Uint8Array): number {
    const message = { id: idOf(topic, bytes), topic, bytes }
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

  /** Hands a message to a neighbour without asking what it joined; whether there was room. */
  push(neighbour: Neighbour, topic: string, bytes: Uint8Array): boolean {
    return this.#hand(neighbour, { id: idOf(topic, bytes), topic, bytes })
  }

  /** Gossip from an admitted neighbour. */
  receive(neighbour: Neighbour, rpc: MemoryRpc): void {
    switch (rpc.kind) {
      case 'subscribe':
        return this.#subscribed(neighbour, rpc.topic)
      case 'unsubscribe':
        neighbour.heldSubscriptions.delete(rpc.topic)
        if (neighbour.subscribed.delete(rpc.topic)) {
          this.#host.receiver().subscriptionChanged(neighbour.peer, rpc.topic, false)
        }
        return
      case 'message':
        return this.#arrived(neighbour, rpc.message)
    }
  }

  #subscribed(neighbour: Neighbour, topic: string): void {
    if (neighbour.subscribed.has(topic) || neighbour.heldSubscriptions.has(topic)) return
    if (neighbour.allowed.has(topic)) {
      neighbour.subscribed.add(topic)
      this.#host.receiver().subscriptionChanged(neighbour.peer, topic, true)
    } else if (neighbour.canHold) {
      neighbour.heldSubscriptions.add(topic)
      this.#host.receiver().subscriptionHeld(neighbour.peer, topic)
    } else {
      this.counts.heldRefused++
    }
  }

  #arrived(neighbour: Neighbour, message: MemoryMessage): void {
    const { random, link } = this.#host.conditions
    const { loss, repeats } = link(neighbour.peer, this.#host.peer)
    if (loss > 0 && random() < loss) {
      this.counts.lost++
      return
    }
    this.#message(neighbour, message)
    if (repeats === 0 || random() >= repeats) return
    const { clock } = this.#host.conditions
    clock.at(clock.now() + Math.floor(random() * REPEAT_MS_MAX), () => {
      if (this.#host.neighbours.get(neighbour.peer) !== neighbour) return
      this.counts.repeated++
      this.#message(neighbour, message)
    })
  }

  #message(neighbour: Neighbour, message: MemoryMessage): void {
    // Before it can count as seen: the same bytes under another topic are another message.
    if (!this.topics.has(message.topic)) {
      this.counts.unjoined++
      return
    }
    if (this.#wasSeen(message.id)) {
      this.#judging.get(message.id)?.add(neighbour.peer)
      return
    }
    this.#remember(message.id)
    if (neighbour.pendingBytes + message.bytes.length > PENDING_VERDICT_BYTES_MAX) {
      this.counts.shed++
      return
    }
    this.#judge(neighbour, message)
  }

  #judge(neighbour: Neighbour, message: MemoryMessage): void {
    const { clock } = this.#host.conditions
    neighbour.pendingBytes += message.bytes.length
    this.#judging.set(message.id, new Set([neighbour.peer]))
    let open = true
    const settle = (verdict: Verdict): void => {
      if (!open) return
      open = false
      cancel()
      neighbour.pendingBytes -= message.bytes.length
      const carriers = this.#judging.get(message.id) ?? new Set()
      this.#judging.delete(message.id)
      this.#apply(verdict, message, carriers)
    }
    const cancel = clock.at(clock.now() + VERDICT_MS_MAX, () => {
      this.counts.verdictLate++
      settle('ignore')
    })
    // A receiver that fails is a bug of ours: the neighbour must not pay for it.
    const failed = (): void => {
      this.counts.verdictFailed++
      settle('ignore')
    }
    this.#host.receiver().message(message.topic, message.bytes, neighbour.peer).then(settle, failed)
  }

  #apply(verdict: Verdict, message: MemoryMessage, carriers: ReadonlySet<Peer>): void {
    if (verdict === 'reject') {
      for (const peer of carriers) this.#blame.set(peer, this.blame(peer) + 1)
    }
    if (verdict !== 'accept') return
    for (const neighbour of this.subscribers(message.topic)) {
      if (!carriers.has(neighbour.peer)) this.#hand(neighbour, message)
    }
  }

  #hand(neighbour: Neighbour, message: MemoryMessage): boolean {
    if (!neighbour.link.out.hasRoom(message.bytes.length)) return false
    neighbour.link.send({ kind: 'message', message })
    return true
  }

  #tell(neighbour: Neighbour, topic: string): void {
    if (!neighbour.admitted || !neighbour.announced.has(topic) || !this.topics.has(topic)) return
    if (neighbour.told.has(topic)) return
    neighbour.told.add(topic)
    neighbour.link.send({ kind: 'subscribe', topic })
  }

  #untell(neighbour: Neighbour, topic: string): void {
    if (neighbour.told.delete(topic)) neighbour.link.send({ kind: 'unsubscribe', topic })
  }

  #wasSeen(id: string): boolean {
    return (this.#seen.get(id) ?? -Infinity) > this.#host.conditions.clock.now()
  }

  #remember(id: string): void {
    const now = this.#host.conditions.clock.now()
    for (const [old, until] of this.#seen) {
      if (until > now && this.#seen.size < MEMORY_SEEN_MAX) break
      this.#seen.delete(old)
    }
    this.#seen.delete(id)
    this.#seen.set(id, now + SEEN_MS)
  }
}

/** What separates one message from every other: its topic (names hold no space) and all bytes. */
function idOf(topic: string, bytes: Uint8Array): string {
  let id = `${topic} `
  // In pieces, since the number of arguments of a call is limited.
  for (let start = 0; start < bytes.length; start += 4096) {
    id += String.fromCharCode(...bytes.subarray(start, start + 4096))
  }
  return id
}

/** Whether a message may travel at all; both sides of a hop would refuse a larger one. */
export function checkMessageSize(topic: string, bytes: Uint8Array): void {
  if (bytes.length <= MESSAGE_BYTES_MAX) return
  throw new TransportError(
    'too-large',
    `Cannot publish ${bytes.length} bytes on "${topic}": the limit is ${MESSAGE_BYTES_MAX}`,
  )
}
