import type { Verifier } from './keys/index.ts'
import { SKEW_MS, STORE_KEPT_MAX, STORE_OWNER_STATEMENTS_MAX, STORE_OWNERS_MAX } from './limits.ts'
import { sha256, type Sha256 } from './signing.ts'
import { openStatement, readOpened, type SignedStatement, verifySignature } from './statement.ts'
import { TrustError } from './trust-error.ts'
import { VerifiedTrees } from './verified-trees.ts'

/** Bounds of a {@link StatementStore}; each has its default in limits.ts. */
export interface StatementStoreOptions {
  /** A number for all, or what each owner may hold. */
  readonly ownerStatementsMax?: number | ((owner: string) => number)
  readonly ownersMax?: number
  readonly keptMax?: number
}

/** How full a {@link StatementStore} is, and what it has thrown away. */
export interface StatementStoreCounts {
  readonly statements: number
  readonly kept: number
  readonly owners: number
  /** Of all envelopes. */
  readonly bytes: number
  /** Statements thrown away for want of room since the store was made. */
  readonly evicted: number
}

interface Entry {
  readonly signed: SignedStatement
  /** Who holds it under its quota, most often one; none for one that is kept or pinned. */
  holders: string | Set<string> | undefined
}

/**
 * The statements at hand, each once, by id. Only such whose signature held get in. New ones count
 * against the quota of whoever brought them, and push out only that owner's oldest; those of
 * accepted chains move to a shared place, where the longest unused go first. So a peer that floods
 * the store loses its own statements and nobody else's.
 */
export class StatementStore {
  readonly #entries = new Map<string, Entry>()
  /** Ids by owner, oldest first. */
  readonly #owners = new Map<string, Set<string>>()
  /** Ids that were kept, longest unused first. */
  readonly #kept = new Set<string>()
  readonly #trees = new VerifiedTrees('statement-tree')
  /** How often each is pinned; those stay until they end. */
  readonly #pins = new Map<string, number>()
  readonly #ownerStatementsMax: (owner: string) => number
  readonly #ownersMax: number
  readonly #keptMax: number
  /** None of them ends before, ms since the Unix epoch. */
  #endsFrom = Infinity
  #bytes = 0
  #evicted = 0
  #removals = 0

  constructor(options: StatementStoreOptions = {}) {
    const { ownerStatementsMax: most = STORE_OWNER_STATEMENTS_MAX } = options
    this.#ownerStatementsMax = typeof most === 'number' ? () => most : most
    this.#ownersMax = options.ownersMax ?? STORE_OWNERS_MAX
    this.#keptMax = options.keptMax ?? STORE_KEPT_MAX
  }

