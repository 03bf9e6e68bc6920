import type { Name } from '@ixj/names'
import { toBase64url, utf8Bytes } from '@ixj/trust'
import type { ZoneEdit } from '../backend/zone-backend.ts'
import {
  type DnsRecord,
  endpointOwner,
  keyOwner,
  type KeyRecord,
  readKeyRecord,
  TYPE,
  writeKeyMirror,
  writeTxt,
} from '../proof.ts'
import { formatKnownRecord } from '../proof/records/key-record-text.ts'

/** An RRset that is to stand in the zone. */
export type RecordSet = ZoneEdit & { readonly kind: 'set' }

/** A key that takes the place of another; times in ms. */
export interface Rotation {
  readonly nextKey: Uint8Array
  readonly replaces: Uint8Array
  /** From then on the next key counts: sign with it. */
  readonly switchAt: number
  /** Then the old one is taken out of the zone. */
  readonly dropAt: number
  readonly switched: boolean
}

/** What is still to be done for a name; it is written down before it is begun. */
export interface Work {
  /**
   * The zone: `claim` is under way; `undo` takes back a claim that failed in an unknown way; `keys`
   * writes the keys, `records` everything else too; `withdraw` takes all out; null: it is done.
   */
  readonly zone: 'claim' | 'undo' | 'keys' | 'records' | 'withdraw' | null
  /** What is told when all is done. */
  readonly event:
    | 'published'
    | 'resumed'
    | 'renewed'
    | 'rotating'
    | 'rotated'
    | 'suspended'
    | 'removed'
    | 'lease-ended'
    | null
  readonly attempts: number
  /** Not before this time, in ms. */
  readonly retryAt: number
}

/** What a namespace knows of one name that it published. */
export interface Lease {
  readonly name: Name
  /** Counts the changes of this lease; 0 for one that was never stored. */
  readonly revision: number
  readonly phase: 'claiming' | 'published' | 'suspended' | 'removing'
  readonly keys: readonly KeyRecord[]
  readonly keyTtlSeconds: number
  /** Whether TLSA records mirror the keys. */
  readonly mirrorKeys: boolean
  /** Endpoints, addresses, alias. */
  readonly sets: readonly RecordSet[]
  /** RRsets that the zone may still have and should not. */
  readonly stale: readonly RecordSet[]
  /** null: it stays until it is removed. */
  readonly leaseSeconds: number | null
  /** In ms; null too while it is suspended. */
  readonly endsAt: number | null
  /** When its owner is to be told that the end is near; null if that was done. */
  readonly noticeAt: number | null
  readonly rotation: Rotation | null
  /** Keys that left the zone and whose revocation is still to be signed. */
  readonly removedKeys: readonly Uint8Array[]
  readonly work: Work | null
}

/** Where leases are kept, across restarts. Several processes may use one. */
export interface LeaseStore {
  get(name: Name): Lease | undefined
  /**
   * Writes a lease in place of the one of its revision, so that it would survive a power cut, and
   * gives it back with the next revision.
   * @throws DnsError `zone` if somebody else has changed it in between, `limit`, `storage`
   */
  put(lease: Lease): Lease
  /** Forgets a lease. @throws DnsError as `put` */
  delete(lease: Lease): void
  /** Leases for which something is to be done at `now`, the most overdue first. */
  due(now: number, limit: number): readonly Lease[]
  /** When something is to be done next, in ms; undefined for never. */
  nextDue(): number | undefined
  /** All leases, in no order that counts. */
  all(): Iterable<Lease>
}

/** When something is to be done for a lease, in ms; null for never. */
export function dueAt(lease: Lease): number | null {
  const { phase, work, endsAt, noticeAt, rotation } = lease
  const times = work === null ? [] : [work.retryAt]
  if (phase === 'published') {
    if (endsAt !== null) times.push(endsAt)
    // While a change is to be tried again, the rest waits for it; the end of the lease does not.
    if (work === null) {
      if (noticeAt !== null) times.push(noticeAt)
      if (rotation !== null) times.push(rotation.switched ? rotation.dropAt : rotation.switchAt)
    }
  }
  return times.length === 0 ? null : Math.min(...times)
}

/** The edits that make the zone's keys of a name those of its lease. */
export function keyEdits(lease: Lease): readonly ZoneEdit[] {
  return keySets(lease)
}

/** The edits that make all records of a name those of its lease. */
export function recordEdits(lease: Lease): readonly ZoneEdit[] {
  const sets = [...keySets(lease), ...lease.sets]
  const stale = lease.stale.filter((old) => !sets.some((set) => isSameSet(set, old)))
  return [...sets, ...removals(stale)]
}

/** The edits that take a name out of the zone: its own RRsets, and nobody else's beside them. */
export function withdrawalEdits(lease: Lease): readonly ZoneEdit[] {
  return removals([...keySets(lease), ...lease.sets, ...lease.stale])
}

function removals(sets: readonly RecordSet[]): readonly ZoneEdit[] {
  const edits: ZoneEdit[] = []
  for (const [index, set] of sets.entries()) {
    if (sets.findIndex((other) => isSameSet(other, set)) < index) continue
    edits.push({ kind: 'remove', name: set.name, type: set.type })
  }
  return edits
}

function isSameSet(left: RecordSet, right: RecordSet): boolean {
  return left.name === right.name && left.type === right.type
}

function keySets({ name, keys, keyTtlSeconds, mirrorKeys }: Lease): readonly RecordSet[] {
  const set = { kind: 'set', ttl: keyTtlSeconds } as const
  const data = keyDataOf(keys)
  const own: RecordSet = { ...set, name: keyOwner(name), type: TYPE.TXT, data }
  if (!mirrorKeys) return [own]
  const mirrors = keys.map(({ key }) => writeKeyMirror(key))
  return [own, { ...set, name: endpointOwner(name), type: TYPE.TLSA, data: mirrors }]
}

/** The data of the TXT records of keys, which were checked when the lease was made. */
export function keyDataOf(keys: readonly KeyRecord[]): readonly Uint8Array[] {
  return keys.map((record) => writeTxt(utf8Bytes(formatKnownRecord(record))))
}

/** Whether the keys that a zone has for a name are ours: any one that this lease has or had. */
export function holdsKeyOf(lease: Lease, records: readonly DnsRecord[]): boolean {
  const ours = new Set([...lease.keys.map(({ key }) => key), ...lease.removedKeys].map(toBase64url))
  return keyRecordsOf(lease.name, records).some(({ key }) => ours.has(toBase64url(key)))
}

/** The keys that records of a zone give to a name, void ones left out. */
export function keyRecordsOf(name: Name, records: readonly DnsRecord[]): readonly KeyRecord[] {
  const owner = keyOwner(name)
  return records.flatMap((record) => {
    if (record.type !== TYPE.TXT || record.name !== owner) return []
    const reading = readKeyRecord(record.data)
    return reading.outcome === 'record' ? [reading.record] : []
  })
}
