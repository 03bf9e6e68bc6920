import type { Clock } from '@ixj/agent'
import type { FleetTold } from './fleet-role.ts'

/** How long after a revocation it is told what became of the thief. */
export const THEFT_MS = 5_000

/** What became of whoever used a copied key after its revocation. */
export interface Theft {
  readonly event: 'theft'
  readonly name: string
  /** Messages that the thief sent, with genuine signatures of the copied key. */
  readonly tried: number
  /** Of these, those that somebody's node let in. */
  readonly letIn: number
  /** Who refused them: how many, and the first how long after the thief had begun; null: none. */
  readonly refusedBy: readonly {
    readonly role: string
    readonly count: number
    readonly firstMs: number | null
  }[]
}

interface Watched {
  began: number | undefined
  readonly tried: Set<string>
  readonly letIn: Set<string>
  readonly refused: Map<string, { count: number; firstAt: number }>
}

/**
 * Joins what the processes of a fleet tell of revoked robots: which of the thief's messages, by their
 * ids, each of them refused or let in.
 */
export class TheftReport {
  readonly #clock: Clock
  readonly #roles: readonly string[]
  readonly #revoked: (name: string) => void
  readonly #hear: (theft: Theft) => void
  readonly #watched = new Map<string, Watched>()

  /** `revoked` is called once for each robot, when the first process refuses it. */
  constructor(options: {
    readonly clock: Clock
    /** Processes of which each has to refuse. */
    readonly roles: readonly string[]
    readonly revoked: (name: string) => void
    readonly hear: (theft: Theft) => void
  }) {
    this.#clock = options.clock
    this.#roles = options.roles
    this.#revoked = options.revoked
    this.#hear = options.hear
  }

  /** Takes in what a process told. */
  take(role: string, told: FleetTold): void {
    if (told.event === 'ready') return
    const { name, id } = told
    if (told.event === 'refused' && !this.#watched.has(name)) this.#begin(name)
    const watched = this.#watched.get(name)
    if (watched === undefined || id === null) return
    const now = this.#clock.now()
    if (told.event === 'tried') {
      watched.began ??= now
      watched.tried.add(id)
    } else if (watched.tried.has(id)) {
      if (told.event === 'let-in') watched.letIn.add(id)
      else countFor(watched.refused, role, now)
    }
  }

  #begin(name: string): void {
    const watched = { began: undefined, tried: new Set<string>(), letIn: new Set<string>() }
    this.#watched.set(name, { ...watched, refused: new Map() })
    this.#revoked(name)
    this.#clock.at(this.#clock.now() + THEFT_MS, () => this.#tell(name))
  }

  #tell(name: string): void {
    const { began = 0, tried, letIn, refused } = this.#watched.get(name)!
    const refusedBy = this.#roles.map((role) => {
      const known = refused.get(role)
      return { role, count: known?.count ?? 0, firstMs: known ? known.firstAt - began : null }
    })
    this.#hear({ event: 'theft', name, tried: tried.size, letIn: letIn.size, refusedBy })
  }
}

function countFor(
  refused: Map<string, { count: number; firstAt: number }>,
  role: string,
  now: number,
): void {
  const known = refused.get(role)
  if (known === undefined) refused.set(role, { count: 1, firstAt: now })
  else known.count += 1
}
