import type { Name } from '@ixj/names'
import { toHex } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import { parcelsOf } from '../neighbours/parcels.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { Peer, Transport } from '../transport.ts'
import type { Announcement } from './announcement.ts'
import {
  FRAME_ANNOUNCEMENTS_MAX,
  PRESENCE_HAND_ON_MS,
  PRESENCE_HANDED_MAX,
  PRESENCE_HANDED_MS_MAX,
  PRESENCE_HANDED_PROOFS_MAX,
  PRESENCE_KEPT_BYTES_MAX,
} from './limits.ts'

/** What announcements are handed on with. */
export interface HandingContext {
  readonly clock: Clock
  readonly transport: Pick<Transport, 'subscribers'>
  readonly proofs: ProofBook
  neighbour(peer: Peer | null): Exchange | undefined
}

/** What an announcement says of itself. */
interface Announced extends Pick<Announcement, 'proof' | 'members'> {
  readonly nodeKey: Uint8Array
  readonly time: number
}

/** An announcement as its node signed it. */
interface Kept {
  readonly time: number
  readonly bytes: Uint8Array
  /** Ids of the proofs that it names, in hex. */
  readonly proofs: ReadonlySet<string>
}

/**
 * Hands announcements of one group on to neighbours who come later or were apart. Each is signed by
 * its node and comes with its proofs, so nobody has to say anew that it is here for those who come.
 */
export class Handing {
  readonly #topic: Name
  readonly #context: HandingContext
  /** The newest of each node, by its key in hex, the one that came longest ago first. */
  readonly #kept = new Map<string, Kept>()
  #bytes = 0
  /** Nodes that were first heard of by what a neighbour handed, and who that was. */
  #learned = new Map<string, Peer>()
  #cancel: (() => void) | undefined

  constructor(topic: Name, context: HandingContext) {
    this.#topic = topic
    this.#context = context
  }

  /** An announcement holds, or is ours. One without members ends what was kept of its node. */
  keep({ nodeKey, time, proof, members }: Announced, bytes: Uint8Array): void {
    if (members === null) return
    const node = toHex(nodeKey)
    this.#forget(node)
    if (members.length === 0) return
    const proofs = new Set([proof, ...members.map((member) => member.proof)].map(toHex))
    this.#kept.set(node, { time, bytes, proofs })
    this.#bytes += bytes.length
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= PRESENCE_KEPT_BYTES_MAX) break
      this.#forget(oldest)
    }
  }

  /** A neighbour receives the topic from now on: it is handed all. */
  met(peer: Peer): void {
    this.#hand(peer, [...this.#kept.values()])
  }

  /**
   * A neighbour has handed the announcement of a node that nobody here knew: other neighbours may not
   * know it either, and gossip does not bring it to them.
   */
  learned(nodeKey: Uint8Array, from: Peer): void {
    const { clock } = this.#context
    this.#learned.set(toHex(nodeKey), from)
    this.#cancel ??= clock.at(clock.now() + PRESENCE_HAND_ON_MS, () => this.#handOn())
  }

  /** Forgets what is too old to be handed on. */
  sweep(now: number): void {
    for (const [node, { time }] of this.#kept) {
      if (time >= now - PRESENCE_HANDED_MS_MAX) return
      this.#forget(node)
    }
  }

  /** Hands nothing on any more. */
  close(): void {
    this.#cancel?.()
  }

  #handOn(): void {
    this.#cancel = undefined
    const learned = this.#learned
    this.#learned = new Map()
    for (const peer of this.#context.transport.subscribers(this.#topic)) {
      const nodes = [...learned].filter(([, from]) => from !== peer)
      this.#hand(
        peer,
        nodes.flatMap(([node]) => this.#kept.get(node) ?? []),
      )
    }
  }

  #hand(peer: Peer, kept: readonly Kept[]): void {
    const { clock, proofs } = this.#context
    const neighbour = this.#context.neighbour(peer)
    if (neighbour === undefined) return
    const oldest = clock.now() - PRESENCE_HANDED_MS_MAX
    const recent = kept.filter(({ time }) => time >= oldest).slice(-PRESENCE_HANDED_MAX)
    const named = new Set(recent.flatMap((announcement) => [...announcement.proofs]))
    // Who lacks one of the others asks for it.
    for (const id of [...named].slice(0, PRESENCE_HANDED_PROOFS_MAX)) {
      const known = proofs.get(id)
      if (known !== undefined) neighbour.push(known)
    }
    const all = recent.map(({ bytes }) => bytes)
    for (const announcements of parcelsOf(all, FRAME_ANNOUNCEMENTS_MAX)) {
      neighbour.tell({ kind: 'present', topic: this.#topic, announcements })
    }
  }

  #forget(node: string): void {
    this.#bytes -= this.#kept.get(node)?.bytes.length ?? 0
    this.#kept.delete(node)
  }
}
