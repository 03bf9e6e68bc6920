import { type Clock, type Peer, type Receiver, TransportError } from '@ixj/agent'
import {
  type GossipSub,
  gossipsub,
  type GossipSubComponents,
  type GossipsubMessage,
  type SubscriptionChangeData,
} from '@libp2p/gossipsub'
import type { RPC } from '@libp2p/gossipsub/message'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import {
  GOSSIP_PROTOCOL,
  gossipProfile,
  GRAYLIST_SCORE,
  PUBLISH_SCORE_MIN,
  topicScoreParams,
} from './gossip-profile.ts'
import { Forwarding } from './forwarding.ts'
import { HeldRegistrar } from './held-registrar.ts'
import { controlOf, filterInbound, UNDECODABLE } from './inbound-rpc.ts'
import { type GossipInternals, internalsOf } from './internals.ts'
import { CONTROL_PER_SECOND_MAX } from './limits.ts'
import type { Neighbour } from './neighbour.ts'
import { isBehind, Outbox } from './outbox.ts'
import { Verdicts } from './verdicts.ts'
import { formatWireTopic, parseWireTopic } from './wire-topic.ts'

/** What the router needs of the mesh that it runs in. */
export interface RouterHost {
  readonly clock: Clock
  readonly counts: MeshCounts
  get(peer: Peer): Neighbour | undefined
  values(): Iterable<Neighbour>
  receiver(): Receiver
  /** The neighbour opened its gossip stream. */
  onStream(stream: Stream, connection: Connection): void
  /** The neighbour's gossip has ended, or it takes none. */
  broken(neighbour: Neighbour, reason: Error): void
}

/** gossipsub behind both gates: what it hears of neighbours, and what they hear of it. */
export class Router {
  readonly #host: RouterHost
  readonly #verdicts: Verdicts
  readonly #topics = new Set<string>()
  #registrar: HeldRegistrar | undefined
  #gossip: GossipInternals | undefined
  #forwarding: Forwarding | undefined
  #service: GossipSub | undefined

  constructor(host: RouterHost) {
    this.#host = host
    this.#verdicts = new Verdicts(host.clock, host.counts, () => host.receiver())
  }

  /** Makes the libp2p service. */
  readonly service = (components: GossipSubComponents): GossipSub => {
    const registrar = new HeldRegistrar(
      components.registrar,
      (stream, connection) => this.#host.onStream(stream, connection),
      (peer, call) => this.#contain(peer, call),
    )
    const { privateKey, peerId, peerStore, connectionManager, logger } = components
    const service = gossipsub(gossipProfile())({
      privateKey,
      peerId,
      peerStore,
      connectionManager,
      logger,
      registrar,
    })
    const gossip = internalsOf(service)
    gossip.protocols = [GOSSIP_PROTOCOL]
    this.#registrar = registrar
    this.#service = service
    this.#gossip = gossip
    this.#wrap(gossip)
    this.#forwarding = new Forwarding(this.#host, gossip)
    this.#listen(service)
    return service
  }

  /** Waits for no verdict any more: this node is ending. */
  end(): void {
    this.#verdicts.end()
    this.#forwarding?.end()
  }

  get topics(): ReadonlySet<string> {
    return this.#topics
  }

  score(peer: Peer): number {
    // gossipsub itself uses scores that may be one heartbeat old.
    this.#internals().score.scoreCache.delete(peer)
    return this.#internals().getScore(peer)
  }

