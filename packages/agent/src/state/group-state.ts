import type { Name } from '@ixj/names'
import { equalBytes, type ApplicationValue } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Core } from '../host/core.ts'
import { QUEUE_MAX } from '../limits.ts'
import type { MemberParts } from '../patterns/parts.ts'
import type { Sender } from '../patterns/sender.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { Queue } from '../queue.ts'
import { Bounds } from './bounds.ts'
import type { HeldRegister } from './held-register.ts'
import { NodeVoice } from './node-voice.ts'
import { OwnRegisters, type SetOptions, type StateCounts } from './own-registers.ts'
import type { Register } from './register.ts'
import type { GoneWhy, RegisterEvent, Registers } from './registers.ts'
import type { Shared } from './open-shared.ts'
import { digestOf } from './state-digest.ts'

/** What happens to shared state. */
export type StateChange =
  /** A register has a new value. */
  | { readonly kind: 'set'; readonly register: Register }
  /** It may be older than its bound. */
  | { readonly kind: 'stale'; readonly register: Register }
  /** It was stale, and is within its bound again. */
  | { readonly kind: 'fresh'; readonly register: Register }
  /** It is there no longer; this was its last value. */
  | { readonly kind: 'gone'; readonly register: Register; readonly why: GoneWhy }

/** The whole shared state at one moment. */
export interface StateSnapshot {
  /** Sorted by sender, then by register. */
  readonly registers: readonly Register[]
  /** SHA-256 over all of it: members with equal digests see the same world. */
  readonly digest: Uint8Array
  /** Those of the registers that may be older than was asked for. */
  readonly tooOld: readonly Register[]
}

/** What one member's view of shared state is made of. */
export interface GroupStateParts extends MemberParts {
  readonly shared: Shared
  readonly sender: Sender
  readonly topic: Name
  /** Whether this member's registers are sealed to the group. */
  readonly isSealed: boolean
  /** Whether its node signs them. */
  readonly isSpoken: boolean
}

/**
 * The shared state of a group as one member sees it: each member sets registers of its own, and
 * everybody sees the newest of each, with its age. What nobody repeats within its lifespan is gone.
 */
export class GroupState {
  readonly #parts: GroupStateParts
  readonly #own: OwnRegisters
  readonly #voice: NodeVoice | null
  readonly #readers = new Set<Queue<StateChange>>()
  #registers: Registers | undefined
  #bounds: Bounds | undefined
  #unwatch: (() => void) | undefined

