import type { Name } from '@ixj/names'
import { compareBytes, forgetOldest, toHex, TrustError, type Random, type Sha256 } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Clock } from '../clock.ts'
import { decodeBundle } from '../bundles/bundle.ts'
import type { History } from '../history/history.ts'
import type { HistoryRow } from '../history/history-rows.ts'
import type { Head } from '../history/topic-index.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { Carrier } from '../pipeline/context.ts'
import { COMBINE_WINDOW_MS_MAX } from '../limits.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { HostPart } from '../host/host-part.ts'
import type { Repaired } from '../host/intake.ts'
import type { Channel, Peer, Transport } from '../transport.ts'
import { Comparison } from './comparison.ts'
import type { BundleFrame, SyncFrame, TopicFrame } from './frames.ts'
import {
  SYNC_IDS_MAX,
  SYNC_MS,
  SYNC_OFFER_MS,
  SYNC_OFFERS_MAX,
  SYNC_PAGE_MS,
  SYNC_REASONS_MAX,
  SYNC_SOON_MS,
} from './limits.ts'
import { Link, type LinkContext, SYNC_PROTOCOL, type ServedBundle } from './link.ts'
import { mayPassLater } from './passing.ts'
import { Pulls } from './pulls.ts'
import { standstillOf } from './standstill.ts'

/** What sync needs of its node. */
export interface SyncContext {
  readonly clock: Clock
  readonly random: Random
  readonly hash: Sha256
  readonly transport: Transport
  readonly history: History
  /** Topics that are open here. */
  readonly open: ReadonlyMap<Name, OpenTopic>
  /** Decides about a bundle that was asked for, and delivers or keeps it. Never rejects. */
  repair(bytes: Uint8Array, carrier: Carrier, attest: Uint8Array | null): Promise<Repaired>
  /** Whether what agents here write to an inbox goes to this host of it. */
  goesTo(topic: Name, host: Exchange): boolean
  /** What this node says of a bundle that it keeps; null where nobody gave it that right. */
  attest(row: HistoryRow): Promise<Uint8Array | null>
  /** A neighbour did what no honest node does, or something that is ignored. */
  fault(neighbour: Exchange, cause: unknown): void
  /** Something was left out, by nobody's fault. */
  shed(topic: string, sender: string, cause: unknown): void
}

interface Round {
  /** When the topic is compared by itself. */
  next: number
  cancel: (() => void) | undefined
  /** Why it is compared soon; what has come meanwhile is none any more. */
  readonly reasons: Set<() => boolean>
  /** Neighbours that have come to it since, and are compared with in any case. */
  readonly newcomers: Set<Peer>
}

const ALWAYS = (): boolean => true

/**
 * Repair: what gossip lost, and what passed while a node was away, comes from any neighbour that has
 * it. A topic is compared with those who have shown a right to it; what an agent here sent to an
 * inbox is offered to the inbox's hosts (docs/protocol.md, "Sync").
 */
export class Sync implements HostPart {
  readonly protocols = [SYNC_PROTOCOL]
  readonly #context: SyncContext
  /** One for all: a relay has thousands of neighbours. */
  readonly #linkContext: LinkContext
  readonly #comparison: Comparison
  readonly #pulls: Pulls
  readonly #links = new Map<Peer, Link>()
  readonly #rounds = new Map<Name, Round>()
  /** Ids of what was sent to inboxes, until they were offered. */
  readonly #offers = new Map<Name, Map<string, Uint8Array>>()
  #cancelOffers: (() => void) | undefined
  #isClosed = false

