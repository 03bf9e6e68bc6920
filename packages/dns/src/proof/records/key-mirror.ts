import { concatBytes, fromHex, PUBLIC_KEY_BYTES, type Sha256, sha256 } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { writeTlsa } from '../wire/rdata.ts'

/** What stands in front of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 section 4). */
const SPKI_FRONT = fromHex('302a300506032b6570032100')

/**
 * The data of a TLSA record that mirrors a key for DANE: 3 1 1, the SHA-256 of its
 * SubjectPublicKeyInfo (RFC 6698, RFC 8410). Nothing of ours reads it: `_ixjkey` alone counts.
 * @throws DnsError `argument` for a key that has not 32 bytes
 */
export function writeKeyMirror(
  key: Uint8Array,
  options: { readonly sha256?: Sha256 } = {},
): Uint8Array {
  if (key.length !== PUBLIC_KEY_BYTES) {
    const size = `${key.length} bytes, must be ${PUBLIC_KEY_BYTES}`
    throw new DnsError('argument', `Cannot mirror key: ${size}`)
  }
  const hash = options.sha256 ?? sha256
  return writeTlsa({
    usage: 3,
    selector: 1,
    matching: 1,
    data: hash(concatBytes(SPKI_FRONT, key)),
  })
}
