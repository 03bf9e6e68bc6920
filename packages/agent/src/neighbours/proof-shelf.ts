import type { Proof } from '@ixj/trust'

/** A proof and its id: what a header names. */
export interface KnownProof {
  readonly id: Uint8Array
  readonly idText: string
  readonly bytes: Uint8Array
  readonly proof: Proof
}

interface Shelved {
  readonly known: KnownProof
  readonly until: number
}

/** What a {@link ProofShelf} holds, and whom it tells. */
export interface ProofShelfOptions {
  readonly max: number
  readonly bytesMax: number
  /** A proof has gone. */
  readonly gone?: (known: KnownProof) => void
}

/** A bounded place for proofs: the longest unused go for a new one. */
export class ProofShelf {
  readonly #options: ProofShelfOptions
  readonly #byId = new Map<string, Shelved>()
  #bytes = 0

  constructor(options: ProofShelfOptions) {
    this.#options = options
  }

  /** Whether the proof with this id is here. */
  has(idText: string): boolean {
    return this.#byId.has(idText)
  }

  /** The proof with this id. */
  get(idText: string): KnownProof | undefined {
    return this.#byId.get(idText)?.known
  }

  /** Puts a proof in, or marks it as used again; `until` it is of use, ms since the Unix epoch. */
  put(known: KnownProof, until = Infinity): void {
    this.#remove(known.idText)
    this.#byId.set(known.idText, { known, until })
    this.#bytes += known.bytes.length
    const { max, bytesMax } = this.#options
    for (const oldest of this.#byId.keys()) {
      if (this.#byId.size <= max && this.#bytes <= bytesMax) return
      this.delete(oldest)
    }
  }

  /** Takes out those of no use any more, as far as they are among the longest unused. */
  sweep(count: number, isOver: (known: KnownProof, until: number) => boolean): void {
    let looked = 0
    for (const { known, until } of this.#byId.values()) {
      if (looked === count) return
      looked += 1
      if (isOver(known, until)) this.delete(known.idText)
    }
  }

  /** Takes a proof out. */
  delete(idText: string): void {
    const known = this.#remove(idText)
    if (known !== undefined) this.#options.gone?.(known)
  }

  /** Takes all out. */
  clear(): void {
    for (const idText of this.#byId.keys()) this.delete(idText)
  }

  #remove(idText: string): KnownProof | undefined {
    const shelved = this.#byId.get(idText)
    if (shelved === undefined) return undefined
    this.#byId.delete(idText)
    this.#bytes -= shelved.known.bytes.length
    return shelved.known
  }
}
