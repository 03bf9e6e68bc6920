import type { Proof } from '@ixj/trust'

/** A proof and its id: what a header names. */
export interface KnownProof {
  readonly id: Uint8Array
  readonly idText: string
  readonly bytes: Uint8Array
  readonly proof: Proof
}

/** A bounded place for proofs: the longest unused go for a new one. */
export class ProofShelf {
  readonly #max: number
  readonly #bytesMax: number
  readonly #byId = new Map<string, KnownProof>()
  #bytes = 0

  constructor(limits: { readonly max: number; readonly bytesMax: number }) {
    this.#max = limits.max
    this.#bytesMax = limits.bytesMax
  }

  /** The proof with this id. */
  get(idText: string): KnownProof | undefined {
    return this.#byId.get(idText)
  }

  /** Puts a proof in, or marks it as used again. */
  put(known: KnownProof): void {
    this.delete(known.idText)
    this.#byId.set(known.idText, known)
    this.#bytes += known.bytes.length
    for (const oldest of this.#byId.keys()) {
      if (this.#byId.size <= this.#max && this.#bytes <= this.#bytesMax) return
      this.delete(oldest)
    }
  }

  /** Takes a proof out. */
  delete(idText: string): void {
    const known = this.#byId.get(idText)
    if (known === undefined) return
    this.#byId.delete(idText)
    this.#bytes -= known.bytes.length
  }
}
