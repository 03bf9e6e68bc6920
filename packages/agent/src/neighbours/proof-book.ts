import type { Name } from '@ixj/names'
import {
  boundName,
  decodeProof,
  encodeProof,
  equalBytes,
  idsOf,
  isBinding,
  isCrossCertificate,
  isGrant,
  missingStatements,
  proofIdOf,
  resolveProof,
  toHex,
  type Standpoint,
  type ProofStatements,
  type RevocationView,
  type Sha256,
  type SignedStatement,
  type Signer,
  type StatementStore,
} from '@ixj/trust'
import { PROOFS_BYTES_MAX, PROOFS_MAX, PROOFS_SWEPT_MAX } from '../limits.ts'
import type { Peer } from '../transport.ts'
import type { Crossings } from './crossings.ts'
import type { FollowedNames } from './followed-names.ts'
import { ProofShelf, type KnownProof } from './proof-shelf.ts'
import { ToldProofs } from './told-proofs.ts'
import type { ProvenName, ZoneKeyBook } from './zone-keys.ts'

/** Whose name and key a proof is about. */
export interface Holder {
  readonly name: Name
  readonly signer: Pick<Signer, 'publicKey'>
}

/** What a neighbour says in ids and keys about a topic. */
export interface NamingFrame {
  readonly proof: Uint8Array
  readonly agentKey: Uint8Array | null
  readonly subscribe: Uint8Array | null
  readonly host: Uint8Array | null
}

/** What a proof of our own was made of. */
interface Parts {
  readonly statements: readonly SignedStatement[]
  /** Names that nothing in the statements binds: their keys are anchors, or published in DNS. */
  readonly roots: readonly Name[]
  /** The holder, and every issuer. */
  readonly names: readonly Name[]
  readonly records: readonly ProvenName[]
  /** Cross-certificates that may lead others to these names. */
  readonly crossing: readonly SignedStatement[]
  /** Id of the proof that it was made in place of. */
  readonly before: string | undefined
}

/**
 * Proofs by id, in three places that do not take each other's room: our own, those that led to
 * something accepted, and what each neighbour told, within its own quota.
 */
export class ProofBook {
  readonly #statements: StatementStore
  readonly #hash: Sha256
  readonly #own = new ProofShelf({ max: PROOFS_MAX, bytesMax: PROOFS_BYTES_MAX })
  readonly #kept = new ProofShelf({ max: PROOFS_MAX, bytesMax: PROOFS_BYTES_MAX })
  readonly #told = new ToldProofs()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #zoneKeys: ZoneKeyBook
  readonly #followed: FollowedNames
  readonly #crossings: Crossings
  readonly #revocations: RevocationView
  /** What our own proofs were made of: they are made again when DNSSEC records were renewed. */
  readonly #parts = new WeakMap<KnownProof, Parts>()
  /** What proofs led to, as long as no statement has gone since: looked up for every bundle. */
  readonly #resolved = new WeakMap<
    KnownProof,
    { readonly statements: ProofStatements; readonly removals: number }
  >()
  /** The newest that was made in place of a proof. */
  readonly #renewed = new WeakMap<KnownProof, KnownProof>()

  constructor(
    statements: StatementStore,
    hash: Sha256,
    beside: {
      readonly zoneKeys: ZoneKeyBook
      readonly followed: FollowedNames
      readonly crossings: Crossings
      readonly revocations: RevocationView
    },
  ) {
    this.#statements = statements
    this.#hash = hash
    this.#zoneKeys = beside.zoneKeys
    this.#followed = beside.followed
    this.#crossings = beside.crossings
    this.#revocations = beside.revocations
  }

