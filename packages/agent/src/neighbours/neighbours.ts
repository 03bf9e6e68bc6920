import { isReservedPool, type Name } from '@ixj/names'
import { toHex, TrustError } from '@ixj/trust'
import {
  NEIGHBOUR_FAULTS_MAX,
  RIGHTS_PER_NEIGHBOUR_MAX,
  SOUGHT_MAX,
  SOUGHT_MS,
  STRANGER_CHECKS_PER_SECOND,
  WANTS_PER_NEIGHBOUR_MAX,
} from '../limits.ts'
import { Budget } from '../pipeline/rate.ts'
import { codeOf } from '../pipeline/decision.ts'
import { VERDICTS } from '../pipeline/verdicts.ts'
import { HELLO_PROTOCOL, type Channel, type Peer } from '../transport.ts'
import { AdmittedNeighbours } from './admitted.ts'
import { Exchange, type ExchangeHooks } from './exchange.ts'
import type { RightFrame } from './frames.ts'
import { Greetings, PROOF_PROTOCOL } from './greetings.ts'
import type { Greeted } from './hello.ts'
import { markOf } from './marks.ts'
import type { NeighboursContext } from './neighbours-context.ts'
import type { OpenTopic } from './open-topic.ts'
import { checkNotRevoked, currentChain } from './renewed-chain.ts'
import { keptRight, type SealingKey } from './right.ts'
import { checkShown } from './shown-right.ts'

/**
 * The node's neighbours: hello on every connection, then who may receive what. A node says which
 * topics it has to do with by marks alone, so a neighbour learns no topic that it does not know.
 */
export class Neighbours {
  readonly #context: NeighboursContext
  readonly #admitted = new AdmittedNeighbours()
  readonly #greetings: Greetings
  /** One for all: a relay has thousands of neighbours. */
  readonly #hooks: ExchangeHooks
  /** Inboxes of others that agents here write to, and when they last did; the oldest first. */
  readonly #sought = new Map<Name, number>()

