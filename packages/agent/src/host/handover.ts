import { isReservedPool, type Name } from '@ixj/names'
import type { Sha256 } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Clock } from '../clock.ts'
import { HANDOVER_FULL_MS, HANDOVER_MS, HANDOVER_PACED_MS, HANDOVER_UNPACED_MS } from '../limits.ts'
import type { Deliver } from '../deliver/deliver.ts'
import { DirectBundle } from '../deliver/direct-bundle.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { reasonOf } from '../abort-reason.ts'
import { chooseHosts } from '../combine/choose-hosts.ts'
import { TransportError, type Transport } from '../transport.ts'
import type { GroupLoad } from './group-sheaves.ts'

/** What handing over needs to know of its node. */
export interface HandoverContext {
  readonly clock: Clock
  readonly transport: Transport
  readonly neighbours: Neighbours
  /** Whether anybody on another node is in the group. */
  hasOthers(topic: Name): boolean
  /** This node's own name. */
  readonly node: Name
  readonly hash: Sha256
  /** How the inbox is open on this very node, if it is. */
  here(topic: Name): 'combiner' | 'inbox' | undefined
  /** Direct streams. */
  deliver(): Deliver
}

/** A bundle for an inbox. */
export interface InboxLoad extends Omit<GroupLoad, 'proofs'> {
  readonly proof: KnownProof
  /** Of its header, 32 bytes. */
  readonly id: Uint8Array
  /** When its lifespan ends. */
  readonly until: number
  /** It goes past combiners. */
  readonly toReader: boolean
  /** Told how it went. */
  readonly way?:
    | {
        /** It is under way on a direct stream. */
        isDirect: boolean
        /** It is no longer. */
        readonly landed: () => void
        /** Its sender closes, and does not wait long for room. */
        readonly isHurried: () => boolean
      }
    | undefined
}

/** Where a bundle for an inbox has to go. */
type InboxWay = Pick<DirectBundle, 'topic' | 'toReader'>

/** Hands bundles to the neighbours that carry their topic, and waits for some to be there. */
export class Handover {
  readonly #context: HandoverContext
  readonly #waiting = new Set<() => void>()
  /** Nothing is paced before then. */
  #unpacedUntil = -Infinity

  constructor(context: HandoverContext) {
    this.#context = context
  }