  /** Use `state` of a group. */
  constructor(parts: GroupStateParts) {
    this.#parts = parts
    const { core, shared, sender, identity, hostGrant, topic, isSealed, isSpoken } = parts
    const { name, signer } = identity
    // The node itself, and who has no key but its node's, are signed for by it anyway.
    const isOther = hostGrant !== null && !equalBytes(signer.publicKey, nodeKeyOf(core))
    this.#voice = isSpoken && isOther ? new NodeVoice({ core, identity, topic }) : null
    this.#own = new OwnRegisters({
      core,
      shared,
      sender,
      topic,
      isSealed,
      voice: this.#voice,
      failed: (cause) => core.record(core.plain('state', 'set', topic, name, coded(cause))),
    })
  }

  /** Called first, by `join`. */
  async prepare(): Promise<void> {
    await this.#voice?.give()
  }

  /** Whether this key, the node's, signs for the member. */
  isSpokenBy(key: Uint8Array): boolean {
    return this.#voice !== null && equalBytes(key, nodeKeyOf(this.#parts.core))
  }

  /** Called once, by `join`. */
  open(): void {
    const { core, shared, topic } = this.#parts
    const registers = shared.states.open(topic)
    this.#registers = registers
    this.#bounds = new Bounds({
      clock: core.clock,
      registers,
      range: (held) => core.offsets.range(held.clock, core.clock.now()),
      changed: (kind, held) => this.#tell({ kind, held }),
    })
    shared.snapshots.soon(topic)
    this.#unwatch = registers.watch((event) => this.#event(event))
  }

  /**
   * Sets a register of this member. It goes to everybody in the next turn, together with all that
   * is set in this one, and is repeated as long as the member is here: of what waits the newest eight
   * values of a register, up to 1 KiB, or the newest alone. Nobody but its owner can set a register.
   * One's own is seen here once it has gone out and was accepted here as everywhere.
   * @throws AgentError `argument`, `no-authority`, `mixed-behalf`, `closed`
   * @throws TrustError `ambiguous-authority`, `too-large`, `form`, `encoding`, `depth`
   */
  set(register: string, value: ApplicationValue, options: SetOptions = {}): void {
    this.#own.set(register, value, options)
  }

  /** Takes a register of this member back: it is gone for everybody. @throws as {@link set} does */
  clear(register: string, options: SetOptions = {}): void {
    this.#own.set(register, undefined, options)
  }

  /** One register, as it is now; undefined if that member has not set it, or is gone. */
  get(sender: string, register: string): Register | undefined {
    const held = this.#registers?.get(sender, register)
    return held === undefined ? undefined : this.#view(held)
  }

  /** Every register of every member, sorted by sender, then by register. */
  entries(): readonly Register[] {
    return sorted(this.#registers?.all() ?? []).map((held) => this.#view(held))
  }

  /**
   * Says how old registers of this name may be, whoever's they are: `pose`, `arm/*`, `*`. When one
   * may be older, `changes()` tells `stale`, and `fresh` when it is within the bound again. Infinity
   * takes a bound back.
   * @throws AgentError `argument`
   */
  bound(registers: string, maxAgeMs: number): void {
    this.#bounds?.set(registers, maxAgeMs)
  }

  /** What happens from now on. A slow reader loses the oldest and sees how many in `lost`. */
  changes(
    options: { readonly queueMax?: number; readonly signal?: AbortSignal } = {},
  ): Queue<StateChange> {
    const { queueMax = QUEUE_MAX, signal } = options
    const reader: Queue<StateChange> = new Queue(queueMax, {
      ...(signal === undefined ? {} : { signal }),
      onClose: () => void this.#readers.delete(reader),
    })
    if (this.#registers === undefined) reader.close()
    else this.#readers.add(reader)
    return reader
  }

  /** All of it at this moment, and which of it may be older than `maxAgeMs` (default: none). */
  snapshot(options: { readonly maxAgeMs?: number } = {}): StateSnapshot {
    const { maxAgeMs = Infinity } = options
    const held = sorted(this.#registers?.all() ?? [])
    const registers = held.map((each) => this.#view(each))
    const tooOld = registers.filter(({ age }) => age[1] > maxAgeMs)
    return { registers, digest: digestOf(held, this.#parts.core.hash), tooOld }
  }

  /** What this member's own registers came to so far. */
  get counts(): StateCounts {
    return this.#own.counts
  }

  /** Called by the group when it is left. */
  close(): void {
    this.#voice?.close()
    if (this.#registers === undefined) return
    this.#registers = undefined
    this.#own.close()
    this.#bounds?.close()
    this.#unwatch?.()
    const { shared, topic } = this.#parts
    if (shared.states.leave(topic)) shared.snapshots.forget(topic)
    for (const reader of this.#readers) reader.close()
  }

  #event(event: RegisterEvent): void {
    const { kind, held } = event
    this.#tell(event)
    if (kind === 'gone') this.#bounds?.gone(held)
    else this.#bounds?.lookAt(held)
  }

  /** Made only if somebody reads. */
  #tell(event: RegisterEvent | { readonly kind: 'stale' | 'fresh'; readonly held: HeldRegister }) {
    if (this.#readers.size === 0) return
    const register = this.#view(event.held)
    const change: StateChange =
      event.kind === 'gone'
        ? { kind: 'gone', register, why: event.why }
        : { kind: event.kind, register }
    for (const reader of this.#readers) reader.push(change)
  }

  #view(held: HeldRegister): Register {
    const maxAgeMs = this.#bounds?.maxAgeMs(held.register) ?? Infinity
    if (this.#registers === undefined) throw new Error(`${this.#parts.topic} is not open`)
    return this.#registers.view(held, maxAgeMs)
  }
}

/** What could not be handed over is the network's; what may not be said any more is a grant's. */
function coded(cause: unknown): unknown {
  if (!(cause instanceof AgentError)) return cause
  const { code, message } = cause
  if (code === 'no-authority') return new Refusal('not-granted', message, { cause })
  const isHandover = code === 'not-handed-over' || code === 'backpressure'
  return isHandover ? new Refusal('transport', message, { cause }) : cause
}

function nodeKeyOf({ identity }: Core): Uint8Array {
  return identity.signer.publicKey
}

function sorted(all: readonly HeldRegister[]): readonly HeldRegister[] {
  return all.toSorted(
    (left, right) =>
      compareText(left.sender, right.sender) || compareText(left.register, right.register),
  )
}

/** Names and registers are ASCII: this is the order of their bytes. */
function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
