import type { Name } from '@ixj/names'
import { equalBytes, holderKey } from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import type { Clock } from '../clock.ts'
import {
  STATE_GROUP_BYTES_MAX,
  STATE_GROUP_REGISTERS_MAX,
  STATE_MEMBER_BYTES_MAX,
  STATE_REGISTERS_MAX,
} from '../limits.ts'
import type { ClockOwner, OffsetRange } from '../pipeline/clock-offset.ts'
import type { Accepted } from '../pipeline/context.ts'
import { compareStates } from '../pipeline/state-table.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { isUpdate, readUpdate, type RegisterUpdate } from './register-update.ts'
import type { HeldRegister } from './held-register.ts'
import { viewOf, type Register } from './register.ts'
import { Soonest } from './soonest.ts'

/** Why a register is there no longer. */
export type GoneWhy =
  /** Its owner cleared it. */
  | 'cleared'
  /** Its owner left the group. */
  | 'left'
  /** Its owner is not heard of any more. */
  | 'lost'
  /** Its owner did not say it again within its lifespan. */
  | 'expired'

/** What happens to the registers of a group, for all members of a node. */
export type RegisterEvent =
  | { readonly kind: 'set'; readonly held: HeldRegister }
  | { readonly kind: 'gone'; readonly held: HeldRegister; readonly why: GoneWhy }

/** What a group's registers are kept with. */
export interface RegistersContext {
  readonly clock: Clock
  /** How far a sender's clock stands behind ours. */
  range(owner: ClockOwner): OffsetRange
}

/** One sender's registers and the bytes of the bundles that they came in. */
interface Owned {
  readonly registers: Map<string, HeldRegister>
  bytes: number
}

/**
 * The registers of one group as one node knows them: of each (sender, register) the newest, until
 * its lifespan ends by the sender's clock, its owner clears it, or is gone.
 */
export class Registers {
  readonly #context: RegistersContext
  readonly #owners = new Map<Name, Owned>()
  /** Registers of each bundle that is kept: its bytes are counted once. */
  readonly #bundles = new Map<string, number>()
  readonly #watchers = new Set<(event: RegisterEvent) => void>()
  readonly #expiry: Soonest
  /** What was looked at last: an event is told to all members of the node at one moment. */
  #viewed:
    | {
        readonly held: HeldRegister
        readonly at: number
        readonly bound: number
        readonly register: Register
      }
    | undefined
  #size = 0
  #bytes = 0

  constructor(context: RegistersContext) {
    this.#context = context
    this.#expiry = new Soonest(context.clock, () => this.#expire())
  }

  /** Registers that are held. */
  get size(): number {
    return this.#size
  }