  /** Routes, subscriptions or members changed: whoever waits looks again. */
  changed(): void {
    for (const look of this.#waiting) look()
    this.#context.deliver().changed()
  }

  /**
   * Whether the inbox is here or a node that may receive it is connected. Neighbours are asked for
   * its hosts from now on.
   */
  hasRoute(topic: Name): boolean {
    // The host of an agent in a pool stands in its name.
    if (!isReservedPool(topic)) this.#context.neighbours.seek(topic)
    return this.#context.here(topic) !== undefined || this.#canReach(topic)
  }

  /**
   * Waits until a node that may receive the inbox is connected, or the inbox is here.
   * @throws AgentError `unreachable` when the deadline passes first
   */
  async route(topic: Name, deadline: number, signal?: AbortSignal): Promise<void> {
    if (await this.#until(() => this.hasRoute(topic), deadline, signal)) return
    throw new AgentError(
      'unreachable',
      `Cannot reach ${topic}: no node that may receive for it was found`,
    )
  }

  /**
   * Hands an inbox's bundle to all of its hosts that are connected, as gossip would: an agent that
   * is open on two nodes is whole on both, and each drops what comes twice. Where it has combiners,
   * one of them gets it in their place. A host gets it on a direct stream, or by gossip if it takes
   * none. Resolves to how many were handed it. While all have too much under way it waits: for as
   * long as they decide about something, and 10 s more.
   * @throws AgentError `not-handed-over`, `backpressure`; `expired` when its lifespan ends meanwhile
   */
  async inbox(topic: Name, load: InboxLoad): Promise<number> {
    const way = { topic, toReader: load.toReader }
    const carriers = this.#gossipCarriers(way)
    let peers = this.#handDirectly(topic, load)
    const gossiped = { ...load, proofs: [load.proof] }
    for (const carrier of carriers) peers += await this.#publish(carrier, gossiped)
    if (peers > 0 || this.#directHosts(way).length === 0) return peers
    const ready = () => {
      peers = this.#handDirectly(topic, load)
      return peers > 0 || !this.#isReached(way)
    }
    await this.#room(way, load, ready)
    return peers
  }

  /** Whether what agents here write to an inbox goes to this host of it. */
  goesTo(topic: Name, host: Exchange): boolean {
    return this.#hosts({ topic, toReader: false }).includes(host)
  }

  /** Hands a bundle over again whose direct stream ended; false: no host takes it now. */
  again(bundle: DirectBundle): boolean {
    let taken = false
    for (const host of this.#directHosts(bundle)) {
      host.push(bundle.proof)
      taken = this.#context.deliver().hand(host.peer, bundle) || taken
    }
    for (const carrier of this.#gossipCarriers(bundle)) {
      taken = true
      void this.#publishAgain(carrier, bundle)
    }
    return taken
  }

  /**
   * Hands over a group's bundle, or a sheaf of them; 0 if no member is on another node.
   * @throws AgentError `not-handed-over` if there are some, and none could be handed it in 1 to 2 s
   */
  async group(topic: Name, load: GroupLoad): Promise<number> {
    const { clock, transport } = this.#context
    const deadline = clock.now() + HANDOVER_MS
    for (;;) {
      const peers = await this.#publish(topic, load)
      if (peers > 0 || !this.#context.hasOthers(topic)) return peers
      const ready = () => transport.subscribers(topic).length > 0 || !this.#context.hasOthers(topic)
      if (await this.#until(ready, deadline)) continue
      throw new AgentError(
        'not-handed-over',
        `Cannot hand over to members of ${topic}: none could be reached in ${HANDOVER_MS} ms`,
      )
    }
  }

  #canReach(topic: Name): boolean {
    return [false, true].some((toReader) => this.#isReached({ topic, toReader }))
  }

  #isReached(way: InboxWay): boolean {
    return this.#directHosts(way).length > 0 || this.#gossipCarriers(way).length > 0
  }

  /** Those of its connected hosts that a bundle goes to. */
  #hosts({ topic, toReader }: InboxWay): readonly Exchange[] {
    const { neighbours, node, hash } = this.#context
    const deliver = this.#context.deliver()
    return chooseHosts(neighbours.hostsOf(topic), {
      topic,
      toReader,
      node,
      hash,
      here: this.#context.here(topic),
      takes: ({ peer }) => deliver.takes(peer),
    })
  }

  #directHosts(way: InboxWay): readonly Exchange[] {
    const deliver = this.#context.deliver()
    return this.#hosts(way).filter(({ peer }) => deliver.takes(peer))
  }

  /** Waits until `ready`. @throws AgentError `backpressure`, `expired` */
  async #room(way: InboxWay, load: InboxLoad, ready: () => boolean): Promise<void> {
    const { until } = load
    const patienceMs = () => (load.way?.isHurried() === true ? HANDOVER_MS : HANDOVER_FULL_MS)
    // Those behind one that was given up are given up with it, unless something has moved since.
    for (let since = -Infinity; this.#takenAt(way) > since;) {
      since = this.#takenAt(way)
      // In steps: a process that was not run for so long reads what has come before it gives up.
      for (let ms = HANDOVER_STEP_MS; ms <= patienceMs(); ms += HANDOVER_STEP_MS) {
        if (await this.#until(ready, Math.min(since + ms, until))) return
      }
    }
    const isOver = this.#context.clock.now() >= until
    const lack = `none has taken more for ${patienceMs()} ms`
    throw new AgentError(
      isOver ? 'expired' : 'backpressure',
      `Cannot hand over to a host of ${way.topic}: ${isOver ? 'its lifespan ended' : lack}`,
    )
  }

  /** When any of them took something the last time. */
  #takenAt(way: InboxWay): number {
    const deliver = this.#context.deliver()
    return Math.max(0, ...this.#directHosts(way).map(({ peer }) => deliver.takenAt(peer)))
  }

  /** The topics on which those hosts receive the inbox that take no direct stream. */
  #gossipCarriers(way: InboxWay): readonly Name[] {
    const { transport } = this.#context
    const deliver = this.#context.deliver()
    const carriers = this.#hosts(way)
      .filter(({ peer }) => !deliver.takes(peer))
      .flatMap((host) => host.carrierOf(way.topic) ?? [])
    return [...new Set(carriers)].filter((name) => transport.subscribers(name).length > 0)
  }

  #handDirectly(topic: Name, load: InboxLoad): number {
    const { id, bytes, proof, until, way, given, toReader } = load
    const landed = way?.landed
    const bundle = new DirectBundle({ topic, id, toReader, bytes, proof, until, landed })
    let peers = 0
    for (const host of this.#directHosts(bundle)) {
      host.push(proof)
      if (this.#context.deliver().hand(host.peer, bundle)) peers += 1
    }
    if (peers === 0) return 0
    given()
    if (way !== undefined) way.isDirect = true
    return peers
  }

  /**
   * Publishes, with proofs ahead of the bundle; neighbours that cannot take it are tried again
   * within 1 s. Resolves to 0 only if the transport was never given the bundle, since gossip may
   * keep, and later give away, what nobody took at once.
   * @throws AgentError `not-handed-over`
   */
  async #publish(carrier: Name, load: GroupLoad): Promise<number> {
    const { clock, transport, neighbours } = this.#context
    await this.#pace(carrier)
    const deadline = clock.now() + HANDOVER_MS
    let given = false
    for (;;) {
      const peers = transport.subscribers(carrier)
      if (peers.length === 0 && !given) return 0
      for (const peer of peers) {
        for (const proof of load.proofs) neighbours.get(peer)?.push(proof)
      }
      given = true
      load.given()
      const taken = await this.#tryPublish(carrier, load.bytes)
      if (taken > 0) return taken
      if (clock.now() >= deadline) {
        const message = `Cannot hand over on ${carrier}: nobody took it in ${HANDOVER_MS} ms`
        throw new AgentError('not-handed-over', message)
      }
      await this.#until(() => false, Math.min(deadline, clock.now() + RETRY_MS))
    }
  }

