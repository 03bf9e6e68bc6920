import type { Name } from '@ixj/names'
import type { FollowedNames } from './followed-names.ts'
import type { Neighbours } from './neighbours.ts'
import type { OpenTopic } from './open-topic.ts'
import type { ProofBook } from './proof-book.ts'
import type { KnownProof } from './proof-shelf.ts'
import type { ZoneKeyBook } from './zone-keys.ts'

/** What proofs of our own are told with. */
export interface RenewalContext {
  readonly proofs: ProofBook
  readonly zoneKeys: ZoneKeyBook
  readonly followed: FollowedNames
  readonly neighbours: Neighbours
  /** Topics whose right neighbours are shown. */
  readonly shown: ReadonlyMap<Name, OpenTopic>
  /** The proof of the node's own name, as it was first made. */
  readonly own: KnownProof
  /** A proof could not be made again, or the DNS not be asked; both are tried again. */
  readonly failed: (cause: unknown) => void
}

/**
 * Keeps the records fresh that proofs of our own rest on, and tells neighbours what was renewed
 * before what they know of it lapses: the node's own proof, by which it stays connected, and the
 * rights that it showed.
 */
export class Renewal {
  readonly #context: RenewalContext
  readonly #told = new WeakMap<OpenTopic, KnownProof>()
  #ownTold: KnownProof

  constructor(context: RenewalContext) {
    this.#context = context
    this.#ownTold = context.own
  }

  /** Looks for proofs that were made again and tells them, then asks the DNS. Never rejects. */
  async sweep(now: number): Promise<void> {
    const { zoneKeys, followed, shown, failed } = this.#context
    zoneKeys.sweep(now, (name) => followed.has(name))
    try {
      this.#tellOwn()
      for (const topic of shown.values()) this.#tell(topic)
    } catch (cause) {
      failed(cause)
    }
    try {
      await followed.refresh()
    } catch (cause) {
      failed(cause)
    }
  }

  #tellOwn(): void {
    const { proofs, neighbours, own } = this.#context
    const proof = proofs.current(own)
    if (proof === this.#ownTold) return
    this.#ownTold = proof
    for (const neighbour of neighbours.all()) neighbour.push(proof)
  }

  #tell(topic: OpenTopic): void {
    const { proofs, neighbours } = this.#context
    if (topic.claim === undefined) return
    const proof = proofs.current(topic.claim.proof)
    if (proof === (this.#told.get(topic) ?? topic.claim.proof)) return
    this.#told.set(topic, proof)
    neighbours.opened(topic)
  }
}
