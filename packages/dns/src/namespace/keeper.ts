import type { Name } from '@ixj/names'
import { carryOut } from './carry-out.ts'
import { settleClaim } from './claim.ts'
import { type NamespaceContext, newWork } from './context.ts'
import type { Lease } from './lease.ts'
import { KEEPER_LOOK_MS, KEEPER_NAMES_MAX, RETRY_MS_MIN } from './limits.ts'
import type { NameLocks } from './name-locks.ts'
import { leaseWithoutOldKey } from './rotation.ts'

/** A lease whose name leaves the zone for good. */
export function leaving(
  context: NamespaceContext,
  lease: Lease,
  event: 'removed' | 'lease-ended',
): Lease {
  // What was suspended is out of the zone, unless that is still to be done.
  const isOut = lease.phase === 'suspended' && lease.work === null
  return {
    ...lease,
    phase: 'removing',
    endsAt: null,
    noticeAt: null,
    removedKeys: [...lease.removedKeys, ...lease.keys.map(({ key }) => key)],
    work: newWork(context, { zone: isOut ? null : 'withdraw', event }),
  }
}

/**
 * Does what falls due: ends leases, moves rotations on, tries again what failed, settles what a
 * process that died left open. The store says what is due, so it finds what others wrote as well.
 */
export class Keeper {
  readonly #context: NamespaceContext
  readonly #locks: NameLocks
  #cancel: () => void = () => undefined
  #busy = 0
  #pausedUntil = 0
  #stopped = false

  constructor(context: NamespaceContext, locks: NameLocks) {
    this.#context = context
    this.#locks = locks
    // Not at once: whoever opened the namespace has to be able to read what happens.
    this.#wakeAt(context.clock.now())
  }

  /** Looks for what is due, and when to look again; called after every change as well. */
  look(): void {
    if (this.#stopped) return
    const { clock, leases, readers } = this.#context
    const now = clock.now()
    const soon = now + RETRY_MS_MIN
    if (now < this.#pausedUntil) return this.#wakeAt(this.#pausedUntil)
    try {
      const limit = KEEPER_NAMES_MAX + this.#locks.size
      for (const { name } of leases.due(now, limit)) {
        if (this.#busy >= KEEPER_NAMES_MAX) break
        if (!this.#locks.isHeld(name)) void this.#take(name)
      }
      const next = leases.nextDue() ?? Infinity
      // What is due and was not begun is held by somebody, whose end wakes us; this is for others.
      this.#wakeAt(Math.min(next > now ? next : soon, now + KEEPER_LOOK_MS))
    } catch (error) {
      readers.emit({ kind: 'failed', name: null, what: 'read the leases', error, retryAt: soon })
      this.#wakeAt(soon)
    }
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  #wakeAt(time: number): void {
    this.#cancel()
    this.#cancel = this.#context.clock.at(time, () => this.look())
  }

  async #take(name: Name): Promise<void> {
    this.#busy += 1
    try {
      await this.#locks.run(name, () => this.#attend(name))
    } catch (error) {
      this.#pause()
      const what = 'attend to'
      const retryAt = this.#pausedUntil
      this.#context.readers.emit({ kind: 'failed', name, what, error, retryAt })
    } finally {
      this.#busy -= 1
      this.look()
    }
  }

  async #attend(name: Name): Promise<void> {
    const { leases } = this.#context
    const before = leases.get(name)
    if (before === undefined) return
    await attendTo(this.#context, before)
    // A store that takes nothing leaves it due: without a rest this would turn for ever.
    if (leases.get(name)?.revision === before.revision) this.#pause()
  }

  #pause(): void {
    this.#pausedUntil = this.#context.clock.now() + RETRY_MS_MIN
  }
}

/** Does the one thing that is the most urgent for a lease. */
async function attendTo(context: NamespaceContext, lease: Lease): Promise<void> {
  const { clock, leases, readers } = context
  const { name, phase, work, endsAt, noticeAt, rotation } = lease
  const isDue = (time: number | null | undefined) =>
    time !== null && time !== undefined && time <= clock.now()
  if (phase === 'published' && isDue(endsAt)) {
    const ending = leases.put(leaving(context, lease, 'lease-ended'))
    return await carryOutQuietly(context, ending, { isRetry: work !== null })
  }
  if (work !== null) {
    if (!isDue(work.retryAt)) return
    if (phase === 'claiming') return await settleClaim(context, lease)
    return await carryOutQuietly(context, lease, { isRetry: true })
  }
  if (phase !== 'published') return
  if (endsAt !== null && isDue(noticeAt)) {
    leases.put({ ...lease, noticeAt: null })
    readers.emit({ kind: 'lease-ending', name, endsAt })
  } else if (rotation !== null && !rotation.switched && isDue(rotation.switchAt)) {
    leases.put({ ...lease, rotation: { ...rotation, switched: true } })
    const { nextKey: key, dropAt } = rotation
    readers.emit({ kind: 'switched', name, key, dropAt })
  } else if (rotation !== null && rotation.switched && isDue(rotation.dropAt)) {
    const without = leases.put(leaseWithoutOldKey(context, lease))
    await carryOutQuietly(context, without, { isRetry: false })
  }
}

async function carryOutQuietly(
  context: NamespaceContext,
  lease: Lease,
  options: { readonly isRetry: boolean },
): Promise<void> {
  await carryOut(context, lease, options).catch(() => {
    // Told as an event, and written down for the next try.
  })
}
