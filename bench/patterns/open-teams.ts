import type { Cast } from './cast.ts'
import type { ContenderName } from './process.ts'
import { missingFor, Team } from './team.ts'

/** Hears what a benchmark is at. */
export type Progress = (line: string) => void

/** Opens those of the contenders that this machine has, and says which it has not. */
export async function openTeams(
  contenders: readonly ContenderName[],
  cast: Cast,
  progress: Progress,
): Promise<AsyncDisposable & { readonly all: readonly Team[] }> {
  await using opening = new AsyncDisposableStack()
  const all: Team[] = []
  for (const contender of contenders) {
    const missing = missingFor(contender)
    if (missing === undefined) {
      progress(`${contender}: opening ${cast.processes} processes`)
      all.push(opening.use(await Team.open(contender, cast)))
    } else progress(`${contender}: not run, ${missing}`)
  }
  const opened = opening.move()
  return { all, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
