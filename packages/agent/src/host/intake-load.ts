import type { MessageClass } from '../bundles/header.ts'
import { INTAKE_BUNDLES_MAX, INTAKE_BYTES_MAX } from '../limits.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'

/** What is shed first: `control` is what comes again by itself, presence and repair. */
export type LoadKind = 'control' | MessageClass

/** Something that came in and waits for its verdict. What it claims to be is not proved yet. */
export interface Arrival {
  readonly kind: LoadKind
  readonly priority: number
  readonly bytes: number
  /** Null: of this very node. */
  readonly from: Peer | null
}

/** How much of the room may be taken when one more of a kind comes. */
const SHARES: Readonly<Record<LoadKind, number>> = {
  control: 1 / 2,
  state: 5 / 8,
  event: 3 / 4,
  task: 1,
}
/** What each priority adds to that for an event. */
const PRIORITY_SHARE = 1 / 16

interface Use {
  bundles: number
  bytes: number
}

/**
 * What waits for a verdict. When there is much of it, what comes by itself again is refused first,
 * then state, then events by their priority, tasks last: each class keeps room that no lesser one
 * can take. A class is a claim until it is verified, so whoever claims too much is held to its own
 * part: a neighbour that uses no more than an equal part of the room is always let in.
 */
export class IntakeLoad {
  /** What was refused, by kind. */
  readonly shed = new Map<LoadKind, number>()
  readonly #all: Use = { bundles: 0, bytes: 0 }
  readonly #byNeighbour = new Map<Peer, Use>()

  /** Bundles and announcements that wait for their verdicts. */
  get waiting(): number {
    return this.#all.bundles
  }

  /** Takes a place; the returned function gives it back. @throws Refusal `overloaded` */
  enter(arrival: Arrival): () => void {
    const { kind, bytes, from } = arrival
    // What agents here send waits with them, one bundle of a stream after the other.
    if (from === null) return () => {}
    const own = this.#byNeighbour.get(from) ?? { bundles: 0, bytes: 0 }
    const share = shareOf(arrival)
    const equalPart = part(own) * Math.max(1, this.#byNeighbour.size)
    if (part(this.#all) >= share && equalPart >= share) {
      this.shed.set(kind, (this.shed.get(kind) ?? 0) + 1)
      const limits = `limits ${INTAKE_BUNDLES_MAX} and ${INTAKE_BYTES_MAX} bytes`
      const what = `${this.#all.bundles} wait, ${this.#all.bytes} bytes`
      throw new Refusal('overloaded', `Cannot look at another ${kind}: ${what}, ${limits}`)
    }
    this.#byNeighbour.set(from, own)
    for (const use of [this.#all, own]) add(use, 1, bytes)
    let left = false
    return () => {
      if (left) return
      left = true
      for (const use of [this.#all, own]) add(use, -1, bytes)
      if (own.bundles === 0) this.#byNeighbour.delete(from)
    }
  }
}

function shareOf({ kind, priority }: Arrival): number {
  return SHARES[kind] + (kind === 'event' ? priority * PRIORITY_SHARE : 0)
}

function part({ bundles, bytes }: Use): number {
  return Math.max(bundles / INTAKE_BUNDLES_MAX, bytes / INTAKE_BYTES_MAX)
}

function add(use: Use, bundles: number, bytes: number): void {
  use.bundles += bundles
  use.bytes += bundles * bytes
}
