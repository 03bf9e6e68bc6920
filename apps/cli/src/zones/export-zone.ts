import {
  acceptanceOf,
  askPrimaryKeys,
  type DnsRecord,
  dsOf,
  formatAcceptance,
  formatRecord,
  formatTrustAnchorsForDelv,
  formatZone,
  formatZoneAnchors,
  parseDnsName,
  parseRecord,
  readTsigKey,
  type ZoneAnchor,
} from '@ixj/dns'
import type { Name } from '@ixj/names'
import { type Home, nodeRandom, systemClock, zonePaths, type ZoneSettings } from '@ixj/node/home'
import { CommandError } from '../command-error.ts'
import { openBackend } from './managed-zone.ts'
import type { Telling } from './running-server.ts'

/** What `zone export` can print. */
export const EXPORTS = ['zone', 'anchor', 'delv', 'ds', 'acceptance'] as const

/** TTL of keys in texts, in seconds; nothing depends on it. */
const TTL_SECONDS = 3_600

/** The text of a zone in one of its forms. @throws CommandError `absent`; DnsError, HomeError */
export async function exportZone(
  home: Home,
  settings: ZoneSettings,
  options: Telling & { readonly as: (typeof EXPORTS)[number] },
): Promise<string> {
  const zone = parseDnsName(settings.zone)
  switch (options.as) {
    case 'zone':
      return formatZone(await listZone(home, settings, options), { origin: zone })
    case 'anchor':
      return formatZoneAnchors([await anchorOf(home, settings)])
    case 'delv':
      return formatTrustAnchorsForDelv([await anchorOf(home, settings)])
    case 'ds':
      return (await dsRecords(home, settings)).map((each) => `${formatRecord(each)}\n`).join('')
    case 'acceptance': {
      const records = await listZone(home, settings, options)
      return formatAcceptance(acceptanceOf(zone, records, await dsRecords(home, settings)))
    }
  }
}

async function listZone(
  home: Home,
  settings: ZoneSettings,
  telling: Telling,
): Promise<readonly DnsRecord[]> {
  return await (await openBackend(home, settings, telling)).list()
}

async function dsRecords(home: Home, settings: ZoneSettings): Promise<readonly DnsRecord[]> {
  const { records } = await anchorOf(home, settings)
  return records.map((record) => dsOf(record))
}

/** The keys of a zone: of its own file, or as its server tells them to its update key. */
async function anchorOf(home: Home, settings: ZoneSettings): Promise<ZoneAnchor> {
  const zone = parseDnsName(settings.zone)
  if (settings.backend === 'embedded') return { zone, records: keptKeys(settings) }
  if (settings.server === null) throw noKeys(settings.zone, 'whoever serves its file signs it')
  const key = await readTsigKey(zonePaths(home, settings.zone).updateKey)
  const primary = { server: settings.server, key, now: () => systemClock.now(), random: nodeRandom }
  const records = await askPrimaryKeys(zone, primary)
  if (records.length === 0) throw noKeys(settings.zone, 'its server does not sign it')
  return { zone, records }
}

function keptKeys({ zone, records }: ZoneSettings): readonly DnsRecord[] {
  return records.map((text) => parseRecord(`${zone}. ${TTL_SECONDS} IN ${text}`))
}

function noKeys(zone: Name, reason: string): CommandError {
  return new CommandError('absent', `Cannot tell the keys of ${zone}: ${reason}`)
}
