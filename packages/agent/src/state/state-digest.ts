import { concatBytes, encode, utf8Bytes, type Sha256 } from '@ixj/trust'
import type { HeldRegister } from './held-register.ts'

/**
 * The digest of shared state: SHA-256(`"ixj/1/state" ‖ 0 ‖ [sender, key, epoch, body] ‖ …`), one
 * array for each register, sorted by sender, then by register. The body is that of the update as it
 * was signed, with its register and time, so a value that is only repeated is the same world.
 */
export function digestOf(sorted: readonly HeldRegister[], hash: Sha256): Uint8Array {
  const entries = sorted.map(({ sender, key, epoch, body }) =>
    encode([sender, key, epoch, body], { bytesMax: Infinity }),
  )
  return hash(concatBytes(utf8Bytes('ixj/1/state\0'), ...entries))
}
