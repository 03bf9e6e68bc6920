import type { Name } from '@ixj/names'
import {
  isRevocation,
  isStatus,
  isSuccessor,
  TrustError,
  type Random,
  type Sha256,
  type SignedStatement,
  type Successor,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { ENDED_NOTICES_KEPT, REVOKED_TOPICS_MAX } from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { RevokedFrame } from '../neighbours/frames.ts'
import { codeOf } from '../pipeline/decision.ts'
import { VERDICTS } from '../pipeline/verdicts.ts'
import { TransportError, type Peer, type Transport, type Verdict } from '../transport.ts'
import type { NoticeBook, NoticeOutcome } from './notice-book.ts'
import type { Notice } from './notice.ts'
import type { KeptNotice, NoticeStore } from './notice-store.ts'
import { RevokedSync } from './revoked-sync.ts'
import { StatusPublisher, type StatusIssuer } from './status-publisher.ts'
import type { TrustState } from './trust-state.ts'

/** What a node's revocations are kept with. */
export interface RevokedContext {
  readonly clock: Clock
  readonly random: Random
  readonly hash: Sha256
  readonly transport: Transport
  readonly trust: TrustState
  readonly notices: NoticeBook
  /** What is written down of revocations, and of the newest statuses and successors. */
  readonly kept: { readonly revocations: NoticeStore; readonly news: NoticeStore }
  /** The organisation of the node. */
  readonly organisation: Name
  /** Other organisations that the node's home has cross-certificates of. */
  readonly certified: readonly Name[]
  neighbours(): readonly Exchange[]
  neighbour(peer: Peer | null): Exchange | undefined
  /** A key or a statement is void from now on, or an anchor has another key. */
  changed(): void
  /** An anchor moved to another key, for whoever keeps the trust store. */
  succeeded(signed: SignedStatement<Successor>): void
  /** This node is about to tell something of its own. */
  told(signed: SignedStatement): void
  /** A notice was refused, or could not be written down or told. */
  failed(about: string, from: Peer | null, cause: unknown): void
}

/** The topic of an organisation's revocations: the only one that is no name. */
export function revokedTopic(root: Name): string {
  return `${root}/revoked`
}

/** The root of such a topic; undefined for any other. */
export function rootOfTopic(topic: string): Name | undefined {
  return topic.endsWith('/revoked') ? (topic.slice(0, -'/revoked'.length) as Name) : undefined
}

/**
 * A node's part in revocations: it follows the topics of its own and its trusted roots, compares
 * with each neighbour, publishes statuses of the names whose keys it has, and passes on what is new.
 */
export class Revoked {
  readonly #context: RevokedContext
  readonly #sync: RevokedSync
  readonly #publisher: StatusPublisher
  readonly #joined = new Set<Name>()
  #closed = false

  constructor(context: RevokedContext) {
    this.#context = context
    this.#sync = new RevokedSync(context)
    const { clock, random, hash, trust, notices } = context
    this.#publisher = new StatusPublisher({
      clock,
      random,
      hash,
      trust,
      isBehind: (of) => notices.isBehind(of),
      tell: (notice) => this.tell(notice),
      failed: (of, cause) => context.failed(of, null, cause),
    })
  }

  /** Joins the topics of the own root and of those that are trusted, as far as there is room. */
  async open(): Promise<void> {
    const { trust, organisation, certified } = this.#context
    const roots = [organisation, ...trust.anchors.list.map(({ name }) => name), ...certified]
    for (const root of roots) await this.#join(root)
  }

  /** Begins to publish the status of a name; the returned function ends that. */
  async publish(issuer: StatusIssuer): Promise<() => void> {
    return await this.#publisher.add(issuer)
  }

  /** Takes in a notice of this very node and tells it to all. @throws TrustError */
  async tell(notice: Notice): Promise<void> {
    this.#context.told(notice.told)
    await this.take(notice.bytes, null)
  }

  /**
   * Takes in a notice, and passes on what is new.
   * @throws TrustError, Refusal `rate`
   */
  async take(bytes: Uint8Array, from: Peer | null): Promise<NoticeOutcome> {
    const outcome = await this.#context.notices.take(bytes, from)
    await this.#follow(outcome, from)
    if (outcome.kind !== 'known') await this.#spread(outcome.root, bytes)
    return outcome
  }

  /** A message on the topic of a root. Never throws. */
  async message(root: Name, bytes: Uint8Array, from: Peer): Promise<Verdict> {
    try {
      const outcome = await this.#context.notices.take(bytes, from)
      await this.#follow(outcome, from)
      // What is here already came by another way, and was passed on then.
      return outcome.kind === 'known' || outcome.root !== root ? 'ignore' : 'accept'
    } catch (cause) {
      this.#context.failed(root, from, cause)
      return VERDICTS[codeOf(cause)]
    }
  }

  /** A neighbour was admitted: it may follow its own root and ours, and is told what is known. */
  greet(neighbour: Exchange): void {
    const { transport, organisation } = this.#context
    const theirs = neighbour.chain.organisation
    if (!this.#joined.has(theirs)) void this.#join(theirs)
    const roots = theirs === organisation ? [...this.#joined] : [organisation, theirs]
    for (const root of roots) {
      if (this.#joined.has(root)) transport.allow(neighbour.peer, revokedTopic(root))
    }
    this.#sync.greet(neighbour, roots)
  }

  /** A frame of a neighbour's. @throws TrustError, Refusal, for the neighbour's account */
  async frame(neighbour: Exchange, frame: RevokedFrame): Promise<void> {
    if (frame.kind !== 'notices') this.#checkShared(neighbour, frame.root)
    switch (frame.kind) {
      case 'revoked':
        this.#sync.compare(neighbour, frame.root, frame.digest)
        return
      case 'have':
        this.#sync.complete(neighbour, frame)
        return
      case 'notices':
        // One that is refused must not hide those after it.
        for (const bytes of frame.notices) await this.#takeTold(bytes, neighbour)
    }
  }

  /** Whom else we trust is told to our own organisation alone. */
  #isShared(neighbour: Exchange, root: Name): boolean {
    const { organisation } = this.#context
    const theirs = neighbour.chain.organisation
    return theirs === organisation || root === organisation || root === theirs
  }

  #checkShared(neighbour: Exchange, root: Name): void {
    if (this.#isShared(neighbour, root)) return
    const who = `"${neighbour.greeted.name}"`
    const reason = 'it is of neither organisation'
    throw new TrustError(
      'not-granted',
      `Cannot compare revocations of "${root}" with ${who}: ${reason}`,
    )
  }

  /** Forgets what has ended. */
  sweep(now: number): void {
    const { notices, kept } = this.#context
    notices.sweep(now)
    if (this.#closed) return
    const { size, newsSize } = notices
    shorten(kept.revocations, { size, current: () => notices.revocations() })
    shorten(kept.news, { size: newsSize, current: () => this.#news() })
    void this.#flush()
  }

  /** Ends publishing; what was taken in is written down when this resolves. */
  async close(): Promise<void> {
    this.#closed = true
    this.#publisher.close()
    this.#sync.close()
    await this.#flush()
  }

  /** Follows the topic of a root, if there is room for one more. */
  async #join(root: Name): Promise<void> {
    if (this.#joined.has(root) || this.#joined.size >= REVOKED_TOPICS_MAX) return
    this.#joined.add(root)
    try {
      await this.#context.transport.subscribe(revokedTopic(root))
    } catch (cause) {
      // Neighbours tell of revocations all the same, when they meet us and when a status says so.
      if (!(cause instanceof TransportError)) throw cause
      this.#joined.delete(root)
      this.#context.failed(root, null, cause)
    }
  }

  async #takeTold(bytes: Uint8Array, neighbour: Exchange): Promise<void> {
    try {
      await this.take(bytes, neighbour.peer)
    } catch (cause) {
      // Bytes that no honest node sends are the neighbour's fault; the rest is our own matter.
      if (VERDICTS[codeOf(cause)] === 'reject') throw cause
      this.#context.failed('notice', neighbour.peer, cause)
    }
  }

  /** What follows from a notice that was taken in. */
  async #follow(outcome: NoticeOutcome, from: Peer | null): Promise<void> {
    if (outcome.kind === 'known') return
    const { notice, root } = outcome
    const { told } = notice
    if (outcome.kind === 'behind') {
      const teller = this.#context.neighbour(from)
      const tellers = teller === undefined ? this.#context.neighbours() : [teller]
      for (const neighbour of tellers) {
        if (this.#isShared(neighbour, root)) this.#sync.list(neighbour, root)
      }
      return
    }
    if (isStatus(told)) {
      // Renewed every 20 s, they are kept when they say something new, and written with the next
      // sweep: what they tell of revocations was written when those came.
      if (told.statement.issuedAt === told.statement.number) this.#keepNews(notice, root)
      return
    }
    this.#context.changed()
    if (isSuccessor(told)) {
      // Of a subject of cross-certificates no trust store has an anchor to move.
      const { anchors } = this.#context.trust
      if (anchors.get(told.statement.name) !== undefined) this.#context.succeeded(told)
      this.#keepNews(notice, root)
    } else if (isRevocation(told)) {
      const known = this.#context.notices.revocation(told.idText)
      if (known !== undefined) this.#keepRevocation(notice.bytes, known.right)
      void this.#publisher.changed(told.statement.of)
    }
    await this.#flush()
  }

  /** Each is written behind the others: to write all for one costs a large organisation its time. */
  #keepNews({ bytes }: Notice, root: Name): void {
    this.#keep(this.#context.kept.news, newsOf(bytes, root))
  }

  #keepRevocation(bytes: Uint8Array, right: KeptNotice['right']): void {
    this.#keep(this.#context.kept.revocations, { bytes, right })
  }

  #keep(store: NoticeStore, kept: KeptNotice): void {
    try {
      store.add(kept)
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      this.#context.failed(kept.right.root, null, cause)
    }
  }

  /** The newest statuses and successors under every root. */
  #news(): readonly KeptNotice[] {
    const { trust, notices } = this.#context
    const roots = new Set([
      ...trust.statuses.list().map(({ root }) => root),
      ...trust.anchors.list.map(({ name }) => name),
      ...trust.successors.keys(),
    ])
    return [...roots].flatMap((root) => notices.news(root).map(({ bytes }) => newsOf(bytes, root)))
  }

  async #flush(): Promise<void> {
    try {
      await this.#context.kept.revocations.flush()
      await this.#context.kept.news.flush()
    } catch (cause) {
      // It counts all the same, and is written with the next one.
      this.#context.failed('notices', null, cause)
    }
  }

  async #spread(root: Name, bytes: Uint8Array): Promise<void> {
    const { transport } = this.#context
    if (this.#closed || !this.#joined.has(root)) return
    try {
      await transport.publish(revokedTopic(root), bytes)
    } catch (cause) {
      // Neighbours that did not take it compare when they meet us again.
      if (!(cause instanceof TransportError)) throw cause
      this.#context.failed(root, null, cause)
    }
  }
}

function newsOf(bytes: Uint8Array, root: Name): KeptNotice {
  return { bytes, right: { root, reach: { kind: 'below' } } }
}

/**
 * What has ended or is superseded would fill a store in time, and then nothing new be remembered:
 * where that is the greater part, only what is current stays.
 */
function shorten(
  store: NoticeStore,
  { size, current }: { readonly size: number; readonly current: () => readonly KeptNotice[] },
): void {
  if (store.size > 2 * size + ENDED_NOTICES_KEPT) store.replace(current())
}
