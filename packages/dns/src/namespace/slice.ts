import type { ZoneBackend, ZoneCondition, ZoneEdit } from '../backend/zone-backend.ts'
import {
  DnsError,
  type DnsName,
  type DnsRecord,
  isAtOrBelowName,
  parentOf,
  parseDnsName,
  TYPE,
} from '../proof.ts'
import { type Delegation, delegationEdits } from '../server/delegation.ts'
import { checkSlice } from './acceptance.ts'
import type { LeaseStore } from './lease.ts'

/** How a slice is given away. */
export interface DelegateOptions {
  /** It was given away before: the new servers and keys take the place of the old ones. */
  readonly replace?: boolean
  readonly signal?: AbortSignal
}

/**
 * Gives a child slice to another server: NS, DS, and the addresses of servers inside of it. One
 * change of the zone.
 * @throws DnsError `argument`; `zone` if the child is not below the zone, is in use, or has names;
 * what the back-end throws
 */
export async function delegateSlice(
  { backend, leases }: { readonly backend: ZoneBackend; readonly leases: LeaseStore },
  slice: Delegation,
  options: DelegateOptions,
): Promise<void> {
  const { replace = false, signal } = options
  const { zone } = backend
  const { child } = slice
  checkSlice(slice)
  checkBelow(child, zone)
  const refuse = (reason: string) => new DnsError('zone', `Cannot delegate ${child}: ${reason}`)
  const inside = await recordsInside(backend, child, signal)
  const isGiven = inside.some(({ name, type }) => name === child && type === TYPE.NS)
  if (isGiven && !replace) throw refuse('it was given away already')
  if (!isGiven && replace) throw refuse('it was not given away before')
  const [first] = isGiven ? [] : inside
  // Records below a cut are hidden: whoever owns them would be out of the DNS without a word.
  if (first !== undefined) throw refuse(`the zone has records in it, as ${first.name}`)
  for (const { name } of leases.all()) {
    if (isAtOrBelowName(parseDnsName(name), child))
      throw refuse(`the namespace has names in it, as ${name}`)
  }
  const edits = delegationEdits(slice)
  const conditions: ZoneCondition[] = isGiven
    ? [{ kind: 'present', name: child, type: TYPE.NS }]
    : [{ kind: 'absent', name: child }]
  // The slice of a slice is not ours to give.
  for (let at = parentOf(child); at !== zone; at = parentOf(at)) {
    conditions.push({ kind: 'absent', name: at, type: TYPE.NS })
  }
  const old = removals(inside).filter((removal) => !edits.some((edit) => isSameSet(edit, removal)))
  await backend.apply([...edits, ...old], { conditions, ...withSignal(signal) })
}

/**
 * Takes a child slice back: its NS, DS and glue go, and what stands in the child's own zone is out
 * of the DNS. One change of the zone.
 * @throws DnsError `zone` if it was not given away; what the back-end throws
 */
export async function takeBackSlice(
  backend: ZoneBackend,
  child: DnsName,
  options: { readonly signal?: AbortSignal },
): Promise<void> {
  const { signal } = options
  checkBelow(child, backend.zone)
  const inside = await recordsInside(backend, child, signal)
  if (!inside.some(({ name, type }) => name === child && type === TYPE.NS)) {
    throw new DnsError('zone', `Cannot take back ${child}: it was not given away`)
  }
  const conditions: ZoneCondition[] = [{ kind: 'present', name: child, type: TYPE.NS }]
  await backend.apply(removals(inside), { conditions, ...withSignal(signal) })
}

function checkBelow(child: DnsName, zone: DnsName): void {
  if (child !== zone && isAtOrBelowName(child, zone)) return
  throw new DnsError('zone', `Cannot change the slice ${child}: it is not below zone ${zone}`)
}

async function recordsInside(
  backend: ZoneBackend,
  child: DnsName,
  signal: AbortSignal | undefined,
): Promise<readonly DnsRecord[]> {
  const records = await backend.list(withSignal(signal))
  return records.filter(({ name }) => isAtOrBelowName(name, child))
}

function removals(records: readonly DnsRecord[]): readonly ZoneEdit[] {
  const sets = new Map(records.map((record) => [`${record.name} ${record.type}`, record]))
  return [...sets.values()].map(({ name, type }) => ({ kind: 'remove', name, type }))
}

function isSameSet(left: ZoneEdit, right: ZoneEdit): boolean {
  return left.name === right.name && left.type === right.type
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