  constructor(context: NeighboursContext) {
    this.#context = context
    this.#hooks = this.#exchangeHooks()
    this.#greetings = new Greetings({
      ...context,
      admit: (peer, greeted) => this.#admit(peer, greeted),
      admitted: (peer) => this.#admitted.get(peer),
    })
  }

  /** Neighbours that proved their names. */
  all(): readonly Exchange[] {
    return this.#admitted.all()
  }

  /** One admitted neighbour. */
  get(peer: Peer | null): Exchange | undefined {
    return peer === null ? undefined : this.#admitted.get(peer)
  }

  /** Whether a connection stands, admitted or not. */
  has(peer: Peer): boolean {
    return this.#admitted.has(peer) || this.#greetings.has(peer)
  }

  /** A connection stands: the initiator begins the hello. */
  connected(peer: Peer, initiator: boolean): void {
    this.#greetings.connected(peer, initiator)
  }

  /** The last connection has ended, and with it every right. */
  disconnected(peer: Peer): void {
    this.#greetings.disconnected(peer)
    const neighbour = this.#admitted.delete(peer)
    this.#context.report({ kind: 'gone', peer, greeted: neighbour?.greeted })
  }

  /** The other side opened a channel. */
  channel(peer: Peer, protocol: string, channel: Channel): void {
    if (protocol === HELLO_PROTOCOL && this.#greetings.channel(peer, channel)) return
    if (protocol === PROOF_PROTOCOL && this.#admitted.has(peer)) {
      this.#admitted.get(peer)?.attach(channel)
    } else {
      void channel.close()
    }
  }

  /** A topic was opened here: those who asked for it are shown our right, the others are asked. */
  opened(topic: OpenTopic): void {
    if (topic.isImplied === true) return
    for (const neighbour of this.#admitted.concerned(topic.topic)) {
      // A right to the inbox of this name is none to the group, nor the other way round.
      const right = neighbour.rights.get(topic.topic)
      if (right !== undefined && right.frame.of !== topic.of) this.#end(neighbour, topic.topic)
      this.#introduce(neighbour, topic)
    }
  }

  /** A topic was closed here. */
  closed(topic: OpenTopic): void {
    if (topic.isImplied === true) return
    for (const neighbour of this.#admitted.concerned(topic.topic)) {
      if (neighbour.shown.delete(topic.topic)) neighbour.end(topic.topic)
      if (topic.carrier === topic.topic) {
        this.#context.transport.disallow(neighbour.peer, topic.carrier)
      }
      neighbour.marks.delete(topic.topic, this.#mark(neighbour, topic.topic))
      neighbour.rights.delete(topic.topic)
    }
  }

  /** Asks every neighbour, now and later, for the host of this inbox, until it is long unused. */
  seek(topic: Name): void {
    const isNew = !this.#sought.delete(topic)
    this.#sought.set(topic, this.#context.clock.now())
    if (!isNew) return
    for (const neighbour of this.#admitted.nodes()) this.#ask(neighbour, topic)
    this.#context.sought(topic)
    const oldest = this.#sought.keys().next()
    if (this.#sought.size > SOUGHT_MAX && oldest.done !== true) this.#forgo(oldest.value)
  }

  /** Whether neighbours are asked for the hosts of this inbox. */
  isSought(topic: Name): boolean {
    return this.#sought.has(topic)
  }

  /** A page has asked for a topic by name: it is asked for its right, and shown ours if it wants it. */
  carryFor(page: Exchange, topic: Name): void {
    const open = this.#context.open.get(topic)
    if (this.#admitted.get(page.peer) !== page) return
    this.#admitted.carry(page, topic)
    if (open?.of === 'group') this.#introduce(page, open)
    else this.#ask(page, topic)
  }

  /** A page asks for a topic no longer. */
  endCarrying(page: Exchange, topic: Name): void {
    if (!this.#admitted.endCarrying(page, topic)) return
    page.marks.delete(topic, this.#mark(page, topic))
    page.shown.delete(topic)
    this.#end(page, topic)
  }

  /** Neighbours that have shown a right to receive this inbox. */
  hostsOf(topic: Name): readonly Exchange[] {
    // Who is of a node's pool is with that node, which may be a page.
    const some = isReservedPool(topic) ? this.all() : this.#admitted.concerned(topic)
    return some.filter((neighbour) => neighbour.hosts(topic))
  }

  /** A neighbour sent what no honest node sends: past 16 of these its connection ends. */
  blame(neighbour: Exchange): void {
    neighbour.faults += 1
    if (neighbour.faults > NEIGHBOUR_FAULTS_MAX) {
      void this.#context.transport.disconnect(neighbour.peer)
    }
  }

  /** The encryption key of the name whose inbox this is, as a neighbour with a right to it proved. */
  sealingKey(topic: Name): SealingKey | undefined {
    for (const neighbour of this.#admitted.all()) {
      const found = neighbour.sealingKey(topic)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Whether this name and key let a neighbour receive the inbox: what comes there is for it. */
  isInboxOf(topic: Name, holder: { readonly name: Name; readonly key: Uint8Array }): boolean {
    return this.#admitted.concerned(topic).some((neighbour) => neighbour.isInboxOf(topic, holder))
  }

  /** Ends rights, and neighbours, whose statements have ended. */
  sweep(now: number): void {
    const { transport, trust, hello, proofs } = this.#context
    const { anchors, revocations } = trust
    const { zoneKeys } = hello
    for (const neighbour of this.#admitted.all()) {
      const by = { zoneKeys, standpoint: proofs.standpoint, anchors, revocations, now }
      const chain = currentChain(neighbour.chain, by)
      if (chain === undefined) void transport.disconnect(neighbour.peer)
      else neighbour.chain = chain
      for (const [topic, right] of neighbour.rights) {
        if (right.until < now) this.#end(neighbour, topic)
        else if (right.rests.some((key) => zoneKeys.isOutvoted(key))) {
          this.#recheck(neighbour, right.frame)
        }
      }
    }
    for (const [topic, used] of this.#sought) {
      if (used >= now - SOUGHT_MS) break
      this.#forgo(topic)
    }
  }

  /**
   * What is trusted or revoked has changed: "a revocation ends the connection", and every right that
   * rests on what is void.
   */
  recheck(): void {
    const { trust, transport } = this.#context
    for (const neighbour of this.#admitted.all()) {
      const { peer, chain, rights } = neighbour
      try {
        checkNotRevoked(chain, trust.revocations)
      } catch (cause) {
        this.#context.report({ kind: 'hello-refused', peer, cause })
        void transport.disconnect(peer)
        continue
      }
      for (const { frame } of rights.values()) this.#recheck(neighbour, frame)
    }
  }

  /** Newer records say something else of a key that this right rests on. */
  #recheck(neighbour: Exchange, frame: RightFrame): void {
    try {
      neighbour.rights.set(
        frame.topic,
        keptRight(checkShown(frame, neighbour, this.#context), frame),
      )
    } catch (cause) {
      this.#end(neighbour, frame.topic)
      this.#context.report({ kind: 'right-refused', peer: neighbour.peer, right: frame, cause })
    }
  }

  #admit(peer: Peer, greeted: Greeted): Exchange {
    // The proof took time, some of it in the hands of the other side: what was revoked since counts.
    checkNotRevoked(greeted.chain, this.#context.trust.revocations)
    const { transport, clock, open, hello } = this.#context
    const strangers = new Budget(STRANGER_CHECKS_PER_SECOND, clock.now())
    const neighbour = new Exchange(peer, greeted, strangers, this.#hooks)
    neighbour.isRelay = transport.overRelays === true
    this.#admitted.add(neighbour, { isPage: this.#isPage(peer) })
    transport.admit(peer)
    // Each node's own inbox: its hello is the right to it, both ways.
    transport.allow(peer, greeted.name)
    transport.announce(peer, hello.name)
    this.#context.report({ kind: 'admitted', peer, greeted })
    this.#context.greeted(neighbour)
    // A relay has thousands of pages and of topics: each page asks for those that it has to do with.
    if (this.#isPage(peer)) return neighbour
    for (const topic of open.values()) {
      if (topic.isImplied !== true) this.#introduce(neighbour, topic)
    }
    for (const topic of this.#sought.keys()) this.#ask(neighbour, topic)
    return neighbour
  }

  #exchangeHooks(): ExchangeHooks {
    const context = this.#context
    const isHere = (from: Exchange) => this.#admitted.get(from.peer) === from
    return {
      clock: context.clock,
      proofs: context.proofs,
      keep: context.keep,
      isHere,
      wanted: (from, mark) => this.#wanted(from, mark),
      shown: (from, right) => this.#shown(from, right),
      ended: (from, topic) => this.#end(from, topic),
      told: (from, frame) => context.told(from, frame),
      fault: (from, cause) => this.fault(from, cause),
      broken: (from) => void (isHere(from) && context.transport.disconnect(from.peer)),
    }
  }

  /** Pages are told of a topic only when they asked for it by name. */
  #isPage(peer: Peer): boolean {
    return this.#context.transport.isPage?.(peer) === true
  }

  #introduce(neighbour: Exchange, topic: OpenTopic): void {
    const mark = this.#mark(neighbour, topic.topic)
    neighbour.marks.add(topic.topic, mark)
    if (topic.of === 'group') this.#ask(neighbour, topic.topic)
    if (neighbour.wants.has(toHex(mark))) this.#show(neighbour, topic)
  }

  /** Nothing here writes to this inbox any more. */
  #forgo(topic: Name): void {
    this.#sought.delete(topic)
    this.#context.forgone(topic)
    if (this.#context.open.has(topic)) return
    for (const neighbour of this.#admitted.all()) {
      neighbour.unwant(this.#mark(neighbour, topic))
      this.#end(neighbour, topic)
    }
  }

  #ask(neighbour: Exchange, topic: Name): void {
    neighbour.want(this.#mark(neighbour, topic))
  }

  #wanted(neighbour: Exchange, markBytes: Uint8Array): void {
    const mark = toHex(markBytes)
    // The oldest wish of this very neighbour makes room; a wish too many is no fault.
    neighbour.wants.delete(mark)
    const oldest = neighbour.wants.values().next()
    if (neighbour.wants.size >= WANTS_PER_NEIGHBOUR_MAX && oldest.done !== true) {
      neighbour.wants.delete(oldest.value)
    }
    // Kept, so that a topic that opens, or opens again, is shown to those who asked before.
    neighbour.wants.add(mark)
    const topic = neighbour.marks.find(markBytes, (ours) => this.#mark(neighbour, ours))
    const open = topic === undefined ? undefined : this.#context.open.get(topic)
    if (open !== undefined) this.#show(neighbour, open)
  }

  #show(neighbour: Exchange, topic: OpenTopic): void {
    const { claim } = topic
    if (claim === undefined) {
      void this.#prepare(neighbour, topic)
      return
    }
    neighbour.shown.add(topic.topic)
    const proof = this.#context.proofs.current(claim.proof)
    neighbour.show({ ...claim.right, proof: proof.id }, proof)
    if (topic.of === 'inbox') this.#context.transport.announce(neighbour.peer, topic.carrier)
  }

  /** Has the right made, and shows it if both are still there. */
  async #prepare(neighbour: Exchange, topic: OpenTopic): Promise<void> {
    const claim = await topic.prepare?.()
    const isHere = this.#admitted.get(neighbour.peer) === neighbour
    const isOpen = this.#context.open.get(topic.topic) === topic
    if (claim !== undefined && isHere && isOpen) this.#show(neighbour, topic)
  }

  #shown(neighbour: Exchange, frame: RightFrame): void {
    try {
      const right = checkShown(frame, neighbour, this.#context)
      if (neighbour.rights.size >= RIGHTS_PER_NEIGHBOUR_MAX && !neighbour.rights.has(frame.topic)) {
        const limit = `limit ${RIGHTS_PER_NEIGHBOUR_MAX} rights of a neighbour`
        throw new TrustError('too-large', `Cannot keep the right to ${frame.topic}: ${limit}`)
      }
      const before = neighbour.rights.get(frame.topic)
      if (before !== undefined && before.frame.carrier !== frame.carrier) {
        this.#end(neighbour, frame.topic)
      }
      const shared = this.#context.proofs.sharing(frame, neighbour.greeted.key)
      neighbour.rights.set(frame.topic, keptRight(right, shared))
      this.#context.transport.allow(neighbour.peer, frame.carrier)
      this.#context.report({ kind: 'route', topic: frame.topic, peer: neighbour.peer })
    } catch (cause) {
      this.#context.report({ kind: 'right-refused', peer: neighbour.peer, right: frame, cause })
    }
  }

  #end(neighbour: Exchange, topic: Name): void {
    const right = neighbour.rights.get(topic)
    if (right === undefined) return
    neighbour.rights.delete(topic)
    const { carrier } = right.frame
    if (carrier !== neighbour.greeted.name) {
      this.#context.transport.disallow(neighbour.peer, carrier)
    }
  }

  /** What a neighbour sent is no frame, or false: counted where no honest node would, up to a limit. */
  fault(neighbour: Exchange, cause: unknown): void {
    this.#context.report({ kind: 'fault', peer: neighbour.peer, cause })
    // What a later version sends, and what our own full tables refuse, is nobody's fault.
    if (VERDICTS[codeOf(cause)] === 'reject') this.blame(neighbour)
  }

  #mark({ greeted }: Exchange, topic: Name): Uint8Array {
    return markOf(greeted.session, topic, this.#context.hash)
  }
}
