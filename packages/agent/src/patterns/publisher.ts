import { equalBytes } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Core } from '../host/core.ts'
import type { InboxLoad } from '../host/handover.ts'
import { grantsOf, type Identity } from '../host/identity.ts'
import type { BundleMaker, MadeBundle } from './bundle-maker.ts'
import { rejectEnded } from './ended-messages.ts'
import { handOver } from './hand-over.ts'
import type { Lane, Waiting } from './lane-queue.ts'
import { Turns } from './turns.ts'

/** How a bundle went. */
type Way = NonNullable<InboxLoad['way']>

/** Bundles of one lane are made together, and share a signature; what is urgent waits for no more. */
const TURN_BUNDLES_MAX = 8

/** One of an agent's streams: what was said in it is followed by what is said next. */
export interface Stream {
  next: number
  /** One after the other, those of higher priority first. */
  readonly turns: Turns
}

/** Messages that become one bundle. */
interface Pack {
  readonly waiting: readonly Waiting[]
  readonly way: Way | undefined
  /** Its messages were handed over, or told why not. */
  readonly done: () => void
}

/** Hands over an agent's messages, bundle by bundle, and tells each what became of it. */
export class Publisher {
  readonly #core: Core
  readonly #identity: Identity
  readonly #maker: BundleMaker
  readonly #streams = new Map<string, Stream>()
  /** Those of each lane whose turn has not come. */
  readonly #ready = new Map<Lane, Pack[]>()
  /** Messages whose bundles were handed over, and are being stored. */
  readonly #settling = new Set<Promise<void>>()

  constructor(core: Core, identity: Identity, maker: BundleMaker) {
    this.#core = core
    this.#identity = identity
    this.#maker = maker
  }

  /** The stream in which a lane's bundles stand. */
  stream({ topic, class: messageClass }: Lane): Stream {
    const key = `${topic}|${messageClass}`
    let stream = this.#streams.get(key)
    if (stream === undefined) {
      stream = { next: 1, turns: new Turns() }
      this.#streams.set(key, stream)
    }
    return stream
  }

  /** Resolves when nothing is on its way any more, and all is stored. */
  async idle(): Promise<void> {
    await Promise.all([...this.#streams.values()].map(({ turns }) => turns.idle()))
    await Promise.all(this.#settling)
  }

  /**
   * Makes one bundle of these and hands it over when its turn comes; settles each, and never rejects.
   * Packs of a lane that wait for the same turn are made together.
   */
  async publish(lane: Lane, waiting: readonly Waiting[], way?: Way): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const pack = { waiting, way, done: resolve }
    const ready = this.#ready.get(lane)
    if (ready === undefined) this.#ready.set(lane, [pack])
    else ready.push(pack)
    const stream = this.stream(lane)
    void stream.turns.take(lane.priority, () => this.#turn(lane, stream))
    await promise
  }

  /** Stored while it is on its way: nobody waits for one after the other. @throws AgentError `not-stored` */
  keep(bundle: Bundle): Promise<void> {
    const { authority } = bundle.header
    const { name } = this.#identity
    const grant = grantsOf(this.#identity).find(
      ({ id }) => authority !== null && equalBytes(id, authority),
    )
    const stored = this.#core.keeper.send(bundle, grant?.statement.onBehalfOf ?? name)
    stored.catch(() => 'whoever waits for the bundle is told, or was told what failed before')
    return stored
  }

  /** Each pack takes a turn; the first of them takes along those that wait behind it. */
  async #turn(lane: Lane, stream: Stream): Promise<void> {
    const ready = this.#ready.get(lane) ?? []
    let packs: readonly Pack[] = ready.splice(0, TURN_BUNDLES_MAX)
    if (ready.length === 0) this.#ready.delete(lane)
    while (packs.length > 0) packs = await this.#publishSome({ lane, stream }, packs)
  }

  /** Gives back those that have to be made again, since something before them took another way. */
  async #publishSome(where: Where, packs: readonly Pack[]): Promise<readonly Pack[]> {
    const { lane, stream } = where
    const now = this.#core.clock.now()
    let first = stream.next
    const making = packs.map(({ waiting }) => {
      const taken = rejectEnded(lane, waiting, now)
      const made = taken.length === 0 ? undefined : this.#maker.make(lane, first, taken)
      first += countOf(taken)
      return { taken, made }
    })
    await Promise.allSettled(making.flatMap(({ made }) => made ?? []))
    for (const [index, pack] of packs.entries()) {
      const { taken, made } = making[index]!
      // Those before it may have had to wait for room.
      if (index > 0 && hasEnded(taken, this.#core.clock.now())) return packs.slice(index)
      const isPlaced = made === undefined || (await this.#publishOne(where, { taken, made, pack }))
      pack.done()
      // Places that nobody saw are used again: a later reader would wait for them in vain.
      if (!isPlaced) return packs.slice(index + 1)
    }
    return []
  }

  /** Whether its places in the stream are taken: somebody may have seen the bundle. */
  async #publishOne(
    { lane, stream }: Where,
    given: {
      readonly taken: readonly Waiting[]
      readonly made: Promise<MadeBundle>
      readonly pack: Pack
    },
  ): Promise<boolean> {
    const { taken, pack } = given
    let stored: Promise<void> | undefined
    try {
      const { bundle, proof } = await given.made
      for (const waiting of taken) waiting.sealed?.(bundle)
      const isSeen = () => {
        if (stored !== undefined) return
        stream.next += countOf(taken)
        stored = this.keep(bundle)
      }
      const load = { bundle, proof, isSeen, way: pack.way, isNew: true }
      const peers = await handOver(lane, load, this.#core)
      // A group to which nobody came yet finds it in the history.
      if (lane.of === 'group') isSeen()
      if (peers === 0 && lane.of === 'inbox') {
        throw new AgentError('unreachable', `Cannot reach ${lane.topic}: its host has just gone`)
      }
      this.#settle(taken, peers, stored)
    } catch (cause) {
      for (const waiting of taken) waiting.reject(cause)
    }
    return stored !== undefined
  }

  /** Messages are done when their bundle is stored, too. The next bundle does not wait for that. */
  #settle(taken: readonly Waiting[], peers: number, stored: Promise<void> | undefined): void {
    const settling = (async () => {
      try {
        await stored
        for (const waiting of taken) waiting.resolve({ id: waiting.id, peers })
      } catch (cause) {
        for (const waiting of taken) waiting.reject(cause)
      }
    })()
    this.#settling.add(settling)
    void settling.finally(() => this.#settling.delete(settling))
  }
}

/** A lane, and the stream in which its bundles stand. */
interface Where {
  readonly lane: Lane
  readonly stream: Stream
}

function countOf(taken: readonly Waiting[]): number {
  return taken.reduce((sum, { messages }) => sum + messages.count, 0)
}

function hasEnded(taken: readonly Waiting[], now: number): boolean {
  return taken.some(({ until }) => until < now)
}
