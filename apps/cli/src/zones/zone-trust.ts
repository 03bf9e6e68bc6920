import { type DnsRecord, dsOf, formatZoneAnchors, parseDnsName, type ZoneAnchor } from '@ixj/dns'
import { isAtOrBelow, type Name } from '@ixj/names'
import { type Home, systemClock } from '@ixj/node/home'
import { type Anchor, PURPOSES } from '@ixj/trust'
import { addAnchor, userName, zoneFields } from '../anchors.ts'
import { CommandError } from '../command-error.ts'
import { type Place, placeText, reachable } from './zone-arguments.ts'

/**
 * How a home trusts a zone that it has just made. `own`: by an anchor of its own; `before`: by one
 * that it had already, of the same key; `above`: through the anchor of a zone above, once that one
 * has delegated it; `none`: not, since it was told so.
 */
export type ZoneTrust =
  { readonly kind: 'own' | 'before' | 'none' } | { readonly kind: 'above'; readonly anchor: Name }

/**
 * How a new zone is going to be trusted; nothing is changed yet.
 * @throws CommandError `exists` if its name is trusted already, by another key
 */
export async function planTrust(
  home: Home,
  zone: Name,
  options: { readonly anchor: boolean; readonly keys: readonly DnsRecord[] },
): Promise<ZoneTrust> {
  if (!options.anchor) return { kind: 'none' }
  const anchors = await home.readAnchors()
  const before = anchors.get(zone)
  if (before !== undefined) {
    if (isOfKeys(before, options.keys)) return { kind: 'before' }
    const remedy = `ixj trust anchor remove ${zone}, or keep it: --no-anchor`
    const reason = `this home trusts that name already, by another key; end that: ${remedy}`
    throw new CommandError('exists', `Cannot trust the zone ${zone}: ${reason}`)
  }
  // An anchor nearer than that of the zone above would cut the names here off from it.
  const above = anchors.for(zone)
  const isZone = above?.kind === 'zone' && isAtOrBelow(zone, above.name)
  return isZone ? { kind: 'above', anchor: above.name } : { kind: 'own' }
}

/** Whether an anchor rests on nothing but these keys of its zone. */
function isOfKeys({ name, kind, records }: Anchor, keys: readonly DnsRecord[]): boolean {
  if (kind !== 'zone' || keys.length === 0) return false
  const zone = parseDnsName(name)
  // A DS says the same as the key that it is made of.
  const all = [keys, keys.map((key) => dsOf(key))].flatMap((each) => {
    return zoneFields(formatZoneAnchors([{ zone, records: each }]), name).records ?? []
  })
  return records.every((record) => all.includes(record))
}

/** Trusts a zone as one's own organisation, for all purposes. @throws as `addAnchor` */
export async function trustZone(home: Home, zone: Name, anchor: ZoneAnchor): Promise<void> {
  await addAnchor(home, {
    ...zoneFields(formatZoneAnchors([anchor]), zone),
    purposes: PURPOSES,
    addedAt: systemClock.now(),
    addedBy: userName(),
  })
}

/**
 * Has this home ask the zone's own server about names in it.
 * @throws CommandError `exists` if it asks another one already; HomeError
 */
export async function askOwnServer(home: Home, zone: Name, server: Place): Promise<void> {
  const { address, port } = reachable(server)
  const suffix = parseDnsName(zone)
  await home.updateDnsSettings((settings) => {
    const others = settings.upstreams.filter((upstream) => upstream.suffix === suffix)
    const other = others.find((upstream) => upstream.address !== address || upstream.port !== port)
    if (other !== undefined) {
      const reason = `dns.json has it ask ${placeText(other)}; take that out first`
      throw new CommandError('exists', `Cannot have this home ask about ${zone}: ${reason}`)
    }
    if (others.length > 0) return settings
    const upstream = { suffix, transport: 'udp', address, port } as const
    return { ...settings, upstreams: [...settings.upstreams, upstream] }
  })
}

/** Has this home ask about a zone as about any other name. @throws HomeError */
export async function stopAsking(home: Home, zone: Name): Promise<void> {
  const suffix = parseDnsName(zone)
  await home.updateDnsSettings((settings) => ({
    ...settings,
    upstreams: settings.upstreams.filter((upstream) => upstream.suffix !== suffix),
  }))
}
