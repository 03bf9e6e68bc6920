import {
  canonicalData,
  DnsError,
  readDs,
  readSoa,
  readSvcb,
  readTarget,
  readTlsa,
  readTxt,
  TYPE,
  typeName,
  writeSvcb,
} from '../proof.ts'
import { RRSET_BYTES_MAX, RRSET_RECORDS_MAX, TTL_SECONDS_MAX } from './limits.ts'
import type { Rrset } from './rrset.ts'

/** Types that the server makes by itself. */
const made = new Set<number>([
  TYPE.DNSKEY,
  TYPE.CDS,
  TYPE.CDNSKEY,
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.NSEC3PARAM,
])

/** Types between are questions and pseudo-records, never data (RFC 6895 section 3.1). */
const META_FIRST = 128
const META_LAST = 255

/** Whether a type is one that only questions and pseudo-records have. */
export function isMetaType(type: number): boolean {
  return type === 0 || type === TYPE.OPT || (type >= META_FIRST && type <= META_LAST)
}

/** Whether an owner may put records of a type into a zone. DNAME is not built. */
export function isOwnersType(type: number): boolean {
  return !isMetaType(type) && !made.has(type) && type !== TYPE.DNAME
}

const forms = new Map<number, (data: Uint8Array) => boolean>([
  [TYPE.A, (data) => data.length === 4],
  [TYPE.AAAA, (data) => data.length === 16],
  [TYPE.NS, isTarget(TYPE.NS)],
  [TYPE.CNAME, isTarget(TYPE.CNAME)],
  [TYPE.PTR, isTarget(TYPE.PTR)],
  [TYPE.SOA, (data) => readSoa(data).minimum <= TTL_SECONDS_MAX],
  [TYPE.MX, (data) => data.length >= 3 && readTarget(TYPE.MX, data.subarray(2)) !== undefined],
  [TYPE.SRV, (data) => data.length >= 7 && readTarget(TYPE.SRV, data.subarray(6)) !== undefined],
  [TYPE.TXT, (data) => readTxt(data).length > 0],
  // A target that points elsewhere would not come out as long as it went in.
  [TYPE.SVCB, (data) => writeSvcb(readSvcb(data)).length === data.length],
  [TYPE.HTTPS, (data) => writeSvcb(readSvcb(data)).length === data.length],
  [TYPE.TLSA, (data) => readTlsa(data).data.length > 0],
  [TYPE.DS, (data) => readDs(data).digest.length > 0],
  [TYPE.CAA, (data) => data.length >= 2 && data[1]! > 0 && data[1]! + 2 <= data.length],
])

function isTarget(type: number): (data: Uint8Array) => boolean {
  return (data) => readTarget(type, data) !== undefined
}

/** Checks that data have the form of their type. @throws DnsError `record` */
export function checkData(type: number, data: Uint8Array): void {
  if (forms.get(type)?.(data) === false) {
    throw new DnsError(
      'record',
      `Cannot use ${typeName(type)}: ${data.length} bytes of no such form`,
    )
  }
  canonicalData(type, data)
}

/** Checks an RRset that goes into a zone. @throws DnsError `limit`, `zone` */
export function checkRrset(rrset: Rrset): void {
  const { type, ttl, size, packed } = rrset
  const what = `${rrset.name} ${typeName(type)}`
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > TTL_SECONDS_MAX) {
    throw new DnsError('limit', `Cannot take ${what}: TTL ${ttl} s, limit ${TTL_SECONDS_MAX}`)
  }
  if (size > RRSET_RECORDS_MAX) {
    const count = `${size} records, limit ${RRSET_RECORDS_MAX}`
    throw new DnsError('limit', `Cannot take ${what}: ${count}`)
  }
  const bytes = packed.length - 2 * size
  if (bytes > RRSET_BYTES_MAX) {
    throw new DnsError('limit', `Cannot take ${what}: ${bytes} bytes, limit ${RRSET_BYTES_MAX}`)
  }
  if ((type === TYPE.CNAME || type === TYPE.SOA) && size !== 1) {
    throw new DnsError('zone', `Cannot take ${what}: ${size} records, must be one`)
  }
}
