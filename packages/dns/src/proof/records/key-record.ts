import type { Name } from '@ixj/names'
import type { Uses } from '@ixj/trust'

/** One `_ixjkey` record: a key of a name, as its owner publishes it (docs/protocol.md, "DNS"). */
export interface KeyRecord {
  /** 32 bytes, Ed25519. */
  readonly key: Uint8Array
  readonly uses: Uses
  /** Binding links that may follow below. */
  readonly depth: number
  readonly strict: boolean
  /** From when it counts, ms since the Unix epoch; 0: from ever. The record has seconds. */
  readonly notBefore: number
  /** X25519, for sealed bodies; 32 bytes. */
  readonly encryptionKey: Uint8Array | null
  /** SHA-256 of the key to come; 32 bytes. */
  readonly next: Uint8Array | null
  /** Nodes that may receive for the name, sorted. */
  readonly hosts: readonly Name[]
}
