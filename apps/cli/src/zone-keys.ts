import { isAtOrBelow, type Name, parentName } from '@ixj/names'
import { type Home, openNodeDns, systemClock } from '@ixj/node/home'
import type { AnchorSet, PublishedKey, SignedStatement } from '@ixj/trust'

/** Names whose key records one explanation looks up. */
const NAMES_MAX = 32

/** What the DNS says of names, as far as zone anchors of a home prove it. */
export interface ZoneFindings {
  readonly published: readonly PublishedKey[]
  /** Why names have no key there: sentences for people. */
  readonly unproven: readonly string[]
}

/** Looks up the key records of names and those above them; nothing where no zone is trusted. */
export async function findZoneKeys(
  names: Iterable<Name>,
  { home, anchors }: { readonly home: Home; readonly anchors: AnchorSet },
): Promise<ZoneFindings> {
  const asked = [...new Set([...names].flatMap((name) => upToAnchor(name, anchors)))]
  if (asked.length === 0) return { published: [], unproven: [] }
  const settings = await home.readDnsSettings()
  await using dns = await openNodeDns({ anchors, settings, home, clock: systemClock })
  const published: PublishedKey[] = []
  const unproven: string[] = []
  for (const name of asked.slice(0, NAMES_MAX)) {
    const records = await dns.zoneKeys?.fetch(name)
    if (records === undefined || dns.zoneKeys === undefined) {
      unproven.push(`${name}: the DNS gives no signed key record (ixj resolve ${name})`)
      continue
    }
    const { names: proven, faults } = await dns.zoneKeys.prove(records, systemClock.now())
    published.push(...proven.flatMap(({ keys }) => keys))
    unproven.push(...faults)
  }
  return { published, unproven }
}

/** The names that a claim may begin with: its own and those above, and the issuers. */
export function rootsOf(name: Name, statements: readonly SignedStatement[]): ReadonlySet<Name> {
  return new Set([name, ...statements.map(({ statement }) => statement.issuer)])
}

function upToAnchor(name: Name, anchors: AnchorSet): readonly Name[] {
  if (!anchors.asksDns(name)) return []
  // Under the root of the DNS every name above may be the one that its zone publishes.
  const top = anchors.for(name)?.name
  const names: Name[] = []
  for (let at: Name | undefined = name; at !== undefined && isAtOrBelow(at, top ?? at);) {
    names.push(at)
    at = parentName(at)
  }
  return names
}
