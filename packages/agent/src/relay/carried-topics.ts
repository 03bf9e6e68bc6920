import type { Name } from '@ixj/names'
import { toHex, TrustError, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { HostPart } from '../host/host-part.ts'
import type { Identity } from '../host/identity.ts'
import type { Sink } from '../host/topics.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import { checkInbox, checkMember } from '../neighbours/right.ts'
import { codeOf, type Decision } from '../pipeline/decision.ts'
import { Budget } from '../pipeline/rate.ts'
import { type Code, Refusal, VERDICTS } from '../pipeline/verdicts.ts'
import type { Presence } from '../presence/presence.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import { TransportError, type Channel, type Peer, type Transport } from '../transport.ts'
import {
  CARRY_PROTOCOL,
  type CarryFrame,
  type CarryTold,
  decodeCarry,
  encodeCarry,
} from './carry-frames.ts'
import { carriedSink, type Claim, displacedBy, type Entry } from './carried-entry.ts'
import { CarriedShares } from './carried-shares.ts'
import {
  CARRIED_GROUPS_MAX,
  CARRIED_PER_PAGE_MAX,
  CARRY_FRAMES_PER_SECOND,
  CARRY_LINGER_MS,
  CARRY_PROOF_MS,
} from './limits.ts'

/** What of a relay's node its carried topics use. */
export interface CarryingNode {
  readonly identity: Pick<Identity, 'name' | 'signer'>
  readonly clock: Clock
  readonly hash: Sha256
  readonly trust: TrustState
  readonly proofs: ProofBook
  readonly neighbours: Neighbours
  readonly presence: Presence
  open(topic: OpenTopic, sink: Sink): Promise<void>
  close(topic: OpenTopic, sink: Sink): Promise<void>
  plain(about: 'right', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/** Who is a page, and who pays for it. */
export type Paying = Pick<Transport, 'carriedGroupsMax' | 'isPage' | 'payer'>

/** One page, and what it asked for. */
interface Page {
  readonly neighbour: Exchange
  readonly channel: Channel
  readonly topics: Set<Name>
  readonly frames: Budget
}

/**
 * Topics that a relay receives for agents of pages, each by the right of one such agent: a grant that
 * names this very node. A page gets of them what its own rights allow, like every neighbour, so what
 * it asks us to carry gives it nothing that it may not have.
 */
export class CarriedTopics implements HostPart {
  readonly protocols = [CARRY_PROTOCOL]
  readonly #node: CarryingNode
  readonly #pays: Paying
  readonly #shares: CarriedShares
  readonly #entries = new Map<Name, Entry>()
  readonly #pages = new Map<Peer, Page>()
  /** What ends the carrying for pages that have left. */
  readonly #lingering = new Set<() => void>()
  #generation: number

  constructor(node: CarryingNode, pays: Paying) {
    this.#node = node
    this.#pays = pays
    this.#shares = new CarriedShares(pays.carriedGroupsMax ?? CARRIED_GROUPS_MAX)
    this.#generation = node.trust.generation
  }

  /** Topics that are carried now. */
  get size(): number {
    return this.#entries.size
  }

  /** Whether this is an inbox that is carried. */
  isCarried(topic: Name): boolean {
    return this.#entries.has(topic)
  }

  /** Pages that an inbox is carried for, as far as they have shown a right of their own to it. */
  hostsOf(inbox: Name): readonly Exchange[] {
    const { neighbours } = this.#node
    const claims = this.#entries.get(inbox)?.claims.keys() ?? []
    return [...claims].flatMap((peer) => {
      const page = neighbours.get(peer)
      return page?.hosts(inbox) === true ? [page] : []
    })
  }

  channel(neighbour: Exchange, channel: Channel): void {
    const { peer } = neighbour
    if (this.#pays.isPage?.(peer) !== true || this.#pages.has(peer)) {
      void channel.close()
      return
    }
    const frames = new Budget(CARRY_FRAMES_PER_SECOND, this.#node.clock.now())
    const page = { neighbour, channel, topics: new Set<Name>(), frames }
    this.#pages.set(peer, page)
    void this.#read(page)
  }

  /** A page may have shown its own right to an inbox that it asked us to carry. */
  routed(topic: Name): void {
    const entry = this.#entries.get(topic)
    if (entry !== undefined && entry.shown === undefined) this.#look(entry)
  }

  gone(peer: Peer): void {
    const page = this.#pages.get(peer)
    this.#pages.delete(peer)
    if (page !== undefined && page.topics.size > 0) this.#linger(peer, page.topics)
  }

  sweep(now: number): void {
    const isChanged = this.#generation !== this.#node.trust.generation
    this.#generation = this.#node.trust.generation
    for (const { topic, claims } of this.#entries.values()) {
      for (const [peer, { frame, until }] of claims) {
        if (until < now || (isChanged && !this.#holds(frame))) this.#drop(topic, peer)
      }
    }
  }

  close(): void {
    for (const { channel } of this.#pages.values()) void channel.close()
    this.#pages.clear()
    for (const cancel of this.#lingering) cancel()
    this.#lingering.clear()
  }

  async #read(page: Page): Promise<void> {
    const { neighbour, channel } = page
    const { clock } = this.#node
    try {
      for await (const bytes of channel.frames()) {
        if (!page.frames.take(1, clock.now())) {
          throw new Refusal('rate', `Cannot take another frame of ${neighbour.greeted.name}`)
        }
        await this.#take(page, decodeCarry(bytes))
      }
    } catch (cause) {
      if (!(cause instanceof TransportError)) this.#node.neighbours.fault(neighbour, cause)
    }
    await channel.close()
    if (this.#pages.get(neighbour.peer) === page) this.gone(neighbour.peer)
  }

  async #take(page: Page, frame: CarryTold): Promise<void> {
    switch (frame.kind) {
      case 'carry':
        return await this.#carry(page, frame)
      case 'end':
        if (!page.topics.delete(frame.topic)) return
        this.#node.neighbours.endCarrying(page.neighbour, frame.topic)
        return this.#linger(page.neighbour.peer, [frame.topic])
      case 'carried':
        throw new TrustError('form', 'Cannot take frame: a relay says that, not a page')
    }
  }

  async #carry(page: Page, frame: CarryFrame): Promise<void> {
    const { neighbour, topics } = page
    const { topic } = frame
    try {
      if (topics.size >= CARRIED_PER_PAGE_MAX && !topics.has(topic)) {
        const limit = `limit ${CARRIED_PER_PAGE_MAX} topics of a page`
        throw new Refusal('table-full', `Cannot carry ${topic}: ${limit}`)
      }
      // It was told on another stream, so it may be here or not.
      const bytes = frame.proof.length
      await neighbour.waitForProof(frame.proof, { bytes, askAfterMs: CARRY_PROOF_MS })
      const until = this.#check(frame)
      if (this.#pages.get(neighbour.peer) !== page) return
      const known = this.#entries.get(topic)
      const displaced = known === undefined ? [] : displacedBy(known, frame)
      this.#charge(frame, neighbour.peer)
      const entry = this.#entryOf(topic)
      topics.add(topic)
      const shared = this.#node.proofs.sharing(frame, neighbour.greeted.key)
      entry.claims.set(neighbour.peer, { frame: shared, until })
      for (const peer of displaced) void this.#displace(topic, peer, 'wrong-topic')
      this.#look(entry)
      const failure = await entry.work
      if (failure !== undefined) {
        this.#drop(topic, neighbour.peer)
        throw new Refusal('wrong-topic', `Cannot carry ${topic}`, { cause: failure })
      }
      this.#node.neighbours.carryFor(neighbour, topic)
      await this.#say(page, topic, null)
    } catch (cause) {
      if (!(cause instanceof TrustError || cause instanceof Refusal)) throw cause
      this.#node.record(this.#node.plain('right', 'carry', topic, neighbour.greeted.name, cause))
      await this.#say(page, topic, codeOf(cause))
      if (VERDICTS[cause.code] === 'reject' && cause.code !== 'wrong-topic') throw cause
    }
  }

  async #say({ channel }: Page, topic: Name, code: string | null): Promise<void> {
    await channel.send(encodeCarry({ kind: 'carried', topic, code }))
  }

  /** Until when the claim holds. @throws TrustError; Refusal `proof-missing`, `wrong-topic` */
  #check(frame: CarryFrame): number {
    const { identity, proofs, trust, clock } = this.#node
    const { topic, agent, agentKey, subscribe, host } = frame
    const material = proofs.material(toHex(frame.proof))
    if (material === undefined) {
      throw new Refusal('proof-missing', `Cannot carry ${topic}: its proof is not complete`)
    }
    if (topic === identity.name) {
      throw new Refusal('wrong-topic', `Cannot carry ${topic}: it is this node's own`)
    }
    const node = { name: identity.name, key: identity.signer.publicKey }
    const context = { material, anchors: trust.anchors, now: clock.now() }
    if (frame.of === 'inbox') return checkInbox(topic, host, node, context).until
    return checkMember({ topic, agent, agentKey, subscribe, answer: null, host }, node, context)
      .until
  }

  #holds(frame: CarryFrame): boolean {
    try {
      this.#check(frame)
      return true
    } catch (cause) {
      if (cause instanceof TrustError || cause instanceof Refusal) return false
      throw cause
    }
  }

  #entryOf(topic: Name): Entry {
    const known = this.#entries.get(topic)
    if (known !== undefined) return known
    const entry: Entry = {
      topic,
      claims: new Map(),
      shown: undefined,
      work: Promise.resolve(undefined),
    }
    this.#entries.set(topic, entry)
    return entry
  }

  #drop(topic: Name, peer: Peer): void {
    const entry = this.#entries.get(topic)
    if (entry === undefined || !entry.claims.delete(peer)) return
    const page = this.#pages.get(peer)
    if (page?.topics.delete(topic) === true) {
      this.#node.neighbours.endCarrying(page.neighbour, topic)
    }
    if (entry.shown === undefined || entry.shown.peer === peer) this.#look(entry)
    else if (entry.claims.size === 0) this.#forget(topic)
  }

  /** @throws Refusal `table-full` where it is one group too many, and its address has its share */
  #charge({ topic, of }: CarryFrame, peer: Peer): void {
    if (of !== 'group') return
    const given = this.#shares.take(topic, this.#payerOf(peer))
    if (given === undefined) return
    const claims = this.#entries.get(given)?.claims.keys() ?? []
    for (const each of claims) void this.#displace(given, each, 'table-full')
  }

  #forget(topic: Name): void {
    this.#entries.delete(topic)
    this.#shares.release(topic)
  }

  #payerOf(peer: Peer): string {
    return this.#pays.payer?.(peer) ?? peer
  }

  /** A page's topic goes for another. Nobody waits until it has been told, for it may not read. */
  async #displace(topic: Name, peer: Peer, code: Code): Promise<void> {
    const page = this.#pages.get(peer)
    this.#drop(topic, peer)
    try {
      if (page !== undefined) await this.#say(page, topic, code)
    } catch (cause) {
      // It has left, and asks anew when it is back.
      if (!(cause instanceof TransportError)) throw cause
    }
  }

  /** What a page said last, that it leaves for one thing, is on its way through here. */
  #linger(peer: Peer, topics: Iterable<Name>): void {
    const { clock } = this.#node
    const cancel = clock.at(clock.now() + CARRY_LINGER_MS, () => {
      this.#lingering.delete(cancel)
      const back = this.#pages.get(peer)?.topics
      for (const topic of topics) if (back?.has(topic) !== true) this.#drop(topic, peer)
    })
    this.#lingering.add(cancel)
  }

  /** Shows neighbours the claim of a page that is there: another one where that has ended. */
  #look(entry: Entry): void {
    entry.work = entry.work.then(async () => {
      try {
        await this.#show(entry)
        return undefined
      } catch (cause) {
        const { identity } = this.#node
        this.#node.record(this.#node.plain('right', 'carry', entry.topic, identity.name, cause))
        return cause
      }
    })
  }

  async #show(entry: Entry): Promise<void> {
    const { topic, claims, shown } = entry
    const next = this.#chosen(entry)
    const isSame =
      next !== undefined &&
      shown?.peer === next.peer &&
      claims.get(next.peer)?.frame.host === shown.open.claim?.right.host
    if (isSame) return
    const { presence } = this.#node
    // The next one before the last one goes: the topic is never closed in between.
    const isGroup = next?.claim.frame.of === 'group'
    if (shown !== undefined && !isGroup) await this.#node.close(shown.open, shown.sink)
    entry.shown = next === undefined ? undefined : await this.#openBy(next.peer, next.claim)
    if (shown !== undefined && isGroup) await this.#node.close(shown.open, shown.sink)
    if (isGroup) presence.listen(topic)
    else if (shown?.open.of === 'group') presence.unlisten(topic)
    if (claims.size === 0) this.#forget(topic)
    else if (next !== undefined && isGroup) this.#shares.charge(topic, this.#payerOf(next.peer))
  }

  /** The claim that is shown as long as it is there, else the oldest that may be. */
  #chosen({ topic, claims, shown }: Entry): { peer: Peer; claim: Claim } | undefined {
    const current = shown === undefined ? undefined : claims.get(shown.peer)
    if (shown !== undefined && current !== undefined) return { peer: shown.peer, claim: current }
    for (const [peer, claim] of claims) {
      // An inbox is for a page that receives it: else its senders would write to nobody.
      const isThere = claim.frame.of === 'group' || this.#receives(peer, topic)
      if (isThere) return { peer, claim }
    }
    return undefined
  }

  #receives(peer: Peer, inbox: Name): boolean {
    return this.#node.neighbours.get(peer)?.hosts(inbox) === true
  }

  async #openBy(peer: Peer, { frame, until }: Claim): Promise<Entry['shown']> {
    const { proofs, identity } = this.#node
    const { topic, of, subscribe, host } = frame
    const proof = proofs.get(toHex(frame.proof))
    if (proof === undefined) {
      throw new Refusal('proof-missing', `Cannot carry ${topic}: its proof is gone`)
    }
    const member = of === 'group' ? frame : { agent: null, agentKey: null }
    const carrier = of === 'group' ? topic : identity.name
    const right = {
      kind: 'right',
      topic,
      of,
      carrier,
      agent: member.agent,
      agentKey: member.agentKey,
      subscribe,
      host,
      proof: proof.id,
    } as const
    const open: OpenTopic = { topic, of, carrier, claim: { right, proof }, until }
    const sink = carriedSink(frame)
    await this.#node.open(open, sink)
    return { peer, open, sink }
  }
}
