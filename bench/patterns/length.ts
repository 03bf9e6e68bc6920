import type { Pace } from './measure.ts'
import type { PacedLength } from './paced-runs.ts'

/** Paces of the parts, for all contenders alike. */
export interface Length {
  readonly isWhole: boolean
  readonly pair: Pace
  readonly many: Pace
  readonly bodies: Pace
  readonly crowd: Pace
  readonly growth: Pace
  /** Questions come at a pace: code is warm sooner than where all goes as fast as it can. */
  readonly answers: Pace
  readonly paced: PacedLength
  /** A hundred a second only, so each round is longer. */
  readonly pairPaced: PacedLength
}

/**
 * Together with the other benches within half an hour on 2 cores. In half a second of the same code in
 * the same processes a peer's speed is off by a quarter, ixj's by 28 %: over so many turns, and beside
 * the eight of them, the ratio of a scene is off by about 7 %.
 */
export const WHOLE: Length = {
  isWhole: true,
  pair: { rounds: 4, secondsOfRun: 0.5, warmUpSeconds: 2 },
  many: { rounds: 4, secondsOfRun: 0.4, warmUpSeconds: 2 },
  bodies: { rounds: 4, secondsOfRun: 0.4, warmUpSeconds: 2 },
  crowd: { rounds: 3, secondsOfRun: 0.4, warmUpSeconds: 2 },
  // On many nodes a run is few bundles: their code is compiled later than that of 8 nodes.
  growth: { rounds: 6, secondsOfRun: 1.5, warmUpSeconds: 10 },
  answers: { rounds: 3, secondsOfRun: 0.6 },
  paced: { warmUpSeconds: 0.4, rounds: 2, secondsOfRound: 0.5 },
  pairPaced: { warmUpSeconds: 0.5, rounds: 3, secondsOfRound: 0.5 },
}

/** To see that it runs: two minutes. */
export const QUICK: Length = {
  isWhole: false,
  pair: { rounds: 2, secondsOfRun: 0.3 },
  many: { rounds: 2, secondsOfRun: 0.2 },
  bodies: { rounds: 2, secondsOfRun: 0.2 },
  crowd: { rounds: 2, secondsOfRun: 0.2 },
  growth: { rounds: 2, secondsOfRun: 0.5 },
  answers: { rounds: 1, secondsOfRun: 0.5 },
  paced: { warmUpSeconds: 0.3, rounds: 1, secondsOfRound: 0.3 },
  pairPaced: { warmUpSeconds: 0.3, rounds: 1, secondsOfRound: 0.3 },
}
