import type { Name } from '@ixj/names'
import { concatBytes, utf8Bytes, type Sha256 } from '@ixj/trust'

const MARK_PREFIX = utf8Bytes('ixj/1/mark\0')

/**
 * By what neighbours compare topics: SHA-256("ixj/1/mark" ‖ 0 ‖ both hello nonces ‖ topic). It is of
 * no use on another connection.
 */
export function markOf(session: Uint8Array, topic: Name, hash: Sha256): Uint8Array {
  return hash(concatBytes(MARK_PREFIX, session, utf8Bytes(topic)))
}
