import type { Name } from '@ixj/names'
import {
  decodeProof,
  encodeProof,
  isBinding,
  missingStatements,
  proofIdOf,
  resolveProof,
  toHex,
  type Proof,
  type ProofStatements,
  type Sha256,
  type SignedStatement,
  type Signer,
  type StatementStore,
} from '@ixj/trust'
import { PROOFS_MAX, PROOFS_PER_NEIGHBOUR_MAX } from '../limits.ts'
import type { Peer } from '../transport.ts'
import type { ZoneKeyBook } from './zone-keys.ts'

/** A proof and its id: what a header names. */
export interface KnownProof {
  readonly id: Uint8Array
  readonly idText: string
  readonly bytes: Uint8Array
  readonly proof: Proof
}

/** Whose name and key a proof is about. */
export interface Holder {
  readonly name: Name
  readonly signer: Signer
}

interface Parts {
  readonly statements: readonly SignedStatement[]
  /** Names that nothing in the statements binds: their keys are anchors, or published in DNS. */
  readonly roots: readonly Name[]
  readonly version: number
}

/**
 * Proofs by id, in three places that do not take each other's room: our own, those that led to
 * something accepted, and what each neighbour told, within its own quota.
 */
export class ProofBook {
  readonly #statements: StatementStore
  readonly #hash: Sha256
  readonly #own = new Map<string, KnownProof>()
  readonly #kept = new Map<string, KnownProof>()
  readonly #told = new Map<Peer, Map<string, KnownProof>>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #zoneKeys: ZoneKeyBook
  /** What our own proofs were made of: they are made again when DNSSEC records were renewed. */
  readonly #parts = new WeakMap<KnownProof, Parts>()
  readonly #renewed = new WeakMap<KnownProof, KnownProof>()

  constructor(statements: StatementStore, hash: Sha256, zoneKeys: ZoneKeyBook) {
    this.#statements = statements
    this.#hash = hash
    this.#zoneKeys = zoneKeys
  }

  /**
   * A proof of our own over these statements, bindings before what they issued, with the DNSSEC
   * records at hand for the holder, and for issuers, whom none of the bindings names.
   * @throws TrustError `cost-cap`
   */
  compose(statements: Iterable<SignedStatement>, holder?: Holder): KnownProof {
    const list = [...statements]
    return this.#compose(list, rootsOf(list, holder))
  }

  /** A proof of our own as it is today: with the newest DNSSEC records. */
  current(known: KnownProof): KnownProof {
    const parts = this.#parts.get(known)
    if (parts === undefined || parts.version === this.#zoneKeys.version) return known
    const before = this.#renewed.get(known)
    if (before !== undefined && this.#parts.get(before)?.version === this.#zoneKeys.version) {
      return before
    }
    const renewed = this.#compose(parts.statements, parts.roots)
    this.#renewed.set(known, renewed)
    return renewed
  }

  #compose(statements: readonly SignedStatement[], roots: readonly Name[]): KnownProof {
    const bindings = new Map<string, SignedStatement>()
    const grants = new Map<string, SignedStatement>()
    for (const signed of statements) {
      if (isBinding(signed)) bindings.set(signed.idText, signed)
      else grants.set(signed.idText, signed)
    }
    const dnssec = this.#zoneKeys.recordsFor(roots)
    const bytes = encodeProof({
      bindings: [...bindings.values()].map((signed) => signed.id),
      grants: [...grants.values()].map((signed) => signed.id),
      ...(dnssec === undefined ? {} : { dnssec }),
    })
    const known = this.#read(bytes)
    if (roots.length > 0) {
      this.#parts.set(known, { statements, roots, version: this.#zoneKeys.version })
    }
    this.use(known)
    return known
  }

  /** Has a proof of our own at hand, the longest unused going for it when there are too many. */
  use(known: KnownProof): void {
    put(this.#own, known, PROOFS_MAX)
  }

  /**
   * Checks the DNSSEC records of a proof that a neighbour tells, before it is added: what it leads
   * to is known from then on.
   * @throws TrustError `encoding`, `form`, `cost-cap`, `unsupported`; Refusal `rate`
   */
  async check(bytes: Uint8Array, teller: Peer): Promise<void> {
    const { dnssec } = decodeProof(bytes)
    if (dnssec !== undefined) await this.#zoneKeys.check(dnssec, teller)
  }

  /**
   * Keeps a proof that a neighbour told, under its quota; statements of it may still be missing.
   * @throws TrustError `encoding`, `form`, `cost-cap`, `unsupported`
   */
  add(bytes: Uint8Array, teller: Peer): KnownProof {
    const known = this.#read(bytes)
    let told = this.#told.get(teller)
    if (told === undefined) {
      told = new Map()
      this.#told.set(teller, told)
    }
    put(told, known, PROOFS_PER_NEIGHBOUR_MAX)
    for (const run of this.#waiting.get(known.idText) ?? []) run()
    return known
  }

  /** Keeps a proof that led to something accepted, beyond its teller's quota and presence. */
  keep(idText: string): void {
    const known = this.get(idText)
    if (known !== undefined && !this.#own.has(idText)) put(this.#kept, known, PROOFS_MAX)
  }

  /** Forgets what this neighbour alone told. */
  release(teller: Peer): void {
    this.#told.delete(teller)
  }

  /** The proof with this id. */
  get(idText: string): KnownProof | undefined {
    const known = this.#own.get(idText) ?? this.#kept.get(idText)
    if (known !== undefined) return known
    // As many as there are neighbours.
    for (const told of this.#told.values()) {
      const found = told.get(idText)
      if (found !== undefined) return found
    }
    return undefined
  }

  /**
   * The statements that a proof names; undefined while the proof or one of them is missing.
   * @throws TrustError `form`, `wrong-kind`
   */
  material(idText: string): ProofStatements | undefined {
    const known = this.get(idText)
    if (known === undefined) return undefined
    if (missingStatements(known.proof, this.#statements).length > 0) return undefined
    return this.materialOf(known)
  }

  /**
   * The same for a proof whose statements are all here.
   * @throws TrustError `missing-statement`, `form`, `wrong-kind`
   */
  materialOf(known: KnownProof): ProofStatements {
    const resolved = resolveProof(known.proof, this.#statements)
    const { dnssec } = known.proof
    return dnssec === undefined ? resolved : { ...resolved, ...this.#zoneKeys.proven(dnssec) }
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

  #read(bytes: Uint8Array): KnownProof {
    const id = proofIdOf(bytes, this.#hash)
    return { id, idText: toHex(id), bytes, proof: decodeProof(bytes) }
  }
}

function put(into: Map<string, KnownProof>, known: KnownProof, max: number): void {
  into.delete(known.idText)
  into.set(known.idText, known)
  if (into.size <= max) return
  const oldest = into.keys().next()
  if (oldest.done !== true) into.delete(oldest.value)
}

/** The holder, and each issuer, whose name and key no binding among the statements binds. */
export function rootsOf(statements: readonly SignedStatement[], holder?: Holder): readonly Name[] {
  const bound = new Set(
    statements.filter(isBinding).map(({ statement: { name, key } }) => `${name}|${toHex(key)}`),
  )
  const roots = new Set<Name>()
  const look = (name: Name, key: Uint8Array) => {
    if (!bound.has(`${name}|${toHex(key)}`)) roots.add(name)
  }
  if (holder !== undefined) look(holder.name, holder.signer.publicKey)
  for (const { statement } of statements) look(statement.issuer, statement.issuerKey)
  return [...roots]
}