  /**
   * Takes in a statement after its signature held; one that is known costs no check, and its owner
   * becomes one more holder of the copy that is here. Without an owner it is this node's own, and
   * goes to the shared place at once. Bytes that do not verify leave no trace.
   * @throws TrustError `bad-signature`, `store-full` (no room for another owner), and as
   * `decodeStatement`
   */
  async add(
    envelope: Uint8Array,
    options: { readonly owner: string | null; readonly verifier: Verifier; readonly hash?: Sha256 },
  ): Promise<SignedStatement> {
    const { owner, verifier, hash = sha256 } = options
    // Keys in what is known were checked when it came.
    const opened = openStatement(envelope, hash)
    const known = this.#entries.get(opened.idText)
    if (known !== undefined) return this.#hold(known, owner)
    const signed = readOpened(opened)
    this.#checkOwners(owner)
    // "A copy is stored only after its signature held" (pitfall 31): the id does not cover the
    // signature, so a copy with junk for one would keep the genuine out.
    if (!(await verifySignature(signed, verifier, this.#trees))) {
      const { kind, issuer } = signed.statement
      const reason = 'its signature does not hold for its bytes and its issuer’s key'
      throw new TrustError('bad-signature', `Cannot store ${kind} by "${issuer}": ${reason}`)
    }
    // Another call may have brought it while this one waited.
    const entry = this.#entries.get(signed.idText) ?? { signed, holders: undefined }
    return this.#hold(entry, owner)
  }

  /** The statement with this id, in hexadecimal; undefined if it is not here. */
  get(idText: string): SignedStatement | undefined {
    return this.#entries.get(idText)?.signed
  }

  /** Whether the statement with this id, in hexadecimal, is here. */
  has(idText: string): boolean {
    return this.#entries.has(idText)
  }

  /**
   * Moves statements of an accepted chain to the shared place, or marks them as used again. Ids
   * that are not here are passed over.
   */
  keep(idTexts: Iterable<string>): void {
    for (const idText of idTexts) {
      const entry = this.#entries.get(idText)
      if (entry === undefined || this.#pins.has(idText)) continue
      this.#leaveHolders(entry)
      this.#kept.delete(idText)
      this.#kept.add(idText)
    }
    for (const idText of this.#kept) {
      if (this.#kept.size <= this.#keptMax) break
      this.#remove(idText)
      this.#evicted += 1
    }
  }

  /**
   * Holds statements of one's own for as long as they last, under no quota; each call needs its
   * {@link unpin}. Ids that are not here are passed over.
   */
  pin(idTexts: Iterable<string>): void {
    for (const idText of idTexts) {
      const entry = this.#entries.get(idText)
      if (entry === undefined) continue
      this.#pins.set(idText, (this.#pins.get(idText) ?? 0) + 1)
      this.#leaveHolders(entry)
      this.#kept.delete(idText)
    }
  }

  /**
   * Takes in statements that this node has signed itself, and pins them: no check of its own
   * signatures.
   */
  pinOwn(statements: Iterable<SignedStatement>): void {
    for (const signed of statements) {
      if (!this.#entries.has(signed.idText)) this.#enter({ signed, holders: undefined })
      this.pin([signed.idText])
    }
  }

  /**
   * Ends what {@link pin} began. A statement that nothing else holds moves to the shared place: what
   * its subject said may still be asked for, and proves nothing without it.
   */
  unpin(idTexts: Iterable<string>): void {
    for (const idText of idTexts) {
      const pins = this.#pins.get(idText)
      if (pins === undefined) continue
      if (pins > 1) {
        this.#pins.set(idText, pins - 1)
        continue
      }
      this.#pins.delete(idText)
      const entry = this.#entries.get(idText)
      if (entry !== undefined && isFree(entry)) this.keep([idText])
    }
  }

  /** Forgets what this owner alone holds, as when a peer has gone; what is kept stays. */
  release(owner: string): void {
    for (const idText of this.#owners.get(owner) ?? []) this.#drop(owner, idText)
  }

  /** Removes statements that have ended, skew included; returns how many. Looks at each if one may have. */
  sweep(now: number): number {
    const isOver = (end: number) => now > end + SKEW_MS
    if (!isOver(this.#endsFrom)) return 0
    this.#endsFrom = Infinity
    let removed = 0
    for (const [idText, { signed }] of this.#entries) {
      const { notAfter } = signed.statement
      if (isOver(notAfter)) {
        this.#remove(idText)
        removed += 1
      } else this.#endsFrom = Math.min(this.#endsFrom, notAfter)
    }
    return removed
  }

  /** How many have gone since the store was made: as long as it stays, whatever was here is here. */
  get removals(): number {
    return this.#removals
  }

  /** How full the store is. */
  get counts(): StatementStoreCounts {
    return {
      statements: this.#entries.size,
      kept: this.#kept.size,
      owners: this.#owners.size,
      bytes: this.#bytes,
      evicted: this.#evicted,
    }
  }

  #hold(entry: Entry, owner: string | null): SignedStatement {
    const { signed, holders } = entry
    const { idText } = signed
    if (owner === null) {
      this.#enter(entry)
      this.keep([idText])
      return signed
    }
    const isHeld = this.#kept.has(idText) || this.#pins.has(idText) || isHolder(holders, owner)
    if (isHeld) return signed
    this.#checkOwners(owner)
    const list = this.#owners.get(owner) ?? new Set<string>()
    this.#owners.set(owner, list)
    this.#enter(entry)
    entry.holders = withHolder(holders, owner)
    list.add(idText)
    for (const oldest of list) {
      if (list.size <= this.#ownerStatementsMax(owner)) break
      this.#evicted += this.#drop(owner, oldest) ? 1 : 0
    }
    return signed
  }

  #enter(entry: Entry): void {
    const { idText, envelope, statement } = entry.signed
    if (this.#entries.has(idText)) return
    this.#entries.set(idText, entry)
    this.#endsFrom = Math.min(this.#endsFrom, statement.notAfter)
    this.#bytes += envelope.length
  }

  /** Refuses a new owner when the table is full: to make room would take another's. */
  #checkOwners(owner: string | null): void {
    if (owner === null || this.#owners.has(owner) || this.#owners.size < this.#ownersMax) return
    const size = `${this.#owners.size} owners hold some, limit ${this.#ownersMax}`
    throw new TrustError('store-full', `Cannot store statement of another owner: ${size}`)
  }

  /** Ends one owner's hold; whether nobody else held the statement, so that it is gone. */
  #drop(owner: string, idText: string): boolean {
    this.#unlist(owner, idText)
    const entry = this.#entries.get(idText)
    if (entry !== undefined) entry.holders = withoutHolder(entry.holders, owner)
    if (entry === undefined || !isFree(entry) || this.#kept.has(idText)) return false
    this.#remove(idText)
    return true
  }

  /** What is kept or pinned counts against nobody's quota. */
  #leaveHolders(entry: Entry): void {
    for (const owner of holdersOf(entry)) this.#unlist(owner, entry.signed.idText)
    entry.holders = undefined
  }

  #unlist(owner: string, idText: string): void {
    const list = this.#owners.get(owner)
    list?.delete(idText)
    if (list?.size === 0) this.#owners.delete(owner)
  }

  #remove(idText: string): void {
    const entry = this.#entries.get(idText)
    if (entry === undefined) return
    for (const owner of holdersOf(entry)) this.#unlist(owner, idText)
    this.#kept.delete(idText)
    this.#pins.delete(idText)
    this.#entries.delete(idText)
    this.#removals += 1
    this.#bytes -= entry.signed.envelope.length
  }
}

/** Whether nobody holds it under a quota. */
function isFree({ holders }: Entry): boolean {
  return holders === undefined
}

type Holders = Entry['holders']

function holdersOf({ holders }: Entry): Iterable<string> {
  return typeof holders === 'string' ? [holders] : (holders ?? [])
}

function isHolder(holders: Holders, owner: string): boolean {
  return typeof holders === 'object' ? holders.has(owner) : holders === owner
}

function withHolder(holders: Holders, owner: string): Holders {
  if (holders === undefined || holders === owner) return owner
  return typeof holders === 'string' ? new Set([holders, owner]) : holders.add(owner)
}

function withoutHolder(holders: Holders, owner: string): Holders {
  if (typeof holders !== 'object') return holders === owner ? undefined : holders
  holders.delete(owner)
  return holders.size === 0 ? undefined : holders
}
