import type { Clock } from '@ixj/agent'
import type { Name } from '@ixj/names'
import type { ZoneBackend } from '../backend/zone-backend.ts'
import { DnsError, type DnsCode } from '../proof.ts'
import type { EventReaders, NamespaceEvent } from './events.ts'
import type { Lease, LeaseStore, Work } from './lease.ts'
import { RETRY_MS_MAX, RETRY_MS_MIN, SETTLE_AFTER_MS } from './limits.ts'

/** What the parts of a namespace work with. */
export interface NamespaceContext {
  readonly backend: ZoneBackend
  readonly leases: LeaseStore
  readonly clock: Clock
  readonly readers: EventReaders
  readonly onKeyRemoved: (removed: RemovedKey) => Promise<void>
  readonly signatureSeconds: number
  readonly noticeSeconds: number
}

/** A key that its name has no more: where its revocation is to be signed and spread. */
export interface RemovedKey {
  readonly name: Name
  readonly key: Uint8Array
}

/** Work that begins now: if nobody tells its outcome, it is settled after a while. */
export function newWork(context: NamespaceContext, work: Pick<Work, 'zone' | 'event'>): Work {
  return { ...work, attempts: 0, retryAt: context.clock.now() + SETTLE_AFTER_MS }
}

/** Work that failed once more, and when it is tried again. */
export function postponed(context: NamespaceContext, work: Work): Work {
  const wait = Math.min(RETRY_MS_MIN * 2 ** Math.min(work.attempts, 20), RETRY_MS_MAX)
  return { ...work, attempts: work.attempts + 1, retryAt: context.clock.now() + wait }
}

/** A lease that begins now. */
export function leasedFrom(context: NamespaceContext, lease: Lease): Lease {
  const { leaseSeconds } = lease
  if (leaseSeconds === null) return { ...lease, endsAt: null, noticeAt: null }
  const endsAt = context.clock.now() + leaseSeconds * 1_000
  const notice = Math.min(context.noticeSeconds, leaseSeconds / 4) * 1_000
  return { ...lease, endsAt, noticeAt: endsAt - notice }
}

/** With these codes a back-end says that nothing was changed; all others leave that open. */
const NOTHING_CHANGED: ReadonlySet<DnsCode> = new Set([
  'refused',
  'argument',
  'record',
  'name',
  'limit',
  'unsupported',
])

/** Whether a failure tells that the zone is as it was. */
export function isUnchanged(cause: unknown): boolean {
  return cause instanceof DnsError && NOTHING_CHANGED.has(cause.code)
}

/**
 * Writes down that work failed, and tells it. If not even that can be written, the lease stays as
 * it was stored before: with the time after which it is settled.
 */
export function recordFailure(
  context: NamespaceContext,
  lease: Lease,
  { what, error }: { readonly what: string; readonly error: unknown },
): void {
  const retryAt = lease.work?.retryAt ?? null
  context.readers.emit({ kind: 'failed', name: lease.name, what, error, retryAt })
  try {
    context.leases.put(lease)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    const failed = { kind: 'failed', name: lease.name, what: 'keep the lease of' } as const
    context.readers.emit({ ...failed, error: cause, retryAt })
  }
}

/** The event that tells that a lease's work is done; undefined for work that nobody asked for. */
export function eventOf(lease: Lease): NamespaceEvent | undefined {
  const { name, endsAt, rotation } = lease
  const kind = lease.work?.event ?? null
  switch (kind) {
    case null:
      return undefined
    case 'published':
    case 'resumed':
    case 'renewed':
      return { kind, name, endsAt }
    case 'rotating':
      if (rotation === null) return undefined
      return {
        kind,
        name,
        nextKey: rotation.nextKey,
        replaces: rotation.replaces,
        switchAt: rotation.switchAt,
        dropAt: rotation.dropAt,
      }
    case 'rotated':
      if (rotation === null) return undefined
      return { kind, name, key: rotation.nextKey, removed: rotation.replaces }
    case 'suspended':
    case 'removed':
    case 'lease-ended':
      return { kind, name }
  }
}
