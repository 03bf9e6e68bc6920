import type { Name } from '@ixj/names'
import { encodeSheaf, groupForSheaves } from '../bundles/sheaf.ts'
import type { Clock } from '../clock.ts'
import { SHEAF_GATHER_MS } from '../limits.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'

/** What is handed to the neighbours of a group. */
export interface GroupLoad {
  readonly bytes: Uint8Array
  /** They go ahead of the bundles to whoever does not have them. */
  readonly proofs: readonly KnownProof[]
  /** Called when the transport is given the bundles: somebody may have them from then on. */
  readonly given: () => void
}

interface Waiting extends GroupLoad {
  resolve(peers: number): void
  reject(cause: unknown): void
}

/** What gathering bundles needs. */
export interface GroupSheavesContext {
  readonly clock: Clock
  /** Hands one message to the group. */
  hand(topic: Name, load: GroupLoad): Promise<number>
}

/** Of a group of which a message went lately. */
interface Gathering {
  /** What waits for the next message. */
  readonly bundles: Waiting[]
  /** Bundles that those who were given their turn have yet to hand over. */
  awaited: number
}

/**
 * Bundles of a node's members of one group, several in a message: what comes in one turn of the
 * program, and then what comes within {@link SHEAF_GATHER_MS} of the message before. Who asks for its
 * turn before it makes a bundle has it signed and sent together with those of all who asked meanwhile.
 */
export class GroupSheaves {
  readonly #context: GroupSheavesContext
  readonly #gathering = new Map<Name, Gathering>()
  /** Who waits for its turn to make a bundle. */
  readonly #turns = new Map<Name, (() => void)[]>()

  constructor(context: GroupSheavesContext) {
    this.#context = context
  }

  /** Resolves when the next message of the group may go. */
  turn(topic: Name): Promise<void> {
    return new Promise((resolve) => {
      const turns = this.#turns.get(topic)
      if (turns !== undefined) {
        turns.push(resolve)
        return
      }
      this.#turns.set(topic, [resolve])
      if (!this.#gathering.has(topic)) void this.#takeSoon(topic)
    })
  }

  /** Resolves to how many nodes were handed the bundle. @throws what handing it over throws */
  hand(topic: Name, load: GroupLoad): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiting = { ...load, resolve, reject }
      const gathering = this.#gathering.get(topic)
      if (gathering === undefined) {
        this.#gather(topic, { bundles: [waiting], awaited: 0 })
        void this.#goSoon(topic)
        return
      }
      gathering.bundles.push(waiting)
      if (gathering.awaited === 0) return
      gathering.awaited -= 1
      if (gathering.awaited === 0) this.#go(topic)
    })
  }

  /** Nothing waits any longer: somebody is leaving. */
  flush(): void {
    for (const topic of this.#gathering.keys()) this.#go(topic)
    for (const topic of this.#turns.keys()) this.#takeTurns(topic)
  }

  /** All that is said in one turn of the program goes together. */
  async #goSoon(topic: Name): Promise<void> {
    await Promise.resolve()
    this.#go(topic)
  }

  async #takeSoon(topic: Name): Promise<void> {
    await Promise.resolve()
    // What was handed over without a turn came first.
    if (this.#gathering.has(topic)) return
    this.#gather(topic, { bundles: [], awaited: this.#takeTurns(topic) })
  }

  #gather(topic: Name, gathering: Gathering): void {
    const { clock } = this.#context
    this.#gathering.set(topic, gathering)
    clock.at(clock.now() + SHEAF_GATHER_MS, () => {
      const isIdle = gathering.bundles.length === 0
      this.#go(topic)
      if (this.#turns.has(topic)) {
        this.#gather(topic, { bundles: [], awaited: this.#takeTurns(topic) })
      } else if (isIdle) this.#gathering.delete(topic)
      else this.#gather(topic, { bundles: [], awaited: 0 })
    })
  }

  /** To how many their turns were given. */
  #takeTurns(topic: Name): number {
    const turns = this.#turns.get(topic) ?? []
    this.#turns.delete(topic)
    for (const take of turns) take()
    return turns.length
  }

  #go(topic: Name): void {
    const waiting = this.#gathering.get(topic)?.bundles.splice(0) ?? []
    for (const some of groupForSheaves(waiting)) void this.#hand(topic, some)
  }

  async #hand(topic: Name, waiting: readonly Waiting[]): Promise<void> {
    try {
      const peers = await this.#context.hand(topic, joined(waiting))
      for (const each of waiting) each.resolve(peers)
    } catch (cause) {
      for (const each of waiting) each.reject(cause)
    }
  }
}

function joined(waiting: readonly Waiting[]): GroupLoad {
  const [only] = waiting
  if (only !== undefined && waiting.length === 1) return only
  return {
    bytes: encodeSheaf(waiting.map(({ bytes }) => bytes)),
    proofs: [...new Set(waiting.flatMap(({ proofs }) => proofs))],
    given: () => {
      for (const { given } of waiting) given()
    },
  }
}
