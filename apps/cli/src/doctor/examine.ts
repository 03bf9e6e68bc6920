import { DnsError } from '@ixj/dns'
import { printable } from '../output.ts'
import { checkKeys, checkWildcard } from './check-keys.ts'
import { checkParent } from './check-parent.ts'
import { checkPlaces } from './check-places.ts'
import { checkServers } from './check-servers.ts'
import { checkAnchor, checkZone } from './check-zone.ts'
import { type Check, type Examination, type Findings, wrong } from './finding.ts'

/**
 * Looks at a domain as those who are to believe it see it, from its anchor down to its ports, and
 * tells what is well, what could be better and what is wrong. Nothing is changed.
 */
export async function* examine(examination: Examination): Findings {
  yield checkAnchor(examination)
  const zone = yield* checkZone(examination)
  const about = zone.zone
  yield* unlessUnreadable(checkServers(examination, zone), { check: 'servers', about })
  yield* unlessUnreadable(checkParent(examination, zone), { check: 'parent', about })
  const hosts = yield* checkKeys(examination, zone)
  // Of what contradicts the anchors, one line is enough.
  if (zone.isSecure) {
    const places = { check: 'dnsaddr', about: examination.domain } as const
    yield* unlessUnreadable(checkPlaces(examination, hosts), places)
  }
  yield* checkWildcard(examination, zone)
}

/** Data without the form of their type end one check: who wrote them must not hide the others. */
async function* unlessUnreadable(
  findings: Findings,
  { check, about }: { readonly check: Check; readonly about: string },
): Findings {
  try {
    yield* findings
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    yield wrong(check, about, {
      text: `what is published cannot be read: ${printable(cause.message)}`,
      remedy: 'mend the record',
    })
  }
}
