import { setTimeout } from 'node:timers/promises'
import type { Cast } from './cast.ts'
import type { ContenderName } from './process.ts'
import type { NotRunRow } from './rows.ts'
import { missingFor, Team } from './team.ts'

/** CPUs that all teams together take while nobody speaks: below that they are quiet. */
const QUIET_CPUS_MAX = 0.5
/** How long one look at it lasts. */
const LOOK_SECONDS = 1
/** What is not quiet by then is measured all the same, and told. */
const SETTLE_SECONDS_MAX = 10

/** Hears what a benchmark is at. */
export type Progress = (line: string) => void

/**
 * The teams that are measured side by side. One that is not installed, or fails, is out and told
 * with its reason; the others go on.
 */
export class Lineup implements AsyncDisposable {
  /** Who is where, for every contender alike. */
  readonly cast: Cast
  readonly #teams = new Map<ContenderName, Team>()
  readonly #notRun: NotRunRow[]
  readonly #progress: Progress
  readonly #seconds = new Map<ContenderName, number>()
  #idleCpus = 0

  private constructor(cast: Cast, progress: Progress, notRun: NotRunRow[] = []) {
    this.cast = cast
    this.#progress = progress
    this.#notRun = notRun
  }

  /**
   * Opens those of the contenders that this machine has; resolves when nodes that have just met have
   * told each other what they had to.
   */
  static async open(
    contenders: readonly ContenderName[],
    cast: Cast,
    progress: Progress,
  ): Promise<Lineup> {
    const lineup = new Lineup(cast, progress)
    for (const contender of contenders) {
      const missing = missingFor(contender)
      if (missing !== undefined) {
        lineup.#out(contender, 'start', missing)
        continue
      }
      progress(`${contender}: opening ${cast.processes} processes`)
      try {
        lineup.#teams.set(contender, await Team.open(contender, cast))
      } catch (cause) {
        lineup.#out(contender, 'start', cause)
      }
    }
    await lineup.#settle()
    return lineup
  }

  /** One of them alone, among the others, who are silent; resolves when it is quiet. */
  async only(contender: ContenderName): Promise<Lineup> {
    // It was waited for when it was opened.
    if (this.#teams.size === 1 && this.#teams.has(contender)) return this
    const alone = new Lineup(this.cast, this.#progress, this.#notRun)
    const team = this.#teams.get(contender)
    if (team !== undefined) alone.#teams.set(contender, team)
    await alone.#settle()
    return alone
  }

  /** CPUs that all teams together took while nobody spoke, before anything was measured. */
  get idleCpus(): number {
    return this.#idleCpus
  }

  /** Those that are still there, in the order in which they were opened: who has failed is not. */
  get contenders(): readonly ContenderName[] {
    return [...this.#teams.keys()]
  }

  /** Who was not measured so far, at what, and why. */
  get notRun(): readonly NotRunRow[] {
    return this.#notRun
  }

  /** Has each in turn do something; what it came to, for those that did it. */
  async each<Result>(
    at: string,
    work: (team: Team) => Promise<Result>,
  ): Promise<ReadonlyMap<ContenderName, Result>> {
    const results = new Map<ContenderName, Result>()
    for (const contender of this.contenders) {
      const result = await this.turn(contender, at, work)
      if (result !== undefined) results.set(contender, result.value)
    }
    return results
  }

  /** Has one do something; undefined if it is out, be it by failing at this. */
  async turn<Result>(
    contender: ContenderName,
    at: string,
    work: (team: Team) => Promise<Result>,
  ): Promise<{ readonly value: Result } | undefined> {
    const team = this.#teams.get(contender)
    if (team === undefined) return undefined
    const began = performance.now()
    try {
      return { value: await work(team) }
    } catch (cause) {
      this.#teams.delete(contender)
      this.#out(contender, at, cause)
      await this.#close(team)
      return undefined
    } finally {
      const seconds = (performance.now() - began) / 1_000
      this.#seconds.set(contender, (this.#seconds.get(contender) ?? 0) + seconds)
    }
  }

  /** How long each has had its turn since that was asked last: what takes the time of a run. */
  takeSeconds(): ReadonlyMap<ContenderName, number> {
    const taken = new Map(this.#seconds)
    this.#seconds.clear()
    return taken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#teams.values()].map((team) => this.#close(team)))
  }

  async #settle(): Promise<void> {
    const began = performance.now()
    const secondsGone = () => (performance.now() - began) / 1_000
    do {
      const since = secondsGone()
      const before = await this.#cpuSeconds()
      await setTimeout(LOOK_SECONDS * 1_000)
      const after = await this.#cpuSeconds()
      // A team that has failed meanwhile is in neither.
      const used = [...after].reduce((sum, [name, cpu]) => sum + cpu - (before.get(name) ?? cpu), 0)
      this.#idleCpus = used / (secondsGone() - since)
    } while (this.#idleCpus > QUIET_CPUS_MAX && secondsGone() < SETTLE_SECONDS_MAX)
    const state = this.#idleCpus > QUIET_CPUS_MAX ? 'NOT QUIET' : 'quiet'
    const took = `after ${secondsGone().toFixed(0)} s`
    this.#progress(`${state} ${took}: ${this.#idleCpus.toFixed(2)} CPUs while nobody speaks`)
  }

  /** Of each team; one whose process has ended is out. */
  #cpuSeconds(): Promise<ReadonlyMap<ContenderName, number>> {
    return this.each('start', async (team) => team.cpuSeconds)
  }

  /** What a failed team leaves behind is told, and hinders nobody else. */
  async #close(team: Team): Promise<void> {
    try {
      await team[Symbol.asyncDispose]()
    } catch (cause) {
      this.#progress(`${team.contender}: closing failed: ${String(cause)}`)
    }
  }

  #out(contender: ContenderName, at: string, cause: unknown): void {
    const row = notRunRow(contender, at, cause)
    this.#notRun.push(row)
    this.#progress(`${contender}: not run at ${at}: ${row.reason}`)
  }
}

/** Who was not run, at what, and why: the first line of it, for what follows are places in files. */
export function notRunRow(
  contender: NotRunRow['contender'],
  at: string,
  cause: unknown,
): NotRunRow {
  // What went wrong first counts, not what closing ran into for it.
  const first: unknown = cause instanceof SuppressedError ? cause.suppressed : cause
  const text = first instanceof Error ? first.message : String(first)
  return { kind: 'not-run', contender, at, reason: text.split('\n')[0] ?? '' }
}
