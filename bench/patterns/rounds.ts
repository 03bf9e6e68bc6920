import type { Lineup } from './lineup.ts'
import type { ContenderName } from './process.ts'
import type { Team } from './team.ts'

/**
 * In a round ixj has a turn before each so many of its peers' turns: the ratios that two runs of the
 * benchmark are compared by are ixj beside all of its peers, which is known best for the time when ixj
 * is measured for as long as the peers together, and in between them.
 */
export const PEERS_FOR_A_TURN = { throughput: 1, latency: 2 } as const

/** What teams take turns at. */
export interface Work<Result> {
  readonly title: string
  /** What was measured before, which counts as results of turns. */
  readonly had?: ReadonlyMap<ContenderName, readonly Result[]>
  /** One turn of a team that has these results so far. */
  readonly turn: (team: Team, before: readonly Result[]) => Promise<Result>
  /** Whether a team with these results leaves out a turn that it is offered; by default none does. */
  readonly isEnough?: (results: readonly Result[], turns: Offered) => boolean
}

/** Turns that a team was offered before this one, taken or not, and in all. */
export interface Offered {
  readonly offered: number
  readonly of: number
}

interface Often {
  /** Rounds. */
  readonly count: number
  /** Peers for each turn of ixj. */
  readonly peersForATurn: number
}

type Results<Result> = readonly (readonly [ContenderName, readonly Result[]])[]

/** Has each team take its turns at one work: see {@link roundsOfAll}. */
export async function rounds<Result>(
  lineup: Pick<Lineup, 'contenders' | 'turn'>,
  { count, peersForATurn, ...work }: Work<Result> & Often,
): Promise<Results<Result>> {
  const [results = []] = await roundsOfAll(lineup, { count, peersForATurn, works: [work] })
  return results
}

/**
 * Has each team take its turns at all works in each of so many rounds, so that a busy minute of the
 * machine meets all teams and all works. Who fails has no outcome of what it failed at, and of the
 * others what it did till then.
 */
export async function roundsOfAll<Result>(
  lineup: Pick<Lineup, 'contenders' | 'turn'>,
  { works, ...often }: { readonly works: readonly Work<Result>[] } & Often,
): Promise<readonly Results<Result>[]> {
  const courses = works.map((work) => new Course(lineup, work, often))
  for (let round = 0; round < often.count; round++) {
    for (const course of courses) await course.round(round)
  }
  return courses.map(({ results }) => results)
}

/** The turns of all teams at one work. */
class Course<Result> {
  readonly #lineup: Pick<Lineup, 'contenders' | 'turn'>
  readonly #work: Work<Result>
  readonly #often: Often
  readonly #results: Map<ContenderName, readonly Result[]>
  readonly #offers = new Map<ContenderName, number>()

  constructor(lineup: Pick<Lineup, 'contenders' | 'turn'>, work: Work<Result>, often: Often) {
    this.#lineup = lineup
    this.#work = work
    this.#often = often
    const had = [...(work.had ?? [])]
    this.#results = new Map(had.filter(([contender]) => lineup.contenders.includes(contender)))
  }

  get results(): Results<Result> {
    return [...this.#results]
  }

  async round(round: number): Promise<void> {
    const { count, peersForATurn } = this.#often
    const turns = turnsOf(this.#lineup.contenders, { round, peersForATurn })
    for (const contender of turns) {
      // It may have failed at its last turn in this round.
      if (!this.#lineup.contenders.includes(contender)) continue
      const ofRound = turns.filter((other) => other === contender).length
      await this.#offer(contender, count * ofRound)
    }
  }

  async #offer(contender: ContenderName, of: number): Promise<void> {
    const { title, turn, isEnough } = this.#work
    const before = this.#results.get(contender) ?? []
    const offered = this.#offers.get(contender) ?? 0
    this.#offers.set(contender, offered + 1)
    if (isEnough?.(before, { offered, of }) === true) return
    const result = await this.#lineup.turn(contender, title, (team) => turn(team, before))
    if (result === undefined) this.#results.delete(contender)
    else this.#results.set(contender, [...before, result.value])
  }
}

/**
 * Who takes a turn in a round, in order: another peer is first in each, so that nobody always comes
 * after the same one; ixj comes in between.
 */
export function turnsOf(
  contenders: readonly ContenderName[],
  { round, peersForATurn }: { readonly round: number; readonly peersForATurn: number },
): readonly ContenderName[] {
  const peers = contenders.filter((contender) => contender !== 'ixj')
  const own = contenders.filter((contender) => contender === 'ixj')
  if (peers.length === 0) return own
  const first = round % peers.length
  const rotated = [...peers.slice(first), ...peers.slice(0, first)]
  return rotated.flatMap((peer, place) => (place % peersForATurn === 0 ? [...own, peer] : [peer]))
}
