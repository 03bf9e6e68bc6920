import type { Clock } from '@ixj/agent'
import type { Name } from '@ixj/names'
import type { ZoneBackend } from '../backend/zone-backend.ts'
import { DnsError, type DnsName } from '../proof.ts'
import type { Delegation } from '../server/delegation.ts'
import { carryOut, tryChange } from './carry-out.ts'
import { claimName } from './claim.ts'
import { leasedFrom, type NamespaceContext, newWork, type RemovedKey } from './context.ts'
import { EventReaders, type EventsOptions, type NamespaceEvents } from './events.ts'
import { Keeper, leaving } from './keeper.ts'
import { type Lease, type LeaseStore, recordEdits, keyEdits, type Rotation } from './lease.ts'
import { LEASE_NOTICE_SECONDS, SIGNATURE_SECONDS, SIGNATURE_SECONDS_MAX } from './limits.ts'
import { listingOf, type NamespaceListing } from './listing.ts'
import { NameLocks } from './name-locks.ts'
import {
  addressConditions,
  checkLease,
  leaseOf,
  movedTo,
  type Places,
  type Publication,
} from './publication.ts'
import { leaseWithNextKey, type RotateOptions } from './rotation.ts'
import { delegateSlice, type DelegateOptions, takeBackSlice } from './slice.ts'

/** What a namespace is kept with. */
export interface NamespaceOptions {
  readonly backend: ZoneBackend
  /** Its owner disposes of it, after the namespace. */
  readonly leases: LeaseStore
  readonly clock: Clock
  /**
   * Called for each key that its name loses for good (removed, rotated out, lease ended), after it
   * has left the zone and before that is reported done: sign and spread its revocation here. It is
   * called again until it resolves, and may be called again after a crash. It has to settle: its
   * name waits for it.
   */
  readonly onKeyRemoved?: (removed: RemovedKey) => Promise<void>
  /**
   * Whether this process ends leases, moves rotations on and tries again what failed; default true.
   * One process of those that share the leases has to; a tool that runs for a moment does not.
   */
  readonly keepsLeases?: boolean
  /** How long the zone's signatures hold; default {@link SIGNATURE_SECONDS}. */
  readonly signatureSeconds?: number
  /** How long before the end of a lease `lease-ending` comes; default {@link LEASE_NOTICE_SECONDS}. */
  readonly noticeSeconds?: number
}

/** Until when a name is published: ms, null for no end. */
export interface Published {
  readonly name: Name
  readonly endsAt: number | null
}

/** What may be said anew when a lease is renewed. */
export interface RenewOptions {
  /** Default: as before. */
  readonly leaseSeconds?: number | null
  /** Takes the place of all endpoints and addresses; default: they stay. */
  readonly places?: Places
  readonly signal?: AbortSignal
}

/** Ends the waiting for a change; what was begun is settled later. */
export interface ChangeOptions {
  readonly signal?: AbortSignal
}

/**
 * Opens the namespace of a zone. What fell due while nobody kept it is done at once.
 * @throws DnsError `argument`
 */
export async function openNamespace(options: NamespaceOptions): Promise<NamespaceManager> {
  const { signatureSeconds = SIGNATURE_SECONDS, noticeSeconds = LEASE_NOTICE_SECONDS } = options
  const isSpan = (seconds: number) => seconds >= 0 && seconds <= SIGNATURE_SECONDS_MAX
  for (const seconds of [signatureSeconds, noticeSeconds]) {
    if (isSpan(seconds) && Number.isInteger(seconds)) continue
    const limit = `${seconds} s, must be 0 to ${SIGNATURE_SECONDS_MAX}`
    throw new DnsError('argument', `Cannot open namespace ${options.backend.zone}: ${limit}`)
  }
  const { backend, leases, clock, onKeyRemoved = async () => undefined } = options
  const readers = new EventReaders()
  return new NamespaceManager(
    { backend, leases, clock, readers, onKeyRemoved, signatureSeconds, noticeSeconds },
    { keepsLeases: options.keepsLeases ?? true },
  )
}

/**
 * The names of a zone: who has which key, until when. Each change is one change of the zone, and is
 * written down before it is begun, so that whatever is cut off is settled later; changes of one
 * name are made one after the other.
 *
 * Every verb throws DnsError: `argument`; `absent` for a name that is not of this namespace; `zone`
 * for one whose state does not allow it; `limit`; and what the back-end and the store throw. A
 * failed `publish`, `renew`, `rotate` or `resume` leaves the name as it was, and is taken back
 * where the zone may have taken it; `suspend` and `remove` go on until they are done.
 */
