import type { Name } from '@ixj/names'
import { approvalsNeeded, SKEW_MS, type ApplicationValue } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import {
  MESSAGES_BYTES_MAX,
  STATE_LIFESPAN_MS_MAX,
  STATE_REGISTER_LIFESPAN_MS,
  STATE_REGISTERS_MAX,
  STATE_REPEAT_MS_MIN,
  STATE_REPEATS,
  STATE_RETRY_MS,
  STATE_WAITING_BYTES_MAX,
  STATE_WAITING_MAX,
} from '../limits.ts'
import type { Lane } from '../patterns/lane-queue.ts'
import { perSecondOf } from '../patterns/lanes.ts'
import type { SendOptions } from '../patterns/send-options.ts'
import type { Sender } from '../patterns/sender.ts'
import type { Voice } from '../patterns/voice.ts'
import type { NodeVoice } from './node-voice.ts'
import type { Shared } from './open-shared.ts'
import { encodeUpdate, isRegister, STATE_TYPE } from './register-update.ts'
import { Soonest } from './soonest.ts'

/** Options of {@link OwnRegisters.set}. */
export interface SetOptions extends Pick<SendOptions, 'under' | 'for' | 'priority'> {
  /** How long the value stands after its owner was last heard: 1 ms to 10 s, the default. */
  readonly lifespanMs?: number
}

/** What one member's registers came to so far. */
export interface StateCounts {
  /** Updates that were handed over, repeats included. */
  readonly sent: number
  /** Values that never went out, since newer ones of their register came first. */
  readonly replaced: number
  /** Updates that could not be handed over; their registers are tried again. */
  readonly failed: number
}

/** What one member's registers are kept with. */
export interface OwnRegistersContext {
  readonly core: Core
  readonly shared: Pick<Shared, 'sheaves'>
  readonly sender: Sender
  readonly topic: Name
  /** Whether registers are sealed to the group. */
  readonly isSealed: boolean
  /** By which its node signs them; null: the member signs them itself. */
  readonly voice: NodeVoice | null
  /** Updates could not be handed over. */
  failed(cause: unknown): void
}

interface OwnRegister {
  /** The newest value last; those before it wait with it. */
  parts: readonly MessagePart[]
  options: SetOptions
  isCleared: boolean
  /** It waits to be sent, and what is set meanwhile with it. */
  isWaiting: boolean
  /** When it goes out again by itself. */
  dueAt: number
  /** A cleared register is said to be so until then, and forgotten at {@link forgetAt}. */
  readonly repeatUntil: number
  readonly forgetAt: number
}

/** How long others know that a register was set: its name takes one of their places so long. */
const SLOT_MS = STATE_LIFESPAN_MS_MAX + SKEW_MS + 5_000
/** So long a lane that was found is used again: members set registers many times a second. */
const LANE_MS = 1_000
/** What a message costs in its bundle beside its body. */
const MESSAGE_BYTES = 96

/**
 * The registers that one member of a group sets: of each the newest values go out, all that was set in
 * one turn in one bundle, and the last again before its lifespan ends, for those who came later or
 * lost it.
 */
export class OwnRegisters {
  readonly #context: OwnRegistersContext
  readonly #own = new Map<string, OwnRegister>()
  readonly #repeat: Soonest
  readonly #counts = { sent: 0, replaced: 0, failed: 0 }
  /** The lane that was found last. */
  #found: { readonly options: SetOptions; readonly lane: Lane; readonly at: number } | undefined
  /** The same lane as it was spoken on last. */
  #voiced: { readonly lane: Lane; readonly voice: Voice; readonly spoken: Lane } | undefined
  #isSending = false
  #isClosed = false

  constructor(context: OwnRegistersContext) {
    this.#context = context
    this.#repeat = new Soonest(context.core.clock, () => void this.#send())
  }

  get counts(): StateCounts {
    return { ...this.#counts }
  }

  /**
   * Sets a register, or clears it where the value is undefined. It goes out in the next turn.
   * @throws AgentError `argument`, `no-authority`, `mixed-behalf`, `closed`
   * @throws TrustError `ambiguous-authority`, `too-large`, `form`, `encoding`, `depth`
   */
  set(register: string, value: ApplicationValue | undefined, options: SetOptions): void {
    const { core, sender, topic } = this.#context
    if (this.#isClosed) throw new AgentError('closed', `Cannot set ${register}: ${topic} was left`)
    if (!isRegister(register)) {
      throw new AgentError('argument', `Cannot set "${register}": it names no register`)
    }
    const now = core.clock.now()
    this.#forgetOld(now)
    const before = this.#own.get(register)
    if (value === undefined && (before === undefined || before.isCleared)) return
    if (before === undefined && this.#own.size >= STATE_REGISTERS_MAX) {
      const limit = `the limit is ${STATE_REGISTERS_MAX}, each for ${SLOT_MS} ms after it was cleared`
      throw new AgentError('argument', `Cannot set another register of ${topic}: ${limit}`)
    }
    // Whatever would be wrong later is told here, where somebody can be told.
    const lane = this.#lane(options)
    if (approvalsNeeded(lane.grant?.statement.conditions ?? []) !== undefined) {
      throw new AgentError('argument', `Cannot set ${register}: its grant asks for approvals`)
    }
    const body = encodeUpdate({ register, asOf: now, value })
    const waiting = before?.isWaiting === true ? before.parts : []
    const isAlike = before !== undefined && sameLane(before.options, options)
    // Where a grant counts messages, each that goes along is one less for the newest.
    const isCounted = perSecondOf(lane.grant) !== undefined
    const older = isAlike && !isCounted ? waiting : []
    const parts = newestOf([...older, sender.encoded(body, STATE_TYPE)])
    this.#counts.replaced += waiting.length + 1 - parts.length
    const isCleared = value === undefined
    this.#own.set(register, {
      parts,
      options,
      isCleared,
      isWaiting: true,
      dueAt: Infinity,
      repeatUntil: isCleared ? now + STATE_LIFESPAN_MS_MAX : Infinity,
      forgetAt: isCleared ? now + SLOT_MS : Infinity,
    })
    void this.#send()
  }