  /**
   * Waits while most neighbours have much to take: whoever's buffer is full loses a bundle to repair,
   * which brings it a second time, and whoever has it late is forwarded copies by all others.
   */
  async #pace(carrier: Name): Promise<void> {
    const { clock, transport } = this.#context
    if (transport.isCrowded === undefined || clock.now() < this.#unpacedUntil) return
    const until = clock.now() + HANDOVER_PACED_MS
    while (transport.isCrowded(carrier)) {
      if (clock.now() >= until) {
        this.#unpacedUntil = clock.now() + HANDOVER_UNPACED_MS
        return
      }
      await this.#until(() => false, clock.now() + PACE_MS)
    }
  }

  async #publishAgain(carrier: Name, bundle: DirectBundle): Promise<void> {
    try {
      const { bytes, proof } = bundle
      const load = { bytes, proofs: [proof], given: () => {} }
      if ((await this.#publish(carrier, load)) > 0) {
        bundle.land()
        return
      }
    } catch (cause) {
      if (!(cause instanceof AgentError)) throw cause
    }
    this.#context.deliver().keep(bundle)
  }

  /** How many took it; 0 where their buffers are full. @throws AgentError `not-handed-over` */
  async #tryPublish(carrier: Name, bytes: Uint8Array): Promise<number> {
    try {
      return await this.#context.transport.publish(carrier, bytes)
    } catch (cause) {
      if (cause instanceof TransportError && cause.code === 'backpressure') return 0
      throw new AgentError('not-handed-over', `Cannot hand over on ${carrier}`, { cause })
    }
  }

  /** Waits until `ready`; false when the deadline passes first. @throws the signal's reason */
  #until(ready: () => boolean, deadline: number, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted()
    if (ready()) return Promise.resolve(true)
    const { clock } = this.#context
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        cancel()
        this.#waiting.delete(look)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const look = () => {
        if (ready()) end(() => resolve(true))
      }
      const abort = () => end(() => reject(reasonOf(signal)))
      const cancel = clock.at(deadline, () => end(() => resolve(ready())))
      this.#waiting.add(look)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}

/** Between looks whether there is reason to wait on for a host that has no room. */
const HANDOVER_STEP_MS = 500
/** Between looks whether neighbours have taken what went before. */
const PACE_MS = 5
/** Between tries while neighbours' buffers are full. */
const RETRY_MS = 20
