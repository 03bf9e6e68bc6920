import { DnsError, isAtOrBelowName, TYPE, typeName, type DnsName } from '../proof.ts'
import type { ZoneCondition, ZoneEdit } from './zone-backend.ts'

/** BIND keeps in it what it has still to sign. */
const BIND_SIGNING = 65_534
const TTL_SECONDS_MAX = 2 ** 31 - 1

/** Types that a signing server makes by itself. */
const made = new Set<number>([
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.NSEC3PARAM,
  TYPE.DNSKEY,
  TYPE.CDS,
  TYPE.CDNSKEY,
  BIND_SIGNING,
])

/** Whether records of a type are put into a zone by its owner, not by the server that signs it. */
export function isOwnersType(type: number): boolean {
  // Types of questions and messages are no data (RFC 6895 section 3.1).
  const isMeta = type === 0 || type === TYPE.OPT || (type >= 128 && type <= 255)
  return !isMeta && !made.has(type)
}

/**
 * Checks edits and conditions before anything is done.
 * @throws DnsError `zone` (a name outside, the zone's own SOA or NS removed), `argument` (no data, a
 * TTL that is none), `unsupported` (a type that is not the owner's)
 */
export function checkEdits(
  zone: DnsName,
  edits: readonly ZoneEdit[],
  conditions: readonly ZoneCondition[],
): void {
  for (const { name } of [...conditions, ...edits]) {
    if (!isAtOrBelowName(name, zone)) {
      throw new DnsError('zone', `Cannot change ${zone}: ${name} is outside of it`)
    }
  }
  for (const edit of edits) checkEdit(zone, edit)
}

function checkEdit(zone: DnsName, edit: ZoneEdit): void {
  const { name, type } = edit
  const what = type === undefined ? name : `${name} ${typeName(type)}`
  if (type !== undefined && !isOwnersType(type)) {
    throw new DnsError(
      'unsupported',
      `Cannot change ${what}: its server makes it, or it is no data`,
    )
  }
  if (edit.kind === 'remove') {
    if (name === zone && (type === TYPE.SOA || type === TYPE.NS)) {
      throw new DnsError('zone', `Cannot remove ${what}: a zone has to have it`)
    }
    return
  }
  const { ttl, data } = edit
  if (data.length === 0) throw new DnsError('argument', `Cannot set ${what}: there are no data`)
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > TTL_SECONDS_MAX) {
    throw new DnsError('argument', `Cannot set ${what}: TTL ${ttl} s, limit ${TTL_SECONDS_MAX}`)
  }
  if (type === TYPE.SOA && (name !== zone || data.length !== 1)) {
    throw new DnsError('zone', `Cannot set ${what}: a zone has one, at its own name`)
  }
}
