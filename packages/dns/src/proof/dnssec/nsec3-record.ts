import { toHex } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { toBase32hex } from '../text/base-encodings.ts'
import { type DnsName, labelsOf, parentOf, ROOT } from '../wire/dns-name.ts'
import { type Nsec3, OPT_OUT, readNsec3 } from '../wire/rdata.ts'
import type { SignedSet } from './record-bag.ts'

/** One NSEC3 of a zone, read; hashes in base32hex, whose order is that of their bytes. */
export interface Nsec3At {
  readonly set: SignedSet
  readonly hash: string
  readonly next: string
  readonly nsec3: Nsec3
}

/** The one hash that NSEC3 has: SHA-1 (RFC 5155 section 11). */
const SHA1 = 1
const SHA1_BYTES = 20

/** The NSEC3 records that a zone may have signed, all with the parameters of the first. */
export function readNsec3s(sets: readonly SignedSet[], zone: DnsName): Nsec3At[] {
  const found: Nsec3At[] = []
  for (const set of sets) {
    const [record] = set.records
    if (record === undefined || set.name === ROOT || parentOf(set.name) !== zone) continue
    if (!set.signatures.some(({ rrsig }) => rrsig.signer === zone)) continue
    const nsec3 = tryReadNsec3(record.data)
    // RFC 5155 sections 8.1 and 8.2: unknown hashes and flags are as if they were not there.
    if (nsec3?.hashAlgorithm !== SHA1 || nsec3.flags > OPT_OUT) continue
    if (nsec3.nextHash.length !== SHA1_BYTES) continue
    const first = found[0]?.nsec3
    if (first !== undefined && parametersOf(first) !== parametersOf(nsec3)) continue
    found.push({ set, hash: labelsOf(set.name)[0]!, next: toBase32hex(nsec3.nextHash), nsec3 })
  }
  return found
}

function tryReadNsec3(data: Uint8Array): Nsec3 | undefined {
  try {
    return readNsec3(data)
  } catch (cause) {
    // What cannot be read denies nothing.
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}

/** The parameters of a hash; equal texts for equal ones. */
export function parametersOf({ iterations, salt }: Nsec3): string {
  return `${iterations} ${toHex(salt)}`
}
