import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8Bytes } from './bytes.ts'

/** What a secret that two share vouches for; a code for one purpose is none for another. */
export type MacPurpose = 'invitation-id' | 'invitation-claim' | 'invitation-answer'

/**
 * HMAC-SHA256 (RFC 2104) over "ixj/1/" ‖ purpose ‖ 0 ‖ bytes, 32 bytes: who made it has the secret.
 * docs/protocol.md, "Invitations".
 */
export function macOf(secret: Uint8Array, purpose: MacPurpose, bytes: Uint8Array): Uint8Array {
  return hmac(sha256, secret, concatBytes(utf8Bytes(`ixj/1/${purpose}\0`), bytes))
}

/** Whether this is that code; it takes the same time wherever the first wrong byte stands. */
export function isMac(
  mac: Uint8Array,
  of: {
    readonly secret: Uint8Array
    readonly purpose: MacPurpose
    readonly bytes: Uint8Array
  },
): boolean {
  const expected = macOf(of.secret, of.purpose, of.bytes)
  let difference = mac.length ^ expected.length
  for (const [index, byte] of expected.entries()) difference |= byte ^ (mac[index] ?? 0)
  return difference === 0
}
