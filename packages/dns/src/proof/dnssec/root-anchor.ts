import { fromHex } from '@ixj/trust'
import { ROOT } from '../wire/dns-name.ts'
import { writeDs } from '../wire/rdata.ts'
import type { DnsRecord } from '../wire/record.ts'
import { CLASS, TYPE } from '../wire/record-type.ts'
import type { ZoneAnchor } from './validation.ts'

/**
 * The root of the public DNS, for an entity that chooses to trust it: both current key-signing
 * keys, KSK-2017 (20326) and KSK-2024 (38696), as IANA publishes them (root-anchors.xml). Nothing
 * in ixj rests on it by itself.
 */
export const ROOT_ANCHOR: ZoneAnchor = {
  zone: ROOT,
  records: [
    rootDs(20_326, 'e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d'),
    rootDs(38_696, '683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16'),
  ],
}

function rootDs(keyTag: number, digest: string): DnsRecord {
  const data = writeDs({ keyTag, algorithm: 8, digestType: 2, digest: fromHex(digest) })
  return { name: ROOT, type: TYPE.DS, class: CLASS.IN, ttl: 172_800, data }
}