  /** Calls back on every event until the returned function is called. */
  watch(watcher: (event: RegisterEvent) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** What is held of one register now. */
  get(sender: string, register: string): HeldRegister | undefined {
    const held = this.#owners.get(sender as Name)?.registers.get(register)
    return held === undefined || this.#isOver(held) ? undefined : held
  }

  /**
   * What is held as its reader sees it now, who bounds its age so. Those who look at one moment, under
   * one bound, see one object.
   */
  view(held: HeldRegister, maxAgeMs: number): Register {
    const now = this.#context.clock.now()
    const { held: last, at, bound, register } = this.#viewed ?? {}
    if (last === held && at === now && bound === maxAgeMs && register !== undefined) return register
    const view = viewOf(held, { now, range: this.#context.range(held.clock), maxAgeMs })
    this.#viewed = { held, at: now, bound: maxAgeMs, register: view }
    return view
  }

  /** Everything that is held now, in no order. */
  all(): readonly HeldRegister[] {
    const all = [...this.#owners.values()].flatMap(({ registers }) => [...registers.values()])
    return all.filter((held) => !this.#isOver(held))
  }

  /**
   * Takes one update of an accepted bundle. What is older than what is held changes nothing.
   * @throws Refusal `body`, `table-full`
   */
  take(accepted: Accepted, index: number): void {
    const { header } = accepted.bundle
    const part = accepted.messages[index]
    if (part === undefined || !isUpdate(header, part)) return
    const update = readUpdate(header, part)
    const age = { epoch: header.epoch, place: header.first + index, key: header.key }
    const before = this.#owners.get(header.sender)?.registers.get(update.register)
    if (before !== undefined && compareStates(age, before) <= 0) return
    const { register, value, asOf } = update
    if (value === undefined) {
      if (before !== undefined) this.#remove(before, 'cleared')
      return
    }
    const held: HeldRegister = {
      ...age,
      sender: header.sender,
      ownerKey: holderKey(accepted.chain),
      register,
      value,
      asOf,
      expiresAt: header.sentAt + header.lifespanMs,
      body: part.body,
      clock: accepted.clock,
      accepted,
    }
    this.#checkRoom(header, update, accepted)
    if (before !== undefined) this.#forget(before)
    this.#keep(held)
    // A repeat of what is held makes it last, and changes nothing.
    const isSame = before !== undefined && equalBytes(before.body, held.body)
    if (!isSame || before.epoch !== held.epoch) this.#tell({ kind: 'set', held })
  }

  /** A member has gone, and what it said with it. */
  memberGone(sender: Name, key: Uint8Array, why: 'left' | 'lost'): void {
    for (const held of this.#owners.get(sender)?.registers.values() ?? []) {
      if (equalBytes(held.ownerKey, key)) this.#remove(held, why)
    }
  }

  /** Forgets everything; nobody is told. */
  close(): void {
    this.#expiry.close()
    this.#watchers.clear()
    this.#owners.clear()
    this.#bundles.clear()
    this.#viewed = undefined
  }

  /** A sender's room is its own: full, it costs that sender, and the group's costs newcomers. */
  #checkRoom({ sender }: Header, { register }: RegisterUpdate, { bundle }: Accepted): void {
    const owned = this.#owners.get(sender)
    const isNew = owned?.registers.has(register) !== true
    const added = this.#bundles.has(bundle.idText) ? 0 : bundle.bytes.length
    const isFull = isNew && (owned?.registers.size ?? 0) >= STATE_REGISTERS_MAX
    if (isFull || (owned?.bytes ?? 0) + added > STATE_MEMBER_BYTES_MAX) {
      const limit = `limit ${STATE_REGISTERS_MAX} registers, ${STATE_MEMBER_BYTES_MAX} bytes`
      throw new Refusal('table-full', `Cannot hold more state of ${sender}: ${limit}`)
    }
    const isOver = isNew && this.#size >= STATE_GROUP_REGISTERS_MAX
    if (isOver || this.#bytes + added > STATE_GROUP_BYTES_MAX) {
      const limit = `limit ${STATE_GROUP_REGISTERS_MAX} registers, ${STATE_GROUP_BYTES_MAX} bytes`
      throw new Refusal('table-full', `Cannot hold more state of the group: ${limit}`)
    }
  }

  #keep(held: HeldRegister): void {
    let owned = this.#owners.get(held.sender)
    if (owned === undefined) {
      owned = { registers: new Map(), bytes: 0 }
      this.#owners.set(held.sender, owned)
    }
    owned.registers.set(held.register, held)
    this.#size += 1
    const { idText, bytes } = held.accepted.bundle
    const users = this.#bundles.get(idText) ?? 0
    this.#bundles.set(idText, users + 1)
    if (users === 0) {
      owned.bytes += bytes.length
      this.#bytes += bytes.length
    }
    this.#expiry.by(this.#endOf(held) + 1)
  }

  #forget(held: HeldRegister): void {
    const owned = this.#owners.get(held.sender)
    if (owned === undefined) return
    owned.registers.delete(held.register)
    this.#size -= 1
    const { idText, bytes } = held.accepted.bundle
    const users = (this.#bundles.get(idText) ?? 0) - 1
    if (users > 0) {
      this.#bundles.set(idText, users)
    } else {
      this.#bundles.delete(idText)
      owned.bytes -= bytes.length
      this.#bytes -= bytes.length
    }
    if (owned.registers.size === 0) this.#owners.delete(held.sender)
  }

  #remove(held: HeldRegister, why: GoneWhy): void {
    this.#forget(held)
    this.#tell({ kind: 'gone', held, why })
  }

  #tell(event: RegisterEvent): void {
    for (const watcher of this.#watchers) watcher(event)
  }

  /** By our clock: when the least age that it may have is past its lifespan. */
  #endOf(held: HeldRegister): number {
    return held.expiresAt + this.#context.range(held.clock).high
  }

  #isOver(held: HeldRegister): boolean {
    return this.#endOf(held) < this.#context.clock.now()
  }

  #expire(): void {
    const now = this.#context.clock.now()
    let next = Infinity
    for (const { registers } of this.#owners.values()) {
      for (const held of registers.values()) {
        const end = this.#endOf(held)
        if (end < now) this.#remove(held, 'expired')
        else next = Math.min(next, end + 1)
      }
    }
    if (next !== Infinity) this.#expiry.by(next)
  }
}
