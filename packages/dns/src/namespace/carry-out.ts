import type { ZoneCondition, ZoneEdit } from '../backend/zone-backend.ts'
import { eventOf, isUnchanged, type NamespaceContext, postponed, recordFailure } from './context.ts'
import { holdsKeyOf, keyEdits, type Lease, recordEdits, withdrawalEdits } from './lease.ts'
import { retimed } from './rotation.ts'

/**
 * Does what a stored lease says is to be done: first in the zone, then the revocations of keys that
 * left it, then it is told. What fails is written down with the time of the next try.
 * `isRetry`: an earlier try may have been made, so the zone may have changed hands since.
 * Gives the lease as it is then; undefined if its name is gone.
 * @throws DnsError as the back-end; what `onKeyRemoved` throws
 */
export async function carryOut(
  context: NamespaceContext,
  lease: Lease,
  options: { readonly isRetry: boolean; readonly signal?: AbortSignal },
): Promise<Lease | undefined> {
  let now = lease
  try {
    if (now.work !== null && now.work.zone !== null) {
      now = options.isRetry ? retimed(context, now) : now
      await changeZone(context, now, options)
    }
    for (const key of now.removedKeys) await context.onKeyRemoved({ name: now.name, key })
    return finish(context, now)
  } catch (error) {
    const work = now.work === null ? null : postponed(context, now.work)
    recordFailure(context, { ...now, work }, { what: describe(now), error })
    throw error
  }
}

async function changeZone(
  { backend }: NamespaceContext,
  lease: Lease,
  { isRetry, signal }: { readonly isRetry: boolean; readonly signal?: AbortSignal },
): Promise<void> {
  const options = signal === undefined ? {} : { signal }
  switch (lease.work?.zone) {
    case 'keys':
      return await backend.apply(keyEdits(lease), options)
    case 'records':
      return await backend.apply(recordEdits(lease), options)
    case 'withdraw':
      // Taken out already, and since then claimed by another: that one's records stay.
      if (isRetry && !holdsKeyOf(lease, await backend.list(options))) return
      return await backend.apply(withdrawalEdits(lease), options)
    default:
      throw new Error(`Cannot carry out the work ${String(lease.work?.zone)} of ${lease.name}`)
  }
}

function finish(context: NamespaceContext, lease: Lease): Lease | undefined {
  const event = eventOf(lease)
  const rotation = lease.work?.event === 'rotated' ? null : lease.rotation
  let after: Lease | undefined
  if (lease.phase === 'removing') context.leases.delete(lease)
  else after = context.leases.put({ ...lease, rotation, stale: [], removedKeys: [], work: null })
  if (event !== undefined) context.readers.emit(event)
  return after
}

/**
 * Makes a change that is either made now or not at all: if it fails, the lease is as before, and
 * where the zone may have taken it, it is taken back.
 * `after` says in its work what is to be done.
 * @throws DnsError as the back-end
 */
export async function tryChange(
  context: NamespaceContext,
  { before, after }: { readonly before: Lease; readonly after: Lease },
  options: {
    readonly edits: readonly ZoneEdit[]
    readonly conditions?: readonly ZoneCondition[]
    readonly signal?: AbortSignal
  },
): Promise<Lease | undefined> {
  const { edits, ...applied } = options
  const stored = context.leases.put(after)
  try {
    await context.backend.apply(edits, applied)
  } catch (error) {
    const undo = { zone: stored.work?.zone ?? null, event: null, attempts: 0, retryAt: 0 }
    const restored: Lease = isUnchanged(error)
      ? { ...before, revision: stored.revision }
      : {
          ...before,
          revision: stored.revision,
          stale: [...before.stale, ...after.sets],
          work: postponed(context, undo),
        }
    recordFailure(context, restored, { what: describe(stored), error })
    throw error
  }
  return finish(context, stored)
}

function describe({ work }: Lease): string {
  switch (work?.event) {
    case 'suspended':
      return 'suspend'
    case 'removed':
      return 'remove'
    case 'lease-ended':
      return 'end the lease of'
    case 'rotating':
      return 'rotate the key of'
    case 'rotated':
      return 'take out the old key of'
    case 'renewed':
      return 'renew'
    default:
      return 'restore'
  }
}
