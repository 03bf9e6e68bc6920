import type { Lineup } from './lineup.ts'
import type { ContenderName } from './process.ts'
import type { Team } from './team.ts'

/**
 * In a round ixj has a turn before each so many of its peers' turns. The ratios that two runs of the
 * benchmark are compared by are ixj beside all of its peers: that is known best for the time when ixj
 * is measured for as long as the peers together, and in between them.
 */
const PEERS_FOR_A_TURN = 2

/** Turns that teams take. */
interface Rounds<Result> {
  readonly title: string
  /** At most so many. */
  readonly count: number
  /** What was measured before, which counts as results of turns. */
  readonly had?: ReadonlyMap<ContenderName, readonly Result[]>
  /** One turn of a team that has had so many before. */
  readonly turn: (team: Team, before: number) => Promise<Result>
  /** Whether a team with these results leaves out a turn that it is offered; by default none does. */
  readonly isEnough?: (results: readonly Result[], turns: Offered) => boolean
}

/** Turns that a team was offered before this one, taken or not, and in all. */
export interface Offered {
  readonly offered: number
  readonly of: number
}

/**
 * Has each team take its turns, so that a busy second of the machine meets all. Who fails in a later
 * round has no outcome at all.
 */
export async function rounds<Result>(
  lineup: Pick<Lineup, 'contenders' | 'turn'>,
  { title, count, had, turn, isEnough = () => false }: Rounds<Result>,
): Promise<readonly (readonly [ContenderName, readonly Result[]])[]> {
  const results = new Map<ContenderName, readonly Result[]>(had)
  const offers = new Map<ContenderName, number>()
  for (let round = 0; round < count; round++) {
    const turns = turnsOf(lineup.contenders, round)
    for (const contender of turns) {
      const before = results.get(contender) ?? []
      const offered = offers.get(contender) ?? 0
      offers.set(contender, offered + 1)
      const of = count * turns.filter((other) => other === contender).length
      if (isEnough(before, { offered, of })) continue
      const result = await lineup.turn(contender, title, (team) => turn(team, before.length))
      if (result !== undefined) results.set(contender, [...before, result.value])
    }
  }
  return [...results].filter(([contender]) => lineup.contenders.includes(contender))
}

/**
 * Who takes a turn in a round, in order: another peer is first in each, so that nobody always comes
 * after the same one; ixj comes in between.
 */
export function turnsOf(
  contenders: readonly ContenderName[],
  round: number,
): readonly ContenderName[] {
  const peers = contenders.filter((contender) => contender !== 'ixj')
  const own = contenders.filter((contender) => contender === 'ixj')
  if (peers.length === 0) return own
  const first = round % peers.length
  const rotated = [...peers.slice(first), ...peers.slice(0, first)]
  return rotated.flatMap((peer, place) =>
    place % PEERS_FOR_A_TURN === 0 ? [...own, peer] : [peer],
  )
}
