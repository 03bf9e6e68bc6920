import type { Name } from '@ixj/names'
import {
  checkRevoker,
  checkStatusIssuer,
  isBinding,
  isCrossCertificate,
  isGrant,
  isRevocation,
  isStatus,
  isSuccessor,
  revocationHasEnded,
  SKEW_MS,
  TrustError,
  verifySignature,
  type AuthorityContext,
  type HeldStatus,
  type KnownRevocation,
  type PublishedKey,
  type RevokerRight,
  type Sha256,
  type SignedStatement,
  type Standpoint,
  type Status,
  type Successor,
  type Verifier,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { NOTICES_PER_SECOND, NOTICE_SENDERS_MAX, SUCCESSORS_PER_NAME_MAX } from '../limits.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'
import { moveBySuccessor } from './move-by-successor.ts'
import { decodeNotice, type Notice } from './notice.ts'
import type { KeptNotice } from './notice-store.ts'
import type { TrustState } from './trust-state.ts'

/** What notices are checked with. */
export interface NoticeContext {
  readonly clock: Clock
  readonly verifier: Verifier
  readonly hash: Sha256
  readonly trust: TrustState
  /** Keys that DNS publishes for a name, as far as this node has proved them. */
  published(name: Name): readonly PublishedKey[]
  /** What this node has at home, by which cross-certificates count. */
  standpoint(): Standpoint
  /** Whether this very copy, signature included, was checked before. */
  isVerified(signed: SignedStatement): boolean
}

/**
 * What became of a notice. `behind`: a status whose revocations are not all here: it counts when
 * they are.
 */
export type NoticeOutcome =
  | { readonly kind: 'new'; readonly notice: Notice; readonly root: Name }
  | { readonly kind: 'behind'; readonly notice: Notice; readonly root: Name }
  | { readonly kind: 'known'; readonly notice: Notice }

/** A status that waits for the revocations that it speaks of. */
interface Waiting {
  readonly notice: Notice
  readonly signed: SignedStatement<Status>
  readonly root: Name
}

/**
 * Takes in revocations, statuses and successors: form, then by what right as it stands, then
 * signatures, and only then anything is kept. Keeps the bytes, so that others can be told.
 */
export class NoticeBook {
  readonly #context: NoticeContext
  /** By the id of the revocation. */
  readonly #revocations = new Map<
    string,
    { readonly notice: Notice; readonly right: RevokerRight }
  >()
  readonly #statuses = new Map<Name, Notice>()
  readonly #successors = new Map<Name, readonly Notice[]>()
  readonly #waiting = new Map<Name, Waiting>()
  readonly #budgets = new Map<Peer, Budget>()

  constructor(context: NoticeContext) {
    this.#context = context
  }

  /**
   * Takes in a notice; one that is known costs no signature. Whoever brings it has a number of
   * checks a second (`from` is null: this node itself).
   * @throws TrustError, Refusal `rate`
   */
  async take(bytes: Uint8Array, from: Peer | null): Promise<NoticeOutcome> {
    const notice = decodeNotice(bytes, this.#context.hash)
    if (this.#isKnown(notice)) return { kind: 'known', notice }
    this.#checkRate(from)
    // A stranger's is told off by comparisons alone; what it rests on is checked then.
    const right = this.#checkRight(notice)
    await this.#verify(notice)
    // Others may have come while the signatures were checked: what was revoked since counts.
    if (this.#isKnown(notice)) return { kind: 'known', notice }
    return this.#enter(notice, this.#checkRight(notice) ?? right)
  }

  /**
   * Takes in what this node kept, and whether it is of use still: its right and signatures were
   * checked when it came. A revocation that has ended takes no room from those that have not.
   */
  restore(bytes: Uint8Array, right: RevokerRight): boolean {
    const notice = decodeNotice(bytes, this.#context.hash)
    const { told } = notice
    if (isRevocation(told) && revocationHasEnded(told, this.#context.clock.now())) return false
    if (this.#isKnown(notice)) return false
    this.#enter(notice, right)
    return true
  }

  /** All revocations that are kept, as they are written down. */
  revocations(): readonly KeptNotice[] {
    return [...this.#revocations.values()].map(({ notice: { bytes }, right }) => ({ bytes, right }))
  }

  /** How many those are. */
  get size(): number {
    return this.#revocations.size
  }

  /** A revocation that is kept, by its id in hexadecimal, and by what right. */
  revocation(
    idText: string,
  ): { readonly notice: Notice; readonly right: RevokerRight } | undefined {
    return this.#revocations.get(idText)
  }

  /** The newest status of a name. */
  status(of: Name): Notice | undefined {
    return this.#statuses.get(of)
  }

  /** The newest status of a name, counting one that waits for revocations that it speaks of. */
  heard(of: Name): HeldStatus | undefined {
    const held = this.#context.trust.statuses.held(of)
    const waiting = this.#waitingOf(of)
    if (waiting === undefined) return held
    const { signed, root } = waiting
    const isNewer = signed.statement.number >= (held?.signed.statement.number ?? 0)
    return isNewer ? { signed, root, rival: null } : held
  }

  /** Whether a status of this name waits for revocations that are not here. */
  isBehind(of: Name): boolean {
    return this.#waitingOf(of) !== undefined
  }

  /** The newest statuses under an anchor, and the successors of its key. */
  news(root: Name): readonly Notice[] {
    const { statuses } = this.#context.trust
    const held = statuses.list().filter((each) => each.root === root)
    return [
      ...(this.#successors.get(root) ?? []),
      ...held.flatMap(({ signed }) => this.#statuses.get(signed.statement.of) ?? []),
    ]
  }

  /** How many those are, under all anchors. */
  get newsSize(): number {
    let size = this.#statuses.size
    for (const successors of this.#successors.values()) size += successors.length
    return size
  }

  /** Forgets revocations that have ended. */
  sweep(now: number): void {
    const { revocations } = this.#context.trust
    revocations.sweep(now)
    for (const [idText, { notice }] of this.#revocations) {
      const { statement } = notice.told
      if (statement.kind === 'revocation' && !revocations.has(statement.of, idText)) {
        this.#revocations.delete(idText)
      }
    }
    for (const of of this.#waiting.keys()) {
      if (this.#waitingOf(of) === undefined) this.#waiting.delete(of)
    }
  }

  /**
   * The status of a name that waits, as long as it says anything: what it speaks of may never have
   * been, where its key was stolen, and must not silence the name for longer than that key counts.
   */
  #waitingOf(of: Name): Waiting | undefined {
    const waiting = this.#waiting.get(of)
    if (waiting === undefined) return undefined
    const { trust, clock } = this.#context
    const { signed } = waiting
    const hasEnded = clock.now() > signed.statement.freshUntil + SKEW_MS
    return hasEnded || trust.revocations.ofStatement(signed) !== undefined ? undefined : waiting
  }

  #isKnown({ told }: Notice): boolean {
    if (isRevocation(told)) return this.#revocations.has(told.idText)
    if (isStatus(told)) {
      const { of } = told.statement
      const known = [this.#statuses.get(of)?.told, this.#waiting.get(of)?.signed]
      return known.some((each) => each?.idText === told.idText)
    }
    const list = this.#successors.get(told.statement.issuer) ?? []
    return list.some((each) => each.told.idText === told.idText)
  }

  #checkRate(from: Peer | null): void {
    if (from === null) return
    const now = this.#context.clock.now()
    let budget = this.#budgets.get(from)
    if (budget === undefined) {
      const oldest = this.#budgets.keys().next()
      if (this.#budgets.size >= NOTICE_SENDERS_MAX && oldest.done !== true) {
        this.#budgets.delete(oldest.value)
      }
      budget = new Budget(NOTICES_PER_SECOND, now)
      this.#budgets.set(from, budget)
    }
    if (budget.take(1, now)) return
    throw new Refusal('rate', 'Cannot check another notice of this neighbour in this second')
  }

  /** By what right it is, all signatures taken for genuine. @throws TrustError */
  #checkRight({ told, proving }: Notice): RevokerRight | undefined {
    const { hash, trust, clock } = this.#context
    if (isSuccessor(told)) {
      moveBySuccessor(told, this.#context)
      return undefined
    }
    const names = new Set([told, ...proving].map(({ statement }) => statement.issuer))
    const context: AuthorityContext = {
      bindings: proving.filter(isBinding),
      grants: proving.filter(isGrant),
      crossCertificates: proving.filter(isCrossCertificate),
      standpoint: this.#context.standpoint(),
      published: [...names].flatMap((name) => this.#context.published(name)),
      anchors: trust.anchors,
      revocations: trust.revocations,
      now: clock.now(),
    }
    return isRevocation(told) ? checkRevoker(told, context, hash) : checkStatusIssuer(told, context)
  }

  async #verify({ told, proving }: Notice): Promise<void> {
    for (const signed of [told, ...proving]) {
      if (signed !== told && this.#context.isVerified(signed)) continue
      if (await verifySignature(signed, this.#context.verifier)) continue
      const { kind, issuer } = signed.statement
      const reason = `the signature of its ${kind} by "${issuer}" does not hold`
      throw new TrustError('bad-signature', `Cannot take notice: ${reason}`)
    }
  }

  #enter(notice: Notice, right: RevokerRight | undefined): NoticeOutcome {
    const { told } = notice
    if (isSuccessor(told)) return this.#succeed(notice, told)
    if (right === undefined) throw new Error('A notice without a right was to be kept')
    if (isStatus(told)) return this.#enterStatus({ notice, signed: told, root: right.root })
    const known: KnownRevocation = { signed: told, ...right }
    this.#context.trust.revocations.add(known)
    this.#revocations.set(told.idText, { notice, right })
    this.#context.trust.raise()
    this.#retry()
    return { kind: 'new', notice, root: right.root }
  }

  #enterStatus(waiting: Waiting): NoticeOutcome {
    const { notice, signed, root } = waiting
    const { of, digest, issuedAt, number } = signed.statement
    const { trust, clock } = this.#context
    const before = trust.statuses.held(of)?.signed.statement.number ?? -1
    // What it speaks of is not all here, so it makes nothing fresh; and it says that we lack some.
    if (number >= before && !trust.revocations.covers(of, digest, issuedAt)) {
      this.#waiting.set(of, waiting)
      return { kind: 'behind', notice, root }
    }
    const outcome = trust.statuses.offer(signed, root, clock.now())
    if (outcome === 'known') return { kind: 'known', notice }
    this.#waiting.delete(of)
    if (outcome !== 'differs') this.#statuses.set(of, notice)
    if (outcome !== 'fresher') trust.raise()
    return { kind: 'new', notice, root }
  }

  #succeed(notice: Notice, told: SignedStatement<Successor>): NoticeOutcome {
    const { trust } = this.#context
    const { name } = told.statement
    const moved = moveBySuccessor(told, this.#context)
    const list = [...(this.#successors.get(name) ?? []), notice]
    if (moved === 'certified') {
      // The first of them is what a certificate commits to: none can be left out.
      if (list.length > SUCCESSORS_PER_NAME_MAX) {
        const limit = `the limit is ${SUCCESSORS_PER_NAME_MAX}; certify its keys anew`
        throw new TrustError('store-full', `Cannot keep another successor of "${name}": ${limit}`)
      }
      trust.successors.set(name, [...(trust.successors.get(name) ?? []), told])
      trust.raise()
    } else if (moved !== undefined) trust.setAnchors(moved)
    this.#successors.set(name, list.slice(-SUCCESSORS_PER_NAME_MAX))
    return { kind: 'new', notice, root: name }
  }

  /** Statuses that waited for a revocation. */
  #retry(): void {
    // One that is still behind goes back into the table that is read here.
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const each of waiting) {
      try {
        this.#enterStatus(each)
      } catch (cause) {
        // A newer one came meanwhile, or there is no room: it is not missed.
        if (!(cause instanceof TrustError)) throw cause
      }
    }
  }
}
