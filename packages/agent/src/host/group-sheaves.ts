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

/**
 * Bundles of a node's members of one group, several in a message: what comes in one turn of the
 * program, and then what comes within {@link SHEAF_GATHER_MS} of the message before.
 */
export class GroupSheaves {
  readonly #context: GroupSheavesContext
  /** Of each group of which a message went lately: what waits for the next. */
  readonly #waiting = new Map<Name, Waiting[]>()

  constructor(context: GroupSheavesContext) {
    this.#context = context
  }

  /** Resolves to how many nodes were handed the bundle. @throws what handing it over throws */
  hand(topic: Name, load: GroupLoad): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiting = { ...load, resolve, reject }
      const others = this.#waiting.get(topic)
      if (others !== undefined) {
        others.push(waiting)
        return
      }
      this.#waiting.set(topic, [waiting])
      void this.#begin(topic)
    })
  }

  /** Nothing waits any longer: somebody is leaving. */
  flush(): void {
    for (const topic of this.#waiting.keys()) this.#go(topic)
  }

  async #begin(topic: Name): Promise<void> {
    // All that is said in one turn goes together.
    await Promise.resolve()
    this.#go(topic)
    this.#later(topic)
  }

  #later(topic: Name): void {
    const { clock } = this.#context
    clock.at(clock.now() + SHEAF_GATHER_MS, () => {
      if (this.#waiting.get(topic)?.length === 0) {
        this.#waiting.delete(topic)
        return
      }
      this.#go(topic)
      this.#later(topic)
    })
  }

  #go(topic: Name): void {
    const waiting = this.#waiting.get(topic)?.splice(0) ?? []
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
