import { existsSync } from 'node:fs'
import {
  EXPLANATIONS_MAX,
  ExplanationFile,
  type Home,
  ID_PREFIX_MIN,
  type KeptExplanation,
} from '@ixj/node/home'
import { ArgumentError, CommandError } from './command-error.ts'

const ID_MAX = 64

/**
 * What the nodes of a home decided about a bundle or message, by the beginning of its id, the
 * newest first; while they run, too.
 * @throws ArgumentError `usage` for an id that is too short or long; CommandError `absent`
 */
export function findKept(home: Home, id: string): readonly KeptExplanation[] {
  if (id.length < ID_PREFIX_MIN || id.length > ID_MAX) {
    const limit = `an id has ${ID_PREFIX_MIN} to ${ID_MAX} characters`
    throw new ArgumentError('usage', `Cannot explain ${JSON.stringify(id)}: ${limit}`)
  }
  const path = home.explanationsPath
  if (existsSync(path)) {
    using file = new ExplanationFile(path)
    const found = file.find(id)
    if (found.length > 0) return found
  }
  const where = `among the last ${EXPLANATIONS_MAX} decisions of the nodes of this home`
  throw new CommandError('absent', `Cannot explain ${id}: it is not ${where}`)
}
