import type { Name } from '@ixj/names'
import type { Bundle } from '../bundles/bundle.ts'
import type { HostPart } from '../host/host-part.ts'
import type { Clock } from '../clock.ts'
import type { ClockOffsets, ClockOwner } from '../pipeline/clock-offset.ts'
import type { Accepted } from '../pipeline/context.ts'
import { bundleDecision, type Decision } from '../pipeline/decision.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { PresenceChange } from '../presence/roster.ts'
import { isUpdate } from './register-update.ts'
import { Registers } from './registers.ts'

/** What of a node its shared states are kept with. */
export interface SharedStatesContext {
  readonly clock: Clock
  readonly offsets: ClockOffsets
  record(decision: Decision): void
}

interface Shared {
  readonly registers: Registers
  members: number
}

/** The shared state of every group that is open on a node: once for all of its members here. */
export class SharedStates implements HostPart {
  readonly #context: SharedStatesContext
  readonly #groups = new Map<Name, Shared>()

  constructor(context: SharedStatesContext) {
    this.#context = context
  }

  /** A member here opens the group's state. */
  open(topic: Name): Registers {
    let shared = this.#groups.get(topic)
    if (shared === undefined) {
      const { clock, offsets } = this.#context
      const range = (owner: ClockOwner) => offsets.range(owner, clock.now())
      shared = { registers: new Registers({ clock, range }), members: 0 }
      this.#groups.set(topic, shared)
    }
    shared.members += 1
    return shared.registers
  }

  /** A member here closes it; with the last one it is forgotten. Whether it was that. */
  leave(topic: Name): boolean {
    const shared = this.#groups.get(topic)
    if (shared === undefined) return false
    shared.members -= 1
    if (shared.members > 0) return false
    this.#groups.delete(topic)
    shared.registers.close()
    return true
  }

  /** Takes what an accepted bundle says of registers; what does not hold is counted and left out. */
  take(accepted: Accepted): void {
    const { header } = accepted.bundle
    const registers = this.#groups.get(header.topic)?.registers
    if (registers === undefined) return
    for (const [index, part] of accepted.messages.entries()) {
      if (!isUpdate(header, part)) continue
      try {
        registers.take(accepted, index)
      } catch (cause) {
        if (!(cause instanceof Refusal)) throw cause
        this.#context.record(bundleDecision(accepted, this.#context.clock.now(), cause))
      }
    }
  }

  /** The bundles whose registers count now, each once. */
  bundles(topic: Name): readonly Bundle[] {
    const held = this.#groups.get(topic)?.registers.all() ?? []
    return [...new Set(held.map(({ accepted }) => accepted.bundle))]
  }

  /** A member came or went. */
  changed(topic: Name, { kind, member }: PresenceChange): void {
    if (kind === 'joined') return
    this.#groups.get(topic)?.registers.memberGone(member.name, member.key, kind)
  }

  close(): void {
    for (const { registers } of this.#groups.values()) registers.close()
    this.#groups.clear()
  }
}
