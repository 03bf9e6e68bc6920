import type { Name } from '@ixj/names'
import { DELIVER_AGAIN_MS, DELIVER_AGAIN_MS_MAX } from '../limits.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'

/** What a bundle under way is made of. */
export interface DirectBundleParts {
  readonly topic: Name
  /** Of its header, 32 bytes. */
  readonly id: Uint8Array
  /** It goes past combiners: a task, or what only the reader can open. */
  readonly toReader: boolean
  /** Always the same: a host that has it already knows it by them. */
  readonly bytes: Uint8Array
  readonly proof: KnownProof
  /** When its lifespan ends, by our clock: nobody would take it any more. */
  readonly until: number
  /** Called once, when it is under way no longer. */
  readonly landed?: (() => void) | undefined
  /** Called before that with what a host has decided: null if it was accepted, else its code. */
  readonly decided?: ((code: string | null) => void) | undefined
}

/** A bundle that goes to hosts of an inbox, and is kept until one has decided about it. */
export class DirectBundle {
  readonly topic: Name
  readonly id: Uint8Array
  readonly toReader: boolean
  readonly bytes: Uint8Array
  readonly proof: KnownProof
  readonly until: number
  readonly #landed: (() => void) | undefined
  readonly #decided: ((code: string | null) => void) | undefined
  #isLanded = false
  #notBefore = 0
  #refusals = 0

  constructor({ topic, id, toReader, bytes, proof, until, landed, decided }: DirectBundleParts) {
    this.topic = topic
    this.id = id
    this.toReader = toReader
    this.bytes = bytes
    this.proof = proof
    this.until = until
    this.#landed = landed
    this.#decided = decided
  }

  /** Whether a host has decided about it, or nobody will any more: it is sent to nobody again. */
  get isLanded(): boolean {
    return this.#isLanded
  }

  /** When it is offered again, ms since the Unix epoch. */
  get notBefore(): number {
    return this.#notBefore
  }

  /** A host has no room for it now: it is offered again, after twice as long each time. */
  putOff(now: number): void {
    const ms = Math.min(DELIVER_AGAIN_MS_MAX, DELIVER_AGAIN_MS * 2 ** this.#refusals)
    this.#refusals += 1
    this.#notBefore = now + ms
  }

  /** A host has decided about it: null if it was accepted, else its code. */
  decided(code: string | null): void {
    if (!this.#isLanded) this.#decided?.(code)
  }

  /** A host has decided about it, or gossip has it, or it is given up. */
  land(): void {
    if (this.#isLanded) return
    this.#isLanded = true
    this.#landed?.()
  }
}
