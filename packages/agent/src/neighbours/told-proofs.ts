import { decodeProof, type Proof } from '@ixj/trust'
import { PROOFS_PER_NEIGHBOUR_BYTES_MAX, PROOFS_PER_NEIGHBOUR_MAX } from '../limits.ts'
import type { Peer } from '../transport.ts'
import { ProofShelf, type KnownProof } from './proof-shelf.ts'

/** A proof, once for all who told it, and how many they are. */
interface Told {
  readonly known: KnownProof
  tellers: number
}

/**
 * A proof as it came: it is read anew whenever it is used, in some µs. A relay has four of each page,
 * and looks at most of them once.
 */
class PackedProof implements KnownProof {
  readonly id: Uint8Array
  readonly idText: string
  readonly bytes: Uint8Array

  constructor({ id, idText, bytes }: KnownProof) {
    this.id = id
    this.idText = idText
    this.bytes = bytes
  }

  get proof(): Proof {
    return decodeProof(this.bytes)
  }
}

/**
 * Proofs that neighbours told, each within its teller's quota. They are found by their ids, whoever
 * told them: a relay has thousands of neighbours.
 */
export class ToldProofs {
  readonly #shelves = new Map<Peer, ProofShelf>()
  readonly #byId = new Map<string, Told>()

  /** The proof with this id. */
  get(idText: string): KnownProof | undefined {
    return this.#byId.get(idText)?.known
  }

  /** Keeps a proof under its teller's quota, or marks it as used again. */
  add(known: KnownProof, teller: Peer): void {
    const { idText } = known
    const shelf = this.#shelfOf(teller)
    const told = this.#byId.get(idText)
    const kept = told?.known ?? new PackedProof(known)
    if (told === undefined) this.#byId.set(idText, { known: kept, tellers: 1 })
    else if (!shelf.has(idText)) told.tellers += 1
    shelf.put(kept)
  }

  /** Forgets what this neighbour alone told. */
  release(teller: Peer): void {
    this.#shelves.get(teller)?.clear()
    this.#shelves.delete(teller)
  }

  #shelfOf(teller: Peer): ProofShelf {
    let shelf = this.#shelves.get(teller)
    if (shelf === undefined) {
      shelf = new ProofShelf({
        max: PROOFS_PER_NEIGHBOUR_MAX,
        bytesMax: PROOFS_PER_NEIGHBOUR_BYTES_MAX,
        gone: ({ idText }) => this.#gone(idText),
      })
      this.#shelves.set(teller, shelf)
    }
    return shelf
  }

  #gone(idText: string): void {
    const told = this.#byId.get(idText)
    if (told === undefined) return
    told.tellers -= 1
    if (told.tellers === 0) this.#byId.delete(idText)
  }
}
