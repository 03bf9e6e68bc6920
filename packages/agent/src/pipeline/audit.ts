import type { AuditRecord } from '@ixj/audit'

/** What happens to a log that matters to its node. */
export type AuditEvent =
  /** Nothing can be recorded from now on, and the log tries again by itself. */
  | { readonly kind: 'failed'; readonly cause: Error }
  /** Records are taken again; so many are missing, and the log's next record says so. */
  | { readonly kind: 'recovered'; readonly lost: number }

/**
 * Where a node's decisions are recorded, in the order of the calls. While it cannot be written,
 * the node delivers nothing but class `state`: docs/protocol.md, section "Audit".
 */
export interface AuditLog {
  /** Why nothing can be recorded now; null: records are taken. */
  readonly fault: Error | null
  /** Records it soon; nobody waits. While there is a fault, it is counted as missing. */
  append(record: AuditRecord): void
  /** Resolves when the record is safe from a crash. @throws AuditError `unwritable`, `closed` */
  appendSafely(record: AuditRecord): Promise<void>
  /** Tells what happens from now on; gives the function that ends it. */
  watch(listener: (event: AuditEvent) => void): () => void
}
