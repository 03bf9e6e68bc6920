import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8Bytes } from './bytes.ts'

/**
 * What a key of ours may sign: the kind stands inside the signed bytes, so that a signature over one
 * kind is never one over another. The closed list of docs/protocol.md, section "Signatures".
 */
export type SignedKind =
  | 'binding'
  | 'grant'
  | 'cross-certificate'
  | 'revocation'
  | 'status'
  | 'successor'
  | 'statement-tree'
  | 'bundle'
  | 'bundle-tree'
  | 'approval'
  | 'presence'
  | 'attest'
  | 'hello'
  | 'offer'
  | 'relay-login'
  | 'invitation'
  | 'group-secret'
  | 'locate'

/** SHA-256 as an argument: a runtime's native one gives the same 32 bytes, faster. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

/** SHA-256 (FIPS 180-4) in plain JavaScript, for runtimes that hand in no native one. */
export const sha256: Sha256 = (bytes) => nobleSha256(bytes)

/** The bytes that a signature of this kind covers: "ixj/1/" ‖ kind ‖ 0 ‖ bytes. */
export function signingInput(kind: SignedKind, bytes: Uint8Array): Uint8Array {
  return concatBytes(prefixOf(kind), bytes)
}

/**
 * The id of a signed body, 32 bytes: SHA-256 of its signing input. The signature is not in it, so
 * one grant that was signed twice is one grant.
 */
export function idOf(kind: SignedKind, body: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  return hash(signingInput(kind, body))
}

/** The id of an encoded proof, 32 bytes: SHA-256("ixj/1/proof" ‖ 0 ‖ proof). */
export function proofIdOf(proof: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  return hash(concatBytes(prefixOf('proof'), proof))
}

/**
 * The id by which gossip tells copies apart, 32 bytes: SHA-256("ixj/1/gossip" ‖ 0 ‖ topic ‖ 0 ‖
 * data). It covers the topic, so that the same bytes sent first under another topic do not make the
 * genuine message a duplicate. A topic holds no zero byte, so the parts cannot shift.
 * @throws TrustError `encoding` if the topic has no UTF-8 form
 */
export function gossipIdOf(topic: string, data: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  return hash(concatBytes(prefixOf('gossip'), utf8Bytes(topic), SEPARATOR, data))
}

const SEPARATOR = Uint8Array.of(0)

// Bounded by the closed list of kinds.
const prefixes = new Map<string, Uint8Array>()

function prefixOf(kind: SignedKind | 'proof' | 'gossip'): Uint8Array {
  let prefix = prefixes.get(kind)
  if (prefix === undefined) {
    prefix = utf8Bytes(`ixj/1/${kind}\0`)
    prefixes.set(kind, prefix)
  }
  return prefix
}