  constructor(context: SyncContext) {
    this.#context = context
    const { clock, history, transport } = context
    this.#linkContext = {
      clock,
      transport,
      read: (topic, ids) => this.#read(topic, ids),
      cost: (frame) => costOf(frame, history),
      take: (from, frame) => this.#take(from, frame),
      fault: (from, cause) => context.fault(from, cause),
      shed: ({ greeted: { name } }, cause) => context.shed(name, name, cause),
    }
    this.#comparison = new Comparison(context)
    this.#pulls = new Pulls({
      clock,
      has: (idText) => history.knows(idText),
      ask: (peer, topic, ids) =>
        this.#links.get(peer)?.say({ kind: 'pull', topic, ids: ids.toSorted(compareBytes) }),
      done: (topic, gained) => {
        if (!gained) return
        this.#comparison.worked(topic)
        this.soon(topic)
      },
    })
  }

  admitted(neighbour: Exchange): void {
    const link = new Link(neighbour, this.#linkContext)
    this.#links.set(neighbour.peer, link)
  }

  gone(peer: Peer): void {
    const link = this.#links.get(peer)
    link?.close()
    this.#links.delete(peer)
    this.#pulls.gone(peer)
    this.#comparison.gone(peer)
    const rights = link?.neighbour.rights.values() ?? []
    for (const { frame } of rights) if (frame.of === 'combiner') this.#combinerGone(frame.topic)
  }

  channel(neighbour: Exchange, channel: Channel): void {
    const link = this.#links.get(neighbour.peer)
    if (link === undefined) void channel.close()
    else link.attach(channel)
  }

  /** A neighbour has shown a right to this topic. */
  routed(topic: Name, peer: Peer): void {
    if (this.#context.open.get(topic)?.of === 'group') {
      this.#round(topic).newcomers.add(peer)
      this.#compareSoon(topic)
      return
    }
    // What combiners have is passed up by them: a reader that came back has it from there.
    const ids = this.#context.history.ownIds(topic).slice(-SYNC_OFFERS_MAX)
    if (ids.length === 0) return
    const isCombined = [...this.#links.values()].some((link) => link.neighbour.combines(topic))
    if (!isCombined) this.#offer(topic, ids)
  }

  /** A bundle came in; it is missed no longer. */
  arrived(topic: Name, idText: string): void {
    this.#pulls.arrived(topic, idText)
  }

  /** An agent here sent a bundle to an inbox of another node: its hosts are told its id. */
  sent(topic: Name, id: Uint8Array): void {
    const ids = this.#offers.get(topic) ?? new Map<string, Uint8Array>()
    this.#offers.set(topic, ids.set(toHex(id), id))
    forgetOldest(ids, SYNC_OFFERS_MAX)
    const { clock } = this.#context
    this.#cancelOffers ??= clock.at(clock.now() + SYNC_OFFER_MS, () => this.#offerAll())
  }

  /** A host of the inbox has acknowledged a bundle: it need not be offered. */
  acknowledged(topic: Name, id: Uint8Array): void {
    this.#offers.get(topic)?.delete(toHex(id))
  }

  /** What a node told of the streams that it hosts: one that goes on past what is here, and stands still, is missed. */
  heard(topic: Name, heads: readonly Head[]): void {
    const isMissed = standstillOf(this.#context.history, topic, heads)
    if (isMissed !== undefined) this.soon(topic, isMissed)
  }

  /** Compares a topic with all neighbours that have a right to it, soon, if it is `still` needed. */
  soon(topic: Name, still: () => boolean = ALWAYS): void {
    const { reasons } = this.#round(topic)
    reasons.add(reasons.size < SYNC_REASONS_MAX ? still : ALWAYS)
    this.#compareSoon(topic)
  }

  sweep(now: number): void {
    const { open, history } = this.#context
    history.sweep(now)
    for (const { topic, of } of open.values()) {
      const round = this.#round(topic)
      if (of !== 'group' || round.next > now) continue
      round.next = this.#nextRound(now)
      this.#compare(topic, this.#beganWith(this.#links.values()), { settled: true })
    }
    for (const [topic, round] of this.#rounds) {
      if (!open.has(topic) && round.cancel === undefined) this.#rounds.delete(topic)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancelOffers?.()
    for (const { cancel } of this.#rounds.values()) cancel?.()
    for (const link of this.#links.values()) link.close()
    this.#pulls.close()
  }

  #round(topic: Name): Round {
    let round = this.#rounds.get(topic)
    if (round === undefined) {
      const next = this.#nextRound(this.#context.clock.now())
      round = { next, cancel: undefined, reasons: new Set(), newcomers: new Set() }
      this.#rounds.set(topic, round)
    }
    return round
  }

  /** Give or take a fifth, so that many nodes do not speak at once. */
  #nextRound(now: number): number {
    const { random, transport } = this.#context
    const jitter = ((random(1)[0] ?? 0) / 255) * 0.4 + 0.8
    const ms = transport.overRelays === true ? SYNC_PAGE_MS : SYNC_MS
    return now + Math.round(ms * jitter)
  }

  #compareSoon(topic: Name): void {
    const { clock } = this.#context
    const round = this.#round(topic)
    if (this.#isClosed) return
    round.cancel ??= clock.at(clock.now() + SYNC_SOON_MS, () => {
      round.cancel = undefined
      const { reasons, newcomers } = round
      const links = [...reasons].some((reason) => reason())
        ? this.#links.values()
        : this.#beganWith([...newcomers].flatMap((peer) => this.#links.get(peer) ?? []))
      reasons.clear()
      newcomers.clear()
      this.#compare(topic, links, { settled: false })
    })
  }

  /** Pages begin with their relays, which have thousands of them. */
  #beganWith(links: Iterable<Link>): readonly Link[] {
    const { transport } = this.#context
    return [...links].filter(({ neighbour }) => transport.isPage?.(neighbour.peer) !== true)
  }

  #compare(topic: Name, links: Iterable<Link>, options: { readonly settled: boolean }): void {
    for (const link of links) {
      if (!this.#shares(link.neighbour, topic)) continue
      const { peer } = link.neighbour
      this.#comparison.begin(topic, { ...options, peer }, (frame) => link.say(frame))
    }
  }

  #offerAll(): void {
    this.#cancelOffers = undefined
    for (const [topic, ids] of this.#offers) this.#offer(topic, [...ids.values()])
    this.#offers.clear()
  }

  /** What it took in, and may not have passed up, is offered to whoever takes its place. */
  #combinerGone(topic: Name): void {
    const { clock, history } = this.#context
    const since = clock.now() - COMBINE_WINDOW_MS_MAX - SYNC_OFFER_MS
    for (const id of history.ownIds(topic, since)) this.sent(topic, id)
  }

  #offer(topic: Name, ids: readonly Uint8Array[]): void {
    if (ids.length === 0) return
    const sorted = ids.toSorted(compareBytes)
    for (const link of this.#links.values()) {
      if (this.#context.goesTo(topic, link.neighbour))
        link.say({ kind: 'offer', topic, ids: sorted })
    }
  }

  /** Whether a neighbour has shown a right to a group that is open here. */
  #shares(neighbour: Exchange, topic: Name): boolean {
    const isOpen = this.#context.open.get(topic)?.of === 'group'
    return isOpen && neighbour.rights.get(topic)?.frame.of === 'group'
  }

  async #take(neighbour: Exchange, frame: SyncFrame): Promise<void> {
    if (frame.kind === 'bundle') return await this.#takeBundle(neighbour, frame)
    this.#checkRight(neighbour, frame)
    const { peer } = neighbour
    const say = (answer: SyncFrame) => this.#links.get(peer)?.say(answer)
    switch (frame.kind) {
      case 'summary':
        return this.#comparison.summary(frame, peer, say)
      case 'buckets':
        return this.#comparison.buckets(frame, peer, say)
      case 'ids': {
        this.#pulls.listed(frame.topic, frame.ids, peer)
        const extras = this.#comparison.extras(frame)
        for (let start = 0; start < extras.length; start += SYNC_IDS_MAX) {
          const ids = extras.slice(start, start + SYNC_IDS_MAX)
          say({ kind: 'offer', topic: frame.topic, ids })
        }
        return
      }
      case 'offer':
        this.#pulls.listed(frame.topic, frame.ids, peer)
        return
      case 'pull':
        return this.#serve(neighbour, frame.topic, frame.ids)
      case 'gone':
        for (const id of frame.ids) this.#pulls.answered(toHex(id), peer, 'worthless')
    }
  }

  /**
   * "Only for topics on which that neighbour has shown a right; inbox topics only to hosts." Who may
   * write to an inbox may offer what it wrote there.
   */
  #checkRight(neighbour: Exchange, { kind, topic }: TopicFrame): void {
    const right = neighbour.rights.get(topic)
    const isInbox = this.#context.open.get(topic)?.of === 'inbox'
    const may =
      kind === 'pull'
        ? right !== undefined
        : this.#shares(neighbour, topic) || ((kind === 'offer' || kind === 'gone') && isInbox)
    if (may) return
    const reason = `${neighbour.greeted.name} has shown no right to it`
    throw new TrustError('not-granted', `Cannot take ${kind} about ${topic}: ${reason}`)
  }

  /** @throws Refusal `rate` */
  #serve(neighbour: Exchange, topic: Name, ids: readonly Uint8Array[]): void {
    const link = this.#links.get(neighbour.peer)
    const found = this.#context.history.find(topic, ids).map(({ id }) => id)
    const known = new Set(found.map(toHex))
    const gone = ids.filter((id) => !known.has(toHex(id)))
    if (gone.length > 0) link?.say({ kind: 'gone', topic, ids: gone })
    if (found.length > 0) link?.serve(topic, found)
  }

  async #read(topic: Name, ids: readonly Uint8Array[]): Promise<readonly ServedBundle[]> {
    const context = this.#context
    const { history } = context
    try {
      const kept = await history.read(history.find(topic, ids))
      return await Promise.all(
        kept.map(async ({ row, bytes }) => ({
          id: toHex(row.id),
          bytes,
          attest: await context.attest(row),
        })),
      )
    } catch (cause) {
      if (!(cause instanceof AgentError)) throw cause
      // A disk that cannot be read is told here; the neighbour asks somebody else.
      context.shed(topic, topic, cause)
      return []
    }
  }

  /** What was asked for is decided about like everything that comes in. @throws Refusal, TrustError */
  async #takeBundle(neighbour: Exchange, { bytes, attest }: BundleFrame): Promise<void> {
    const { peer } = neighbour
    const { header, idText } = decodeBundle(bytes, this.#context.hash)
    const topic = this.#pulls.asked(idText, peer)
    if (topic === undefined) {
      throw new Refusal('form', `Cannot take bundle ${idText}: it was not asked for`)
    }
    if (header.topic !== topic) {
      this.#pulls.answered(idText, peer, 'worthless')
      throw new Refusal('wrong-topic', `Cannot take bundle ${idText}: it is not for ${topic}`)
    }
    const { decision, hasLapsed } = await this.#context.repair(bytes, { topic, from: peer }, attest)
    const { code, verdict } = decision
    if (code === null || verdict === 'accept') return this.#pulls.answered(idText, peer, 'accepted')
    if (verdict === 'reject') {
      // Another's copy of the same header may be genuine.
      this.#pulls.answered(idText, peer, 'worthless')
      throw new Refusal(code, `Cannot take bundle ${idText} as it was given`)
    }
    // Its proof had lapsed, and this neighbour's word does not help: a keeper's may.
    const refused = hasLapsed ? 'lapsed' : 'settled'
    this.#pulls.answered(idText, peer, mayPassLater(code) ? 'again' : refused)
  }
}

/** How many ids a frame has one look at: those in it, and those of the stretch that it lists. */
function costOf(frame: SyncFrame, history: History): number {
  const own = 'ids' in frame ? frame.ids.length : 0
  return frame.kind === 'ids' ? own + history.lookedAt(frame) : own
}