export class NamespaceManager implements AsyncDisposable {
  readonly #context: NamespaceContext
  readonly #locks = new NameLocks()
  readonly #keeper: Keeper | undefined
  #closed = false

  /** Use {@link openNamespace}. */
  constructor(context: NamespaceContext, options: { readonly keepsLeases: boolean }) {
    this.#context = context
    this.#keeper = options.keepsLeases ? new Keeper(context, this.#locks) : undefined
  }

  /** The zone that it publishes in. */
  get zone(): DnsName {
    return this.#context.backend.zone
  }

  /** Publishes a name that nobody has: who comes first has it, until the lease ends. */
  async publish(
    name: Name,
    publication: Publication,
    { signal }: ChangeOptions = {},
  ): Promise<Published> {
    return await this.#change(name, signal, async (held) => {
      const wanted = leaseOf(name, this.zone, publication)
      if (held !== undefined) throw stateError('publish', held)
      const work = newWork(this.#context, { zone: 'claim', event: 'published' })
      const lease = this.#context.leases.put({ ...leasedFrom(this.#context, wanted), work })
      return publishedOf(await claimName(this.#context, lease, signal))
    })
  }

  /** Begins the lease of a published name anew, and moves the name if places are given. */
  async renew(name: Name, options: RenewOptions = {}): Promise<Published> {
    const { leaseSeconds, places, signal } = options
    return await this.#change(name, signal, async (held) => {
      const lease = this.#published('renew', name, held)
      const span = leaseSeconds === undefined ? lease.leaseSeconds : leaseSeconds
      const asked = { leaseSeconds: checkLease(name, span) }
      if (places === undefined) {
        const again = leasedFrom(this.#context, { ...lease, ...asked })
        const renewed = this.#context.leases.put(again)
        this.#context.readers.emit({ kind: 'renewed', name, endsAt: renewed.endsAt })
        return publishedOf(renewed)
      }
      const before = await this.#settled(lease, signal)
      const work = newWork(this.#context, { zone: 'records', event: 'renewed' })
      const moved = movedTo({ ...before, ...asked }, places)
      const after = { ...leasedFrom(this.#context, moved), work }
      const edits = recordEdits(after)
      const conditions = addressConditions(after.sets, before.sets)
      const change = { edits, conditions, ...withSignal(signal) }
      return publishedOf(await tryChange(this.#context, { before, after }, change))
    })
  }

  /**
   * Puts a next key beside a key; it counts when every answer without it has ended, and some time
   * later the old one is taken out. The events `rotating`, `switched`, `rotated` tell.
   */
  async rotate(name: Name, options: RotateOptions): Promise<Rotation> {
    const { signal } = options
    return await this.#change(name, signal, async (held) => {
      const before = await this.#settled(this.#published('rotate', name, held), signal)
      const after = leaseWithNextKey(this.#context, before, options)
      const change = { edits: keyEdits(after), ...withSignal(signal) }
      await tryChange(this.#context, { before, after }, change)
      return after.rotation!
    })
  }

  /**
   * Takes a name out of the zone and keeps what it had, for `resume`. Its lease stands still, its
   * keys are not revoked, and nobody publishes it here meanwhile.
   */
  async suspend(name: Name, { signal }: ChangeOptions = {}): Promise<void> {
    await this.#change(name, signal, async (held) => {
      const lease = this.#published('suspend', name, held)
      const work = newWork(this.#context, { zone: 'withdraw', event: 'suspended' })
      const still = { endsAt: null, noticeAt: null, work } as const
      const suspended = this.#context.leases.put({ ...lease, phase: 'suspended', ...still })
      await this.#carryOut(suspended, { isRetry: lease.work !== null, signal })
    })
  }

  /** Publishes a suspended name as it was, with a whole lease, if nobody has taken it elsewhere. */
  async resume(name: Name, { signal }: ChangeOptions = {}): Promise<Published> {
    return await this.#change(name, signal, async (held) => {
      if (held?.phase !== 'suspended') throw stateError('resume', held, name)
      const lease = await this.#settled(held, signal)
      const work = newWork(this.#context, { zone: 'claim', event: 'resumed' })
      const claim = { ...leasedFrom(this.#context, lease), phase: 'claiming', work } as const
      return publishedOf(await claimName(this.#context, this.#context.leases.put(claim), signal))
    })
  }

  /** Takes a name out of the zone for good; done when `onKeyRemoved` had each of its keys. */
  async remove(name: Name, { signal }: ChangeOptions = {}): Promise<void> {
    await this.#change(name, signal, async (held) => {
      if (held === undefined || held.phase === 'claiming') throw stateError('remove', held, name)
      // What is being removed already is tried again now, whatever time was set for it.
      const lease =
        held.phase === 'removing'
          ? held
          : this.#context.leases.put(leaving(this.#context, held, 'removed'))
      await this.#carryOut(lease, { isRetry: held.work !== null, signal })
    })
  }

  /** Every name with keys, of this namespace and not, and the slices that were given away. */
  async list({ signal }: ChangeOptions = {}): Promise<NamespaceListing> {
    this.#checkOpen()
    const records = await this.#context.backend.list(withSignal(signal))
    return listingOf(this.zone, records, this.#context.leases)
  }

  /** Gives a child slice to another server; nothing of ours may be in it. */
  async delegate(slice: Delegation, options: DelegateOptions = {}): Promise<void> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    await delegateSlice(this.#context, slice, options)
  }

  /** Takes a child slice back; its own zone is out of the DNS then. */
  async undelegate(child: DnsName, options: ChangeOptions = {}): Promise<void> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    await takeBackSlice(this.#context.backend, child, options)
  }

  /**
   * What happens from now on, for one reader. Full: the oldest go, and `lost` tells how many.
   * @throws DnsError `limit` for too many readers, `argument` when closed
   */
  events(options: EventsOptions = {}): NamespaceEvents {
    this.#checkOpen()
    return this.#context.readers.open(options)
  }

  /** Waits for what runs, and ends the events. Names stay published, and leases run on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#keeper?.stop()
    await this.#locks.idle()
    this.#context.readers.close()
  }

  async #change<Result>(
    name: Name,
    signal: AbortSignal | undefined,
    change: (held: Lease | undefined) => Promise<Result>,
  ): Promise<Result> {
    this.#checkOpen()
    try {
      return await this.#locks.run(name, async () => {
        signal?.throwIfAborted()
        return await change(this.#context.leases.get(name))
      })
    } finally {
      this.#keeper?.look()
    }
  }

  /** The lease of a name that is published, and not over. */
  #published(verb: string, name: Name, held: Lease | undefined): Lease {
    if (held?.phase !== 'published') throw stateError(verb, held, name)
    // Its end is near at hand: whoever comes late is told so, at whatever speed the keeper works.
    if (held.endsAt !== null && held.endsAt <= this.#context.clock.now()) {
      throw new DnsError('absent', `Cannot ${verb} ${name}: its lease has ended`)
    }
    return held
  }

  /** The lease with nothing left to do: what failed before is tried again first. */
  async #settled(lease: Lease, signal: AbortSignal | undefined): Promise<Lease> {
    if (lease.work === null) return lease
    return (await this.#carryOut(lease, { isRetry: true, signal })) ?? lease
  }

  async #carryOut(
    lease: Lease,
    options: { readonly isRetry: boolean; readonly signal: AbortSignal | undefined },
  ): Promise<Lease | undefined> {
    const { isRetry, signal } = options
    return await carryOut(this.#context, lease, { isRetry, ...withSignal(signal) })
  }

  #checkOpen(): void {
    if (this.#closed) throw new DnsError('argument', `Cannot use namespace ${this.zone}: closed`)
  }
}

function publishedOf(lease: Lease | undefined): Published {
  if (lease === undefined) throw new Error('Cannot find the lease of a name that was published')
  return { name: lease.name, endsAt: lease.endsAt }
}

function withSignal(signal: AbortSignal | undefined): ChangeOptions {
  return signal === undefined ? {} : { signal }
}

const STATES: Readonly<Record<Lease['phase'], string>> = {
  claiming: 'it is being published',
  published: 'it is published here',
  suspended: 'it is suspended',
  removing: 'it is being removed',
}

function stateError(verb: string, held: Lease | undefined, name?: Name): DnsError {
  const reason = held === undefined ? 'it is not of this namespace' : STATES[held.phase]
  const code = held === undefined ? 'absent' : 'zone'
  return new DnsError(code, `Cannot ${verb} ${held?.name ?? name ?? 'name'}: ${reason}`)
}