  /** Says nothing more. */
  close(): void {
    this.#isClosed = true
    this.#repeat.close()
    this.#own.clear()
  }

  /** How it is sent, and under which grant; found again once a second, since grants end. */
  #lane(options: SetOptions): Lane {
    const { core, sender, topic } = this.#context
    const now = core.clock.now()
    const known = this.#found
    const isRecent = known !== undefined && Math.abs(now - known.at) < LANE_MS
    if (isRecent && sameLane(known.options, options)) return known.lane
    const where = { of: 'group', topic, action: 'publish' } as const
    const { lifespanMs = STATE_REGISTER_LIFESPAN_MS, ...rest } = options
    const seal = this.#context.isSealed ? { seal: true } : {}
    const lane = sender.lanes.of(where, { ...rest, ...seal, lifespanMs, class: 'state' })
    this.#found = { options, lane, at: now }
    return lane
  }

  async #send(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    // All that is set in one turn goes together, and what others here set meanwhile.
    await this.#context.shared.sheaves.turn(this.#context.topic)
    for (let first = this.#next(); first !== undefined; first = this.#next()) {
      await this.#handOver(first)
    }
    this.#isSending = false
    this.#arm()
  }

  #next(): OwnRegister | undefined {
    if (this.#isClosed) return undefined
    const now = this.#context.core.clock.now()
    return [...this.#own.values()].find(({ isWaiting, dueAt }) => isWaiting || dueAt <= now)
  }

  async #handOver(first: OwnRegister): Promise<void> {
    const { core, sender } = this.#context
    let batch = [first]
    let parts = first.parts
    try {
      const lane = this.#lane(first.options)
      batch = this.#batch(first, lane)
      parts = batch.flatMap((own) => own.parts)
      taken(batch)
      await sender.sendTogether(this.#spoken(lane), parts)
      this.#counts.sent += parts.length
      for (const own of batch) own.dueAt = core.clock.now() + this.#repeatMs(lane.lifespanMs)
    } catch (cause) {
      // Its grant may have ended: it is tried again later, not at once.
      taken(batch)
      this.#counts.failed += parts.length
      for (const own of batch) own.dueAt = core.clock.now() + STATE_RETRY_MS
      if (!this.#isClosed) this.#context.failed(cause)
    }
  }

  /** The same lane, signed by the node where it may. */
  #spoken(lane: Lane): Lane {
    const voice = this.#context.voice?.next()
    if (voice === undefined) return lane
    const known = this.#voiced
    if (known?.lane === lane && known.voice === voice) return known.spoken
    const spoken = { ...lane, voice }
    this.#voiced = { lane, voice, spoken }
    return spoken
  }

  /** What goes out with it in one bundle: of its lane, as far as there is room. */
  #batch(first: OwnRegister, lane: Lane): OwnRegister[] {
    const now = this.#context.core.clock.now()
    const batch: OwnRegister[] = []
    let [bytes, count] = [0, 0]
    for (const own of this.#own.values()) {
      if (!own.isWaiting && own.dueAt > now) continue
      if (!sameLane(first.options, own.options)) continue
      count += own.parts.length
      bytes += bytesOf(own.parts) + own.parts.length * MESSAGE_BYTES
      if (batch.length > 0 && (bytes > MESSAGES_BYTES_MAX || count > lane.messagesMax)) break
      batch.push(own)
    }
    return batch
  }

  /** Give or take a fifth, so that many members do not speak at once. */
  #repeatMs(lifespanMs: number): number {
    const jitter = ((this.#context.core.random(1)[0] ?? 0) / 255) * 0.4 + 0.8
    return Math.round(Math.max(STATE_REPEAT_MS_MIN, (lifespanMs / STATE_REPEATS) * jitter))
  }

  #arm(): void {
    if (this.#isClosed) return
    this.#forgetOld(this.#context.core.clock.now())
    for (const { dueAt } of this.#own.values()) {
      if (dueAt !== Infinity) this.#repeat.by(dueAt)
    }
  }

  #forgetOld(now: number): void {
    for (const [register, own] of this.#own) {
      if (own.forgetAt < now) this.#own.delete(register)
      else if (own.repeatUntil < now) own.dueAt = Infinity
    }
  }
}

/** They wait no longer; what is said again, or tried again, is the newest. */
function taken(batch: readonly OwnRegister[]): void {
  for (const own of batch) {
    own.isWaiting = false
    own.parts = own.parts.slice(-1)
  }
}

/** As many of the newest as may wait, and one at the least. */
function newestOf(parts: readonly MessagePart[]): readonly MessagePart[] {
  const isOver =
    parts.length > STATE_WAITING_MAX ||
    (parts.length > 1 && bytesOf(parts) > STATE_WAITING_BYTES_MAX)
  return isOver ? newestOf(parts.slice(1)) : parts
}

function bytesOf(parts: readonly MessagePart[]): number {
  return parts.reduce((sum, { body }) => sum + body.length, 0)
}

function sameLane(left: SetOptions, right: SetOptions): boolean {
  return (
    left.lifespanMs === right.lifespanMs &&
    left.priority === right.priority &&
    left.under === right.under &&
    left.for === right.for
  )
}
