import type { DnsName, DnsRecord } from '../proof.ts'

/** One change of a zone: an RRset as it is to be, or gone. */
export type ZoneEdit =
  | {
      readonly kind: 'set'
      readonly name: DnsName
      readonly type: number
      /** Seconds. */
      readonly ttl: number
      /** The data of each record, at least one. */
      readonly data: readonly Uint8Array[]
    }
  | {
      readonly kind: 'remove'
      readonly name: DnsName
      /** All types of the name if left out. */
      readonly type?: number
    }

/** What must be so for the edits to be made (RFC 2136 section 2.4). */
export interface ZoneCondition {
  readonly kind: 'present' | 'absent'
  readonly name: DnsName
  /** Any type if left out. */
  readonly type?: number
}

/** Where a zone is kept: the embedded server, a server that takes updates, or a file. */
export interface ZoneBackend {
  readonly zone: DnsName
  /**
   * Makes all edits or none; resolves when a query is answered by them.
   * @throws DnsError `zone` (a condition fails, a name outside), `refused`, `tsig`, `storage`: nothing
   * was changed; `unreachable`: nobody knows, or the server took them and answers otherwise
   */
  apply(
    edits: readonly ZoneEdit[],
    options?: { readonly conditions?: readonly ZoneCondition[]; readonly signal?: AbortSignal },
  ): Promise<void>
  /** Every record of the zone that its owner put there; signatures and denials are left out. */
  list(options?: { readonly signal?: AbortSignal }): Promise<readonly DnsRecord[]>
}