  /**
   * A proof of our own over these statements, bindings before what they issued, with the DNSSEC
   * records at hand for the holders, and for issuers, whom none of the bindings names, and with the
   * cross-certificates that may lead others to these.
   * @throws TrustError `cost-cap`
   */
  compose(statements: Iterable<SignedStatement>, ...holders: readonly Holder[]): KnownProof {
    const list = [...statements]
    const roots = rootsOf(list, ...holders)
    const issuers = list.map(({ statement }) => statement.issuer)
    const names = [...new Set([...holders.map(({ name }) => name), ...issuers])]
    return this.#compose({
      statements: list,
      roots,
      names,
      records: this.#followed.recordsOf(roots),
      crossing: this.#crossings.about(names),
      before: undefined,
    })
  }

  /**
   * A proof of our own as it is today: with records of the DNS that hold. The one before stays at
   * hand for those who were told its id, and those before that go.
   */
  current(known: KnownProof): KnownProof {
    const latest = this.#renewed.get(known) ?? known
    const parts = this.#parts.get(latest)
    if (parts === undefined) return known
    const records = this.#followed.recordsOf(parts.roots, parts.records)
    const crossing = this.#crossings.about(parts.names)
    if (isSameList(records, parts.records) && isSameList(crossing, parts.crossing)) return latest
    const renewed = this.#compose({ ...parts, records, crossing, before: latest.idText })
    if (parts.before !== undefined && parts.before !== renewed.idText) {
      this.#own.delete(parts.before)
    }
    this.#renewed.set(known, renewed)
    return renewed
  }

  #compose(parts: Parts): KnownProof {
    const all = [...parts.statements, ...parts.crossing]
    const once = [...new Map(all.map((signed) => [signed.idText, signed])).values()]
    const dnssec = this.#zoneKeys.join(parts.records)
    const crossCertificates = once.filter(isCrossCertificate).map((signed) => signed.id)
    const proof = {
      bindings: once.filter(isBinding).map((signed) => signed.id),
      grants: once.filter(isGrant).map((signed) => signed.id),
      ...(crossCertificates.length === 0 ? {} : { crossCertificates }),
      ...(dnssec === undefined ? {} : { dnssec }),
    }
    const bytes = encodeProof(proof)
    const id = proofIdOf(bytes, this.#hash)
    const known = { id, idText: toHex(id), bytes, proof }
    if (parts.roots.length > 0) this.#parts.set(known, parts)
    this.use(known)
    return known
  }

  /** Who verifies here, and what it has at home. */
  get standpoint(): Standpoint {
    return this.#crossings.standpoint
  }

  /** Other organisations that this node's home has cross-certificates of. */
  get certified(): readonly Name[] {
    return this.#crossings.subjects
  }

  /** Has a proof of our own at hand, the longest unused going for it when there are too many. */
  use(known: KnownProof): void {
    this.#own.put(known)
  }

  /** Reads a proof. @throws TrustError `encoding`, `form`, `cost-cap`, `unsupported` */
  read(bytes: Uint8Array): KnownProof {
    const id = proofIdOf(bytes, this.#hash)
    return { id, idText: toHex(id), bytes, proof: decodeProof(bytes) }
  }

  /**
   * Checks the DNSSEC records of a proof that a neighbour tells, before it is added: what it leads
   * to is known from then on.
   * @throws Refusal `rate`
   */
  async check({ proof }: KnownProof, teller: Peer): Promise<void> {
    if (proof.dnssec === undefined) return
    await this.#zoneKeys.check(proof.dnssec, teller)
    this.#zoneKeys.learnFrom(proof.dnssec)
  }

  /** Keeps a proof that a neighbour told, under its quota; statements of it may still be missing. */
  add(known: KnownProof, teller: Peer): void {
    this.#told.add(known, teller)
    this.#look(known.idText)
  }

  /** Keeps a proof that led to something accepted, until then, beyond its teller's quota and presence. */
  keep(idText: string, until = Infinity): void {
    const known = this.get(idText)
    if (known === undefined || this.#own.has(idText)) return
    // From now on it is of use often: what it says is kept as it was read, and what it leads to.
    const { id, bytes, proof } = known
    this.#kept.put(this.#kept.has(idText) ? known : { id, idText, bytes, proof }, until)
  }

  /** Keeps a proof with those of its statements that led to something, beyond its teller's quota. */
  keepUsed(idText: string, used: readonly SignedStatement[], until: number): void {
    this.#statements.keep(used.map((signed) => signed.idText))
    this.keep(idText, until)
  }

  /** Forgets what this neighbour alone told. */
  release(teller: Peer): void {
    this.#told.release(teller)
  }

  /** The proof with this id. */
  get(idText: string): KnownProof | undefined {
    return this.#own.get(idText) ?? this.#kept.get(idText) ?? this.#told.get(idText)
  }

  /**
   * The statements that a proof names; undefined while the proof or one of them is missing.
   * @throws TrustError `form`, `wrong-kind`
   */
  material(idText: string): ProofStatements | undefined {
    const known = this.get(idText)
    if (known === undefined) return undefined
    const { removals } = this.#statements
    const resolved = this.#resolved.get(known)
    if (resolved?.removals === removals) return this.#standing(known, resolved.statements)
    if (missingStatements(known.proof, this.#statements).length > 0) return undefined
    const statements = resolveProof(known.proof, this.#statements)
    this.#resolved.set(known, { statements, removals })
    return this.#standing(known, statements)
  }

  /**
   * The same for a proof whose statements are all here.
   * @throws TrustError `missing-statement`, `form`, `wrong-kind`
   */
  materialOf(known: KnownProof): ProofStatements {
    return this.#standing(known, resolveProof(known.proof, this.#statements))
  }

  /** The statements of a proof, with all else that they are judged by, as it is now. */
  #standing({ proof }: KnownProof, statements: ProofStatements): ProofStatements {
    const { dnssec } = proof
    const proven = dnssec === undefined ? {} : this.#zoneKeys.proven(dnssec)
    const { standpoint } = this
    return { ...statements, ...proven, standpoint, revocations: this.#revocations }
  }

  /** Every statement of a proof that is at hand, in its order. */
  statements(known: KnownProof): readonly SignedStatement[] {
    return this.statementsOf(idsOf(known.proof))
  }

  /** Those of these ids that are at hand, in their order. */
  statementsOf(ids: readonly Uint8Array[]): readonly SignedStatement[] {
    return ids.flatMap((id) => {
      const signed = this.#statements.get(toHex(id))
      return signed === undefined ? [] : [signed]
    })
  }

  /**
   * A frame with ids in the bytes that proofs and statements here have already: of thousands of pages
   * each tells the same ids again and again.
   */
  sharing<Frame extends NamingFrame>(frame: Frame, key: Uint8Array): Frame {
    const { proof, agentKey, subscribe, host } = frame
    return {
      ...frame,
      proof: this.get(toHex(proof))?.id ?? proof,
      agentKey: agentKey !== null && equalBytes(agentKey, key) ? key : agentKey,
      subscribe: this.#sharedId(subscribe),
      host: this.#sharedId(host),
    }
  }

  #sharedId(id: Uint8Array | null): Uint8Array | null {
    return id === null ? null : (this.#statements.get(toHex(id))?.id ?? id)
  }

  /** Ids of statements that a proof lacks; undefined where the proof itself is not here. */
  missing(idText: string): readonly Uint8Array[] | undefined {
    const known = this.get(idText)
    return known === undefined ? undefined : missingStatements(known.proof, this.#statements)
  }

  /** Whether the proof is here, and every statement of it. */
  isHere(idText: string): boolean {
    return this.missing(idText)?.length === 0
  }

  /** Whether anybody waits for the proof. */
  isAwaited(idText: string): boolean {
    return this.#waiting.has(idText)
  }

  /** Statements came in: whoever waits for one of these proofs looks again. */
  arrived(idTexts: Iterable<string>): void {
    for (const idText of idTexts) {
      if (this.get(idText) !== undefined) this.#look(idText)
    }
  }

  #look(idText: string): void {
    for (const run of this.#waiting.get(idText) ?? []) run()
  }

  /**
   * Forgets proofs that have ended, and those of our own whose agents have closed, so that nobody
   * could be told what they name; some of the longest unused at a time.
   */
  sweep(now: number): void {
    this.#kept.sweep(PROOFS_SWEPT_MAX, (_, until) => until < now)
    this.#own.sweep(
      PROOFS_SWEPT_MAX,
      ({ proof }) => missingStatements(proof, this.#statements).length > 0,
    )
  }

  /** Calls `run` when there is more of the proof; the returned function stops that. */
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
}

function isSameList<Item>(one: readonly Item[], other: readonly Item[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index])
}

/** The holders, and each issuer, whose name and key no binding among the statements binds. */
export function rootsOf(
  statements: readonly SignedStatement[],
  ...holders: readonly Holder[]
): readonly Name[] {
  const bound = new Set(
    statements.filter(isBinding).map(({ statement: { name, key } }) => `${name}|${toHex(key)}`),
  )
  const roots = new Set<Name>()
  const look = (name: Name, key: Uint8Array) => {
    if (!bound.has(`${boundName(name)}|${toHex(key)}`)) roots.add(name)
  }
  for (const { name, signer } of holders) look(name, signer.publicKey)
  for (const { statement } of statements) look(statement.issuer, statement.issuerKey)
  return [...roots]
}
