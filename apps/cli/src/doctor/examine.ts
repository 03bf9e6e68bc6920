import { checkKeys, checkWildcard } from './check-keys.ts'
import { checkParent } from './check-parent.ts'
import { checkPlaces } from './check-places.ts'
import { checkServers } from './check-servers.ts'
import { checkAnchor, checkZone } from './check-zone.ts'
import type { Examination, Findings } from './finding.ts'

/**
 * Looks at a domain as those who are to believe it see it, from its anchor down to its ports, and
 * tells what is well, what could be better and what is wrong. Nothing is changed.
 */
export async function* examine(examination: Examination): Findings {
  yield checkAnchor(examination)
  const zone = yield* checkZone(examination)
  yield* checkServers(examination, zone)
  yield* checkParent(examination, zone)
  const hosts = yield* checkKeys(examination, zone)
  // Of what contradicts the anchors, one line is enough.
  if (zone.isSecure) yield* checkPlaces(examination, hosts)
  yield* checkWildcard(examination, zone)
}
