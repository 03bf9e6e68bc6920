import { DnsError } from '../proof.ts'
import { eventOf, isUnchanged, type NamespaceContext, postponed, recordFailure } from './context.ts'
import { holdsKeyOf, type Lease, recordEdits, withdrawalEdits } from './lease.ts'
import { claimConditions } from './publication.ts'

/**
 * Puts a name into the zone for a lease whose work is a claim, if nobody has it: who comes first
 * has it. The lease was stored before, so whatever happens here, its end will come.
 * @throws DnsError `zone` if it is taken; what the back-end throws
 */
export async function claimName(
  context: NamespaceContext,
  lease: Lease,
  signal: AbortSignal | undefined,
): Promise<Lease> {
  const { backend } = context
  try {
    await backend.apply(recordEdits(lease), {
      conditions: claimConditions(lease, backend.zone),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (cause) {
    const isTaken = cause instanceof DnsError && cause.code === 'zone'
    if (isTaken || isUnchanged(cause)) abandon(context, lease)
    else undoLater(context, lease, cause)
    if (!isTaken) throw cause
    const reason = `it is taken, or lies in a slice that was given away (${cause.message})`
    throw new DnsError('zone', `Cannot publish ${lease.name}: ${reason}`, { cause })
  }
  return confirm(context, lease)
}

/**
 * Finds out what came of a claim: a process died in the middle of it, or the zone did not answer.
 * One whose caller was told that it failed is taken back; any other is good if the zone has it.
 */
export async function settleClaim(context: NamespaceContext, lease: Lease): Promise<void> {
  const { backend } = context
  try {
    const isOurs = holdsKeyOf(lease, await backend.list())
    if (isOurs && lease.work?.zone === 'claim') {
      confirm(context, lease)
      return
    }
    if (isOurs) await backend.apply(withdrawalEdits(lease))
    abandon(context, lease)
  } catch (error) {
    const work = lease.work === null ? null : postponed(context, lease.work)
    recordFailure(context, { ...lease, work }, { what: 'settle', error })
  }
}

function confirm(context: NamespaceContext, lease: Lease): Lease {
  const event = eventOf(lease)
  const published = context.leases.put({ ...lease, phase: 'published', work: null })
  if (event !== undefined) context.readers.emit(event)
  return published
}

function undoLater(context: NamespaceContext, lease: Lease, error: unknown): void {
  const event = lease.work?.event ?? null
  const work = postponed(context, { zone: 'undo', event, attempts: 0, retryAt: 0 })
  recordFailure(context, { ...lease, work }, { what: 'publish', error })
}

/** Forgets a claim; a name that was to come back stays suspended. */
function abandon(context: NamespaceContext, lease: Lease): void {
  if (lease.work?.event !== 'resumed') return context.leases.delete(lease)
  const suspended = { endsAt: null, noticeAt: null, work: null } as const
  context.leases.put({ ...lease, phase: 'suspended', ...suspended })
}
