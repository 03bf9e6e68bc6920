import {
  type Bogus,
  type DnsRecord,
  readRrsig,
  TYPE,
  unproven,
  validate,
  type Validation,
} from '@ixj/dns'
import { SignedZone } from '../signed-zone.ts'
import { ask, contextOf, dsLine, lookUp } from '../zone-world.ts'

/** The name whose key is attacked. */
export const key = '_ixjkey.planner.team.example'
export const child = new SignedZone('team.example', [
  '_ixjkey.planner 300 IN TXT "key"',
  '_ixjkey.other 300 IN TXT "other key"',
  'alias 300 IN CNAME _ixjkey.planner',
  '*.wild 300 IN TXT "expanded"',
  'exact.wild 300 IN TXT "exact"',
  '_ixjkey.wild 300 IN TXT "exact"',
  'x.empty.wild 300 IN TXT "exact"',
])
export const sibling = new SignedZone('blue.example', ['_ixjkey 300 IN TXT "blue"'])
export const parent = new SignedZone('example', [
  'team 300 IN NS ns.team',
  dsLine(child),
  'blue 300 IN NS ns.blue',
  dsLine(sibling),
  'open 300 IN NS ns.open',
  'aaa 300 IN A 127.0.0.1',
  'zzz 300 IN A 127.0.0.1',
])
export const zones = [parent, child, sibling]
export const context = contextOf([parent.anchor])
export const question = `TXT ${key}`

/** All that an honest resolver collects for the key: answer, DNSKEY and DS. */
export const honest = (await lookUp(zones, question)).records

/** What a proof of these records comes to. */
export async function verdict(
  records: readonly DnsRecord[],
  asked = question,
  at = context,
): Promise<Exclude<Validation, { readonly state: 'incomplete' }>> {
  const validation = await validate(ask(asked), records, at)
  return validation.state === 'incomplete' ? unproven(validation) : validation
}

/** What is expected of an attack. */
export const bogus = (reason: Bogus['reason']) => ({ state: 'bogus', reason })

/** The records without those of a type, their signatures included. */
export function without(records: readonly DnsRecord[], type: number, owner?: string): DnsRecord[] {
  return records.filter(
    (record) =>
      !(
        (owner === undefined || record.name === owner) &&
        (record.type === type ||
          (record.type === TYPE.RRSIG && readRrsig(record.data).typeCovered === type))
      ),
  )
}
