import {
  decodeProof,
  encodeProof,
  proofIdOf,
  toHex,
  isBinding,
  missingStatements,
  resolveProof,
  type Proof,
  type ProofStatements,
  type Sha256,
  type SignedStatement,
  type StatementStore,
} from '@ixj/trust'
import { PROOFS_MAX, PROOFS_PER_NEIGHBOUR_MAX } from '../limits.ts'
import type { Peer } from '../transport.ts'

/** A proof and its id: what a header names. */
export interface KnownProof {
  readonly id: Uint8Array
  readonly idText: string
  readonly bytes: Uint8Array
  readonly proof: Proof
}

/** Proofs by id, ours and our neighbours', each neighbour within its own quota. */
export class ProofBook {
  readonly #statements: StatementStore
  readonly #hash: Sha256
  readonly #proofs = new Map<string, KnownProof>()
  readonly #byPeer = new Map<Peer, Set<string>>()
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(statements: StatementStore, hash: Sha256) {
    this.#statements = statements
    this.#hash = hash
  }

  /** A proof of our own over these statements, bindings before what they issued. */
  compose(statements: Iterable<SignedStatement>): KnownProof {
    const bindings = new Map<string, SignedStatement>()
    const grants = new Map<string, SignedStatement>()
    for (const signed of statements) {
      if (isBinding(signed)) bindings.set(signed.idText, signed)
      else grants.set(signed.idText, signed)
    }
    const bytes = encodeProof({
      bindings: [...bindings.values()].map((signed) => signed.id),
      grants: [...grants.values()].map((signed) => signed.id),
    })
    return this.add(bytes, null)
  }

  /**
   * Keeps a proof; its statements may still be missing.
   * @throws TrustError `encoding`, `form`, `cost-cap`, `unsupported`
   */
  add(bytes: Uint8Array, owner: Peer | null): KnownProof {
    const id = proofIdOf(bytes, this.#hash)
    const idText = toHex(id)
    const known = this.#proofs.get(idText)
    if (known !== undefined) {
      this.#wake(idText)
      return known
    }
    const added = { id, idText, bytes, proof: decodeProof(bytes) }
    this.#proofs.set(idText, added)
    if (owner !== null) this.#charge(owner, idText)
    if (this.#proofs.size > PROOFS_MAX) {
      const oldest = this.#proofs.keys().next()
      if (oldest.done !== true) this.#proofs.delete(oldest.value)
    }
    this.#wake(idText)
    return added
  }

  /** The proof with this id. */
  get(idText: string): KnownProof | undefined {
    return this.#proofs.get(idText)
  }

  /**
   * The statements that a proof names; undefined while the proof or one of them is missing.
   * @throws TrustError `form`, `wrong-kind`
   */
  material(idText: string): ProofStatements | undefined {
    const known = this.#proofs.get(idText)
    if (known === undefined) return undefined
    if (missingStatements(known.proof, this.#statements).length > 0) return undefined
    return resolveProof(known.proof, this.#statements)
  }

  /** Every statement of a proof that is at hand, in its order. */
  statements(known: KnownProof): readonly SignedStatement[] {
    return [...known.proof.bindings, ...known.proof.grants].flatMap((id) => {
      const signed = this.#statements.get(toHex(id))
      return signed === undefined ? [] : [signed]
    })
  }

  /** Calls `run` when the proof is told of again; the returned function stops that. */
  onAdded(idText: string, run: () => void): () => void {
    let runs = this.#waiting.get(idText)
    if (runs === undefined) {
      runs = new Set()
      this.#waiting.set(idText, runs)
    }
    const waiting = runs
    waiting.add(run)
    return () => {
      waiting.delete(run)
      if (waiting.size === 0) this.#waiting.delete(idText)
    }
  }

  #wake(idText: string): void {
    for (const run of this.#waiting.get(idText) ?? []) run()
  }

  #charge(owner: Peer, idText: string): void {
    let owned = this.#byPeer.get(owner)
    if (owned === undefined) {
      owned = new Set()
      this.#byPeer.set(owner, owned)
    }
    owned.add(idText)
    if (owned.size <= PROOFS_PER_NEIGHBOUR_MAX) return
    const oldest = owned.values().next()
    if (oldest.done === true) return
    owned.delete(oldest.value)
    this.#proofs.delete(oldest.value)
  }
}