  subscribe(topic: string): void {
    if (this.#topics.has(topic)) return
    this.#topics.add(topic)
    const wire = formatWireTopic(topic)
    // Pitfall 6: a topic without parameters is not scored at all. They are never taken away:
    // gossipsub fails on a verdict that comes after them, and it is one reference a name.
    this.#internals().score.params.topics[wire] = topicScoreParams
    this.#service?.subscribe(wire)
  }

  unsubscribe(topic: string): void {
    if (this.#topics.delete(topic)) this.#service?.unsubscribe(formatWireTopic(topic))
  }

  /** Lets gossip with an admitted neighbour begin. Both streams are its own and are open. */
  connect(neighbour: Neighbour, gossipOut: Stream): void {
    const { connection } = neighbour
    // gossipsub opens streams one after the other, so one slow peer would delay all: it gets a
    // connection whose stream is open already.
    const opened = {
      remotePeer: connection.remotePeer,
      remoteAddr: connection.remoteAddr,
      direction: connection.direction,
      status: 'open',
      newStream: async () => gossipOut,
    } as unknown as Connection
    this.#registrar?.connect(connection.remotePeer, opened)
    neighbour.gossipOut = gossipOut
    neighbour.stage = 'open'
  }

  /** Hands gossipsub the stream on which the neighbour's gossip comes in. */
  deliver(neighbour: Neighbour, gossipIn: Stream): void {
    this.#registrar?.deliver(gossipIn, neighbour.connection)
  }

  disconnect(neighbour: Neighbour): void {
    this.#registrar?.disconnect(neighbour.connection.remotePeer)
  }

  announce(neighbour: Neighbour, topic: string): void {
    neighbour.rights.announced.add(topic)
    if (!this.#topics.has(topic) || neighbour.rights.told.has(topic)) return
    this.#send(neighbour, { subscriptions: [subscription(topic, true)], messages: [] })
  }

  allow(neighbour: Neighbour, topic: string): void {
    const { rights } = neighbour
    rights.allowed.add(topic)
    this.announce(neighbour, topic)
    if (!rights.held.delete(topic)) return
    this.#receive(neighbour.connection.remotePeer, {
      subscriptions: [subscription(topic, true)],
      messages: [],
    })
  }

  disallow(neighbour: Neighbour, topic: string): void {
    const { rights, peer } = neighbour
    if (rights.told.has(topic)) {
      this.#send(neighbour, { subscriptions: [subscription(topic, false)], messages: [] })
    }
    rights.allowed.delete(topic)
    rights.announced.delete(topic)
    if (!rights.subscribed.has(topic)) return
    this.#receive(neighbour.connection.remotePeer, {
      subscriptions: [subscription(topic, false)],
      messages: [],
    })
    this.#forget(peer, topic)
    // Its wish stands: should the right come back, it need not subscribe again.
    if (!rights.hold(topic)) this.#host.counts.heldRefused++
    // gossipsub reads nothing in the name of a graylisted peer: then the right alone has ended.
    this.#noteSubscription(neighbour, topic, false)
  }

  subscribers(topic: string): readonly Peer[] {
    return this.#subscribed(topic).map(({ peer }) => peer)
  }

  /** Whether more than half of the topic's subscribers are behind. */
  isCrowded(topic: string): boolean {
    const all = this.#subscribed(topic)
    const isCrowded = all.filter(isBehind).length * 2 > all.length
    if (isCrowded) this.#host.counts.crowded++
    return isCrowded
  }

  #subscribed(topic: string): readonly Neighbour[] {
    return [...this.#host.values()].filter(
      ({ stage, rights, peer }) =>
        stage === 'open' &&
        rights.subscribed.has(topic) &&
        this.#internals().getScore(peer) >= PUBLISH_SCORE_MIN,
    )
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    const targets = this.subscribers(topic)
    if (targets.length === 0) return 0
    const taken = await this.#publishTo(targets, formatWireTopic(topic), bytes)
    // They may have gone, or lost their rights, in the meantime.
    if (taken > 0 || this.subscribers(topic).length === 0) return taken
    throw new TransportError(
      'backpressure',
      `Cannot publish on "${topic}": the buffers of all ${targets.length} neighbours are full`,
    )
  }

  async #publishTo(targets: readonly Peer[], wire: string, data: Uint8Array): Promise<number> {
    const gossip = this.#internals()
    try {
      const options = { allowPublishToZeroTopicPeers: true }
      return (await gossip.publish(wire, data, options)).recipients.length
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'PublishError.Duplicate') throw error
      // gossipsub sends nothing twice; who asks for it has a reason, such as a new neighbour.
      const rpc = { subscriptions: [], messages: [{ topic: wire, data }] }
      return targets.filter((peer) => gossip.sendRpc(peer, rpc)).length
    }
  }

  /** Whether the peer's score has come so low that nothing of it is read. */
  isGraylisted(peer: Peer): boolean {
    return this.score(peer) < GRAYLIST_SCORE
  }

  #wrap(gossip: GossipInternals): void {
    const receive = gossip.handleReceivedRpc.bind(gossip)
    const outbox = new Outbox(this.#host, gossip)
    const remove = gossip.removePeer.bind(gossip)
    const decode = gossip.decodeRpc.bind(gossip)
    // gossipsub would pass over it, and not say whose it was.
    gossip.decodeRpc = (bytes) => {
      try {
        return decode(bytes)
      } catch {
        this.#host.counts.undecodable++
        return UNDECODABLE
      }
    }
    // gossipsub hides what fails here in its log.
    gossip.handleReceivedRpc = (from, rpc) =>
      contain(this.#host.counts, async () => {
        const neighbour = this.#host.get(from.toString())
        if (neighbour?.stage !== 'open') return
        if (this.#isFlooding(neighbour, controlOf(rpc))) return
        const passed = this.#filterInbound(neighbour, rpc)
        this.#forwarding?.heard(neighbour.peer, passed.control)
        // gossipsub keeps a peer that unsubscribed in the mesh of the topic, and goes on sending.
        for (const { topic, subscribe } of passed.subscriptions) {
          const name = parseWireTopic(topic)
          if (name !== undefined && subscribe !== true) this.#forget(neighbour.peer, name)
        }
        await receive(from, passed)
      })
    gossip.sendRpc = (peer, rpc) => {
      const neighbour = this.#host.get(peer)
      if (neighbour?.stage !== 'open') return false
      return this.#forwarding?.holdsBack(peer, rpc) === true || outbox.send(neighbour, rpc)
    }
    gossip.removePeer = (peer) => {
      remove(peer)
      this.#forwarding?.gone(peer.toString())
      const neighbour = this.#host.get(peer.toString())
      if (neighbour?.stage !== 'open') return
      this.#host.counts.gossipEnded++
      this.#host.broken(neighbour, new Error('gossipsub gave it up'))
    }
    this.#receive = (from, rpc) => this.#contain(from, () => receive(from, rpc))
  }

  /** gossipsub's own handler, past the filter: for subscriptions whose right is known. */
  #receive: (from: PeerId, rpc: RPC) => void = () => {
    throw new Error('The gossip service has not been made')
  }

  /** Counts what of control a neighbour sends, and cuts it when that is too much. */
  #isFlooding(neighbour: Neighbour, count: number): boolean {
    const { clock, counts } = this.#host
    const { control } = neighbour
    const now = clock.now()
    if (now - control.since >= 1_000) Object.assign(control, { since: now, count: 0 })
    control.count += count
    if (control.count <= CONTROL_PER_SECOND_MAX) return false
    if (this.#host.get(neighbour.peer) !== neighbour) return true
    counts.flooded++
    this.#host.broken(neighbour, new Error('It sends more control than anybody needs'))
    return true
  }

  #filterInbound(neighbour: Neighbour, rpc: RPC): RPC {
    const { counts } = this.#host
    const { score } = this.#internals()
    return filterInbound(rpc, neighbour.rights, {
      refuse: (reason) => {
        counts[reason]++
        // What was on its way when we left a topic is nobody's fault.
        if (reason !== 'unjoined') this.#isFlooding(neighbour, 1)
      },
      isJoined: (topic) => this.#topics.has(topic),
      held: (topic) => this.#host.receiver().subscriptionHeld(neighbour.peer, topic),
      invalid: (wire) => score.rejectInvalidMessage(neighbour.peer, wire),
    })
  }

  #listen(service: GossipSub): void {
    service.addEventListener('subscription-change', ({ detail }) =>
      this.#contain(detail.peerId, () => this.#onSubscriptions(detail)),
    )
    // Pitfall 4: the event comes before the verdict, so it only asks for one.
    service.addEventListener('gossipsub:message', ({ detail }) =>
      this.#contain(detail.propagationSource, () => this.#onMessage(detail)),
    )
  }

  #onSubscriptions({ peerId, subscriptions }: SubscriptionChangeData): void {
    const neighbour = this.#host.get(peerId.toString())
    if (neighbour === undefined) return
    for (const { topic: wire, subscribe } of subscriptions) {
      const topic = parseWireTopic(wire)
      if (topic !== undefined) this.#noteSubscription(neighbour, topic, subscribe)
    }
  }

  #onMessage({ propagationSource, msgId, msg }: GossipsubMessage): void {
    const source = propagationSource.toString()
    const neighbour = this.#host.get(source)
    const topic = parseWireTopic(msg.topic)
    if (neighbour === undefined || topic === undefined) return
    this.#verdicts.ask(neighbour, {
      topic,
      bytes: msg.data,
      report: (verdict) => {
        const tell = () => this.#internals().reportMessageValidationResult(msgId, source, verdict)
        if (verdict === 'accept') this.#forwarding?.accepted(msgId, tell)
        else tell()
        if (verdict === 'reject') this.#punish(neighbour)
      },
    })
  }

  /** Whoever has been blamed for too much is no neighbour any more. */
  #punish(neighbour: Neighbour): void {
    if (this.#host.get(neighbour.peer) !== neighbour || !this.isGraylisted(neighbour.peer)) return
    this.#host.counts.graylisted++
    this.#host.broken(neighbour, new Error('It was blamed for too many messages'))
  }

  /** A failure over one neighbour, where nobody waits for the outcome, ends its connection alone. */
  #contain(peer: PeerId, call: () => unknown): void {
    void contain(this.#host.counts, call, (cause) => {
      const neighbour = this.#host.get(peer.toString())
      if (neighbour === undefined) return
      this.#host.broken(neighbour, new Error('Its gossip failed', { cause }))
    })
  }

  #noteSubscription(neighbour: Neighbour, topic: string, subscribed: boolean): void {
    const { subscribed: topics } = neighbour.rights
    if (subscribed === topics.has(topic)) return
    if (subscribed) topics.add(topic)
    else topics.delete(topic)
    this.#host.receiver().subscriptionChanged(neighbour.peer, topic, subscribed)
  }

  /** Stops sending a topic to a peer that no longer gets it. */
  #forget(peer: Peer, topic: string): void {
    const wire = formatWireTopic(topic)
    const gossip = this.#internals()
    gossip.fanout.get(wire)?.delete(peer)
    if (gossip.mesh.get(wire)?.delete(peer) === true) gossip.score.prune(peer, wire)
  }

  #send(neighbour: Neighbour, rpc: RPC): void {
    this.#internals().sendRpc(neighbour.peer, rpc)
  }

  #internals(): GossipInternals {
    if (this.#gossip === undefined) throw new Error('The gossip service has not been made')
    return this.#gossip
  }
}

function subscription(topic: string, subscribe: boolean): RPC.SubOpts {
  return { topic: formatWireTopic(topic), subscribe }
}
