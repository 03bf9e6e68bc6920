import type { Clock } from '../clock.ts'
import type { HostPart } from '../host/host-part.ts'
import {
  DELIVER_BYTES_MAX,
  DELIVER_DRAIN_MS,
  DELIVER_REFUSALS_PER_SECOND,
  DELIVER_RETRY_MS,
  DELIVER_SILENT_MS,
  DELIVER_STREAMS_PER_SECOND,
} from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import { codeOf, type Decision } from '../pipeline/decision.ts'
import { Budget } from '../pipeline/rate.ts'
import { type Code, VERDICTS } from '../pipeline/verdicts.ts'
import { TransportError, type Channel, type Peer, type Transport } from '../transport.ts'
import { DeliverCounts } from './counts.ts'
import type { DirectBundle } from './direct-bundle.ts'
import { Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'
import { SharedRoom } from './shared-room.ts'
import { Stranded } from './stranded.ts'

/** The protocol of direct streams; docs/protocol.md, "Direct streams". */
export const DELIVER_PROTOCOL = '/ixj/deliver/1'

/** Between two looks at a neighbour whose bundles were refused too often. */
const PATIENCE_MS = 100

/** What direct streams need of their node. */
export interface DeliverContext {
  readonly clock: Clock
  readonly transport: Transport
  readonly neighbours: Neighbours
  /** The pipeline in full, for what this neighbour sent. */
  take(bytes: Uint8Array, from: Peer): Promise<Pick<Decision, 'code' | 'verdict'>>
  /** Hands a bundle whose stream broke to hosts of its inbox; false: none takes it now. */
  again(bundle: DirectBundle): boolean
  /** A host has decided about a bundle: null if it was accepted, else its code. */
  decided(bundle: DirectBundle, code: string | null): void
  /** A neighbour that was full takes bundles again. */
  hasRoom(): void
  /** A bundle that was handed over is given up; nobody is known to have it. */
  lost(bundle: DirectBundle, cause: unknown): void
}

/** What one neighbour may do in a second. */
interface Budgets {
  /** Streams that it opens. */
  readonly incoming: Budget
  /** Streams that we open to it. */
  readonly outgoing: Budget
  /** Bundles of it that are refused. */
  readonly refusals: Budget
}

/**
 * Direct streams to neighbours that host an inbox, and from those that write to inboxes here. Each
 * neighbour has a stream, a window and budgets of its own, so a slow or hostile one harms itself.
 */
export class Deliver implements HostPart {
  readonly protocols = [DELIVER_PROTOCOL]
  /** What became of bundles so far. */
  readonly counts = new DeliverCounts()
  readonly #context: DeliverContext
  readonly #outgoing = new Map<Peer, Outgoing>()
  readonly #incoming = new Map<Peer, Incoming>()
  readonly #budgets = new Map<Peer, Budgets>()
  /** Neighbours that took no direct stream, and when they are asked again. */
  readonly #unwilling = new Map<Peer, number>()
  readonly #stranded: Stranded
  readonly #room = new SharedRoom(DELIVER_BYTES_MAX)
  #closed = false

  constructor(context: DeliverContext) {
    this.#context = context
    this.#stranded = new Stranded({
      now: () => context.clock.now(),
      again: (bundle) => context.again(bundle),
      lost: (bundle, cause) => {
        this.counts.lost += 1
        context.lost(bundle, cause)
      },
    })
  }

  /** Whether a bundle may go to this neighbour on a direct stream. */
  takes(peer: Peer): boolean {
    return (this.#unwilling.get(peer) ?? -Infinity) <= this.#context.clock.now()
  }

  /** When this neighbour took something the last time, ms since the Unix epoch; never: 0. */
  takenAt(peer: Peer): number {
    return this.#outgoing.get(peer)?.takenAt ?? 0
  }

  /** Puts a bundle under way to a host of its inbox; false while too much of it is under way. */
  hand(peer: Peer, bundle: DirectBundle): boolean {
    let stream = this.#outgoing.get(peer)
    if (stream === undefined) {
      stream = this.#open(peer)
      if (stream === undefined) return false
    }
    const isUnderWay = stream.push(bundle)
    if (isUnderWay) this.#incoming.get(peer)?.goesAlong()
    return isUnderWay
  }

  /** Keeps a bundle until a host takes it, or its lifespan ends. */
  keep(bundle: DirectBundle): void {
    this.#stranded.add(bundle)
  }

  /** Hosts came: bundles whose streams broke look for them again. */
  changed(): void {
    this.#stranded.look()
  }

  /** An admitted neighbour opened a stream. It has one: a newer one ends the one before. */
  channel(neighbour: Exchange, channel: Channel): void {
    const { peer } = neighbour
    const { clock, neighbours } = this.#context
    if (!this.#budgetsOf(peer).incoming.take(1, clock.now())) {
      neighbours.blame(neighbour)
      void channel.close()
      return
    }
    this.#incoming.get(peer)?.close()
    const stream: Incoming = new Incoming(channel, {
      now: () => clock.now(),
      later: (ms, run) => clock.at(clock.now() + ms, run),
      take: (bytes) => this.#take(neighbour, bytes),
      patience: () => this.#patience(peer),
      ended: () => {
        if (this.#incoming.get(peer) === stream) this.#incoming.delete(peer)
      },
    })
    this.#incoming.set(peer, stream)
  }

  gone(peer: Peer): void {
    this.#outgoing.get(peer)?.close()
    this.#incoming.get(peer)?.close()
    this.#budgets.delete(peer)
    this.#unwilling.delete(peer)
  }

  sweep(now: number): void {
    for (const [peer, until] of this.#unwilling) if (until <= now) this.#unwilling.delete(peer)
    for (const [peer, stream] of this.#outgoing) {
      // What it reads and never decides about would be told to nobody.
      if (!stream.isSilent(DELIVER_SILENT_MS)) continue
      this.counts.silent += 1
      this.#unwilling.set(peer, now + DELIVER_RETRY_MS)
      stream.close()
    }
    this.#stranded.look()
  }

  /** What was handed over already has its second to be acknowledged: then nobody carries it further. */
  async close(): Promise<void> {
    this.#closed = true
    const { clock } = this.#context
    const over = Promise.withResolvers<void>()
    const cancel = clock.at(clock.now() + DELIVER_DRAIN_MS, () => over.resolve())
    const drained = [...this.#outgoing.values()].map((stream) => stream.drained())
    await Promise.race([Promise.all(drained), over.promise])
    cancel()
    for (const stream of [...this.#outgoing.values(), ...this.#incoming.values()]) stream.close()
    this.#stranded.close()
  }

  /** Undefined, and no stream for some time, if there were too many. */
  #open(peer: Peer): Outgoing | undefined {
    const { clock, transport, neighbours } = this.#context
    if (!this.#budgetsOf(peer).outgoing.take(1, clock.now())) {
      this.#unwilling.set(peer, clock.now() + DELIVER_RETRY_MS)
      return undefined
    }
    const stream: Outgoing = new Outgoing(transport.openChannel(peer, DELIVER_PROTOCOL), {
      now: () => clock.now(),
      mayReceive: ({ topic }) => neighbours.get(peer)?.hosts(topic) === true,
      room: this.#room,
      unwanted: (bundle) => this.#stranded.add(bundle),
      putOff: (bundle, code) => this.#putOff(bundle, code),
      decided: (bundle, code) => {
        this.counts.decided(code)
        this.#context.decided(bundle, code)
      },
      hasRoom: () => this.#context.hasRoom(),
      ended: (left, how) => this.#ended(peer, left, how),
    })
    this.#outgoing.set(peer, stream)
    return stream
  }

  /** What a host has no room for now it may take within the bundle's lifespan. */
  #putOff(bundle: DirectBundle, code: string): boolean {
    const now = this.#context.clock.now()
    if (!WANT_OF_ROOM.has(code) || bundle.isLanded) return false
    bundle.putOff(now)
    if (bundle.notBefore >= bundle.until) return false
    this.counts.decided(code)
    this.#stranded.add(bundle)
    return true
  }

  #ended(
    peer: Peer,
    left: readonly DirectBundle[],
    { answered, cause }: { readonly answered: boolean; readonly cause?: unknown },
  ): void {
    this.#outgoing.delete(peer)
    if (this.#closed) return
    const { clock, neighbours } = this.#context
    const neighbour = neighbours.get(peer)
    if (neighbour !== undefined) {
      if (cause !== undefined && VERDICTS[codeOf(cause)] === 'reject') neighbours.blame(neighbour)
      const isBroken = cause instanceof TransportError && cause.code !== 'refused'
      // Who takes no stream, or says nothing on it, gets its bundles as before.
      if (!answered && !isBroken) this.#unwilling.set(peer, clock.now() + DELIVER_RETRY_MS)
    }
    this.counts.resent += left.length
    for (const bundle of left) this.#stranded.add(bundle)
    this.#stranded.look()
    this.#context.hasRoom()
  }

  async #take(neighbour: Exchange, bytes: Uint8Array): Promise<string | null> {
    const { code, verdict } = await this.#context.take(bytes, neighbour.peer)
    if (code === null) return null
    if (verdict === 'reject') this.#context.neighbours.blame(neighbour)
    this.#budgetsOf(neighbour.peer).refusals.take(1, this.#context.clock.now())
    return code
  }

  #patience(peer: Peer): Promise<void> | undefined {
    const { clock } = this.#context
    const { refusals } = this.#budgetsOf(peer)
    if (refusals.has(1, clock.now())) return undefined
    this.counts.slowed += 1
    return new Promise((resolve) => void clock.at(clock.now() + PATIENCE_MS, resolve))
  }

  #budgetsOf(peer: Peer): Budgets {
    const known = this.#budgets.get(peer)
    if (known !== undefined) return known
    const now = this.#context.clock.now()
    const budgets = {
      // Twice what an honest node opens: a slow link may bring those of two seconds in one.
      incoming: new Budget(2 * DELIVER_STREAMS_PER_SECOND, now),
      outgoing: new Budget(DELIVER_STREAMS_PER_SECOND, now),
      refusals: new Budget(DELIVER_REFUSALS_PER_SECOND, now),
    }
    // What is decided about a neighbour after it has gone counts against nobody.
    if (this.#context.neighbours.get(peer) !== undefined) this.#budgets.set(peer, budgets)
    return budgets
  }
}

/** Reasons that pass by themselves, within a second or some: nothing is wrong with the bundle. */
const WANT_OF_ROOM: ReadonlySet<string> = new Set<Code>([
  'rate',
  'overloaded',
  'parking-full',
  'table-full',
  'store-full',
  // A relay has not found its host yet, or an agent is not open yet.
  'not-hosted',
])
