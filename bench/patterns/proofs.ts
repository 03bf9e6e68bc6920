import { BODY_BYTES } from './body.ts'
import type { Cast } from './cast.ts'
import type { Length } from './length.ts'
import type { Lineup, Progress } from './lineup.ts'
import { delaysOf, nextRun } from './measure.ts'
import type { PatternRow, ProofRow } from './rows.ts'

const SENDERS = 64
/** Senders in eight processes, none of which shares a group with the lead. */
export const STRANGERS: Cast = { processes: 9, crews: [], agents: SENDERS }
/** Messages of each sender a second: one of all each 16 ms. */
const PER_SECOND = 1
/** Messages of each sender after its first. */
const WARM_COUNT = 5

/** The first messages to an inbox that knows no proof of their senders, and those that follow. */
export async function proofs(
  lineup: Lineup,
  _length: Length,
  progress: Progress,
): Promise<readonly PatternRow[]> {
  const scene = { pattern: 'N×1', agents: SENDERS, bodyBytes: BODY_BYTES } as const
  const rows: ProofRow[] = []
  for (const [kind, count] of [
    ['cold', 1],
    ['warm', WARM_COUNT],
  ] as const) {
    progress(`${kind} proofs of ${SENDERS} senders`)
    const outcomes = await lineup.each(`${kind} proofs`, (team) =>
      team.run(nextRun(scene, count, PER_SECOND)),
    )
    for (const { delaysMs, cpuSeconds, received, lost } of outcomes.values()) {
      rows.push({
        kind: 'proof',
        proofs: kind,
        senders: SENDERS,
        cpuMsPerMessage: (cpuSeconds * 1_000) / received,
        lost,
        ...delaysOf(delaysMs),
      })
    }
  }
  return rows
}
