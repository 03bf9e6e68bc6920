import { poolOf, type Name } from '@ixj/names'
import { SKEW_MS, toHex } from '@ixj/trust'
import type { Bundle } from '../bundles/bundle.ts'
import { correlationOf } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import {
  TASK_ACKNOWLEDGE_AGAIN_MS,
  TASK_AGAIN_MS,
  TASK_ATTEMPTS_MAX,
  TASK_COPIES_PER_SECOND,
  TASKS_OPEN_BYTES_MAX,
  TASKS_OPEN_MAX,
  TASKS_OPEN_PER_SENDER_MAX,
  TASKS_REMEMBERED_MAX,
  TASKS_REMEMBERED_PER_SENDER_MAX,
} from '../limits.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Accepted, TaskBook } from '../pipeline/context.ts'
import { Budget } from '../pipeline/rate.ts'
import type { TaskTurn } from '../pipeline/task-turn.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { keepBundle, restoreProof } from './kept-bundle.ts'
import {
  encodeReceived,
  messageKeyOf,
  readReceived,
  type OpenWork,
  type ReceivedTask,
} from './received-task.ts'
import type { StoredRecords } from './stored-records.ts'

/** What an agent's received tasks need of it. */
export interface ReceivedTasksContext {
  readonly core: Core
  readonly records: StoredRecords
  /** Tells a sender that its task was received; resolves when that is on its way, or given up. */
  acknowledge(to: Name, correlation: Uint8Array, until: number): Promise<void>
}

/** A handler that waits for its turn to try again never waits longer. */
const AGAIN_MS_MAX = 60_000

/**
 * The tasks that one agent has received: each is acknowledged once it is stored, and handed to the
 * handler once, or again where that failed or the process ended before it was done.
 */
export class ReceivedTasks implements TaskBook {
  readonly #context: ReceivedTasksContext
  readonly #byBundle = new Map<string, ReceivedTask>()
  /** Sender and message id: a message in two bundles is one task. */
  readonly #byMessage = new Map<string, ReceivedTask>()
  /** Remembered, and not done, by sender: nobody fills another's room. */
  readonly #senders = new Map<Name, { remembered: number; open: number }>()
  #open = 0
  #openBytes = 0
  readonly #copies: Budget
  readonly #delist: () => void
  #closed = false

  constructor(context: ReceivedTasksContext) {
    this.#context = context
    const { clock } = context.core
    this.#copies = new Budget(TASK_COPIES_PER_SECOND, clock.now())
    for (const [idText, record] of context.records.entries()) {
      const entry = readReceived(idText, record, context.core.hash)
      if (entry.until < clock.now()) context.records.delete(idText)
      else this.#add(entry)
    }
    this.#delist = context.core.tasks.enlist(this)
  }

  /** Whether this bundle is here, or being taken in. */
  has(bundle: Bundle): boolean {
    return this.#byBundle.has(bundle.idText)
  }

  /** Whether there is room for one more of this sender. */
  hasRoom({ header, bytes }: Bundle): boolean {
    const of = this.#senders.get(counted(header.sender))
    return (
      this.#open < TASKS_OPEN_MAX &&
      this.#byBundle.size < TASKS_REMEMBERED_MAX &&
      this.#openBytes + bytes.length <= TASKS_OPEN_BYTES_MAX &&
      (of?.open ?? 0) < TASKS_OPEN_PER_SENDER_MAX &&
      (of?.remembered ?? 0) < TASKS_REMEMBERED_PER_SENDER_MAX &&
      this.#context.records.hasRoom(bytes.length)
    )
  }

  /**
   * Keeps the place of a bundle that passed every check; false: it is here, or there is no room.
   * @throws Refusal `duplicate` if the sender has put the message into two bundles
   */
  reserve(bundle: Bundle, messageId: Uint8Array): boolean {
    if (this.has(bundle) || !this.hasRoom(bundle) || this.#closed) return false
    const { sender, sentAt, lifespanMs } = bundle.header
    const { id, idText } = bundle
    const until = sentAt + lifespanMs + SKEW_MS
    const entry: ReceivedTask = {
      idText,
      id,
      messageId,
      sender,
      until,
      state: 'taking',
      work: undefined,
      acknowledgedAt: 0,
      isTelling: false,
    }
    if (this.#byMessage.has(messageKeyOf(entry))) {
      throw new Refusal('duplicate', `Cannot accept a message of ${sender} in a second bundle`)
    }
    this.#add(entry)
    return true
  }

  /** The bundle was refused after its place was kept: a copy may come. */
  release({ idText }: Bundle): void {
    const entry = this.#byBundle.get(idText)
    if (entry?.state === 'taking') this.#remove(entry)
  }

  /**
   * Stores a task that was accepted, acknowledges it, and hands it out; or hands it out again.
   * @throws what the store throws: nothing was acknowledged then
   */
  async take(accepted: Accepted, endsAt: number, hand: (turn: Turn) => void): Promise<void> {
    const { bundle } = accepted
    const entry = this.#byBundle.get(bundle.idText)
    if (entry === undefined || entry.state === 'done') return
    if (entry.work === undefined) {
      await this.#store(entry, accepted, endsAt)
      this.#acknowledge(entry)
    } else {
      entry.work.attempt += 1
      await this.#save(entry)
    }
    if (this.#isOpen(entry)) hand({ gap: 0, late: false, task: this.#turn(entry) })
  }

  /** A copy of a task came: its sender has not heard of the acknowledgement. */
  copy({ idText }: Bundle): void {
    const entry = this.#byBundle.get(idText)
    if (entry === undefined || entry.state === 'taking') return
    const { clock } = this.#context.core
    const now = clock.now()
    // Anybody may send copies of what he saw.
    if (entry.isTelling || now < entry.acknowledgedAt + TASK_ACKNOWLEDGE_AGAIN_MS) return
    if (this.#copies.take(1, now)) this.#acknowledge(entry)
  }

  /** A topic was opened: what an earlier run has left of it is handed out again. */
  resume(topic: Name): void {
    for (const entry of this.#byBundle.values()) {
      if (entry.work?.topic === topic) this.#tryAgain(entry, 0)
    }
  }

  /** Forgets what has ended. */
  sweep(now: number): void {
    for (const entry of this.#byBundle.values()) {
      if (entry.state === 'taking') continue
      if (entry.work !== undefined && entry.work.endsAt < now) this.#giveUp(entry)
      if (entry.until < now) {
        this.#context.records.delete(entry.idText)
        this.#remove(entry)
      }
    }
  }

  /** Nothing is handed out any more; what is stored stays. Resolves when all of it is. */
  close(): Promise<void> {
    this.#closed = true
    this.#delist()
    for (const { work } of this.#byBundle.values()) work?.cancel()
    this.#context.core.tasks.counts.open -= this.#open
    return this.#context.records.settled()
  }

  async #store(entry: ReceivedTask, { bundle }: Accepted, endsAt: number): Promise<void> {
    const { core } = this.#context
    try {
      const proof = core.proofs.get(toHex(bundle.header.proof))
      if (proof === undefined) throw new Error('What was accepted has a proof')
      const kept = keepBundle(bundle, proof, core)
      const { topic } = bundle.header
      const acceptedAt = core.clock.now()
      const work = { kept, topic, acceptedAt, endsAt, attempt: 1, cancel: () => {} }
      entry.work = { ...work, bytes: bundle.bytes.length }
      this.#count(entry, 1)
      await this.#save(entry)
      entry.state = 'open'
    } catch (cause) {
      this.#remove(entry)
      throw cause
    }
  }

  #turn(entry: ReceivedTask): TaskTurn {
    const attempt = entry.work?.attempt ?? 1
    // A handler of an earlier attempt has been given up.
    const isCurrent = () => this.#isOpen(entry) && entry.work?.attempt === attempt
    return {
      attempt,
      isCurrent,
      done: async () => {
        if (isCurrent()) await this.#done(entry)
      },
      end: () => {
        if (isCurrent()) this.#forgetWork(entry)
      },
      fail: () => {
        if (isCurrent()) this.#failed(entry)
      },
      postpone: () => {
        if (isCurrent()) this.#postpone(entry)
      },
    }
  }

  #isOpen(entry: ReceivedTask): boolean {
    return !this.#closed && entry.state === 'open' && entry.work !== undefined
  }

  async #done(entry: ReceivedTask): Promise<void> {
    this.#finish(entry)
    await this.#save(entry)
  }

  #finish(entry: ReceivedTask): void {
    entry.work?.cancel()
    this.#count(entry, -1)
    entry.work = undefined
    entry.state = 'done'
  }

  #failed(entry: ReceivedTask): void {
    const attempt = entry.work?.attempt ?? 1
    if (attempt >= TASK_ATTEMPTS_MAX) this.#giveUp(entry)
    else this.#tryAgain(entry, TASK_AGAIN_MS * 2 ** (attempt - 1))
  }

  #postpone(entry: ReceivedTask): void {
    if (entry.work !== undefined) entry.work.attempt -= 1
    this.#tryAgain(entry, TASK_AGAIN_MS)
  }

  #giveUp(entry: ReceivedTask): void {
    this.#context.core.tasks.counts.lost += 1
    this.#forgetWork(entry)
  }

  #forgetWork(entry: ReceivedTask): void {
    const { core } = this.#context
    this.#finish(entry)
    this.#save(entry).catch((cause: unknown) => {
      core.record(core.plain('task', 'store', entry.sender, entry.sender, cause))
    })
  }

  /** Has it decided anew, and handed out if it still may be; what is refused now is tried later. */
  #tryAgain(entry: ReceivedTask, waitMs: number): void {
    const { work } = entry
    if (work === undefined || this.#closed) return
    const { clock } = this.#context.core
    work.cancel()
    work.cancel = clock.at(clock.now() + waitMs, () => void this.#again(entry, work, waitMs))
  }

  async #again(entry: ReceivedTask, work: OpenWork, waitMs: number): Promise<void> {
    const { core } = this.#context
    if (work.attempt >= TASK_ATTEMPTS_MAX) return this.#giveUp(entry)
    try {
      await restoreProof(work.kept, core)
    } catch (cause) {
      core.record(core.plain('task', 'restore', work.topic, entry.sender, cause))
      return this.#giveUp(entry)
    }
    const { topic, acceptedAt } = work
    const again = { tasks: this, acceptedAt }
    const { code } = await core.intake.take(work.kept.bundle.bytes, { topic, from: null, again })
    const nextMs = Math.min(AGAIN_MS_MAX, Math.max(TASK_AGAIN_MS, waitMs * 2))
    if (code !== null && this.#isOpen(entry)) this.#tryAgain(entry, nextMs)
  }

  #acknowledge(entry: ReceivedTask): void {
    entry.acknowledgedAt = this.#context.core.clock.now()
    entry.isTelling = true
    const correlation = correlationOf(entry.id, entry.messageId)
    const telling = this.#context.acknowledge(entry.sender, correlation, entry.until - SKEW_MS)
    void telling.finally(() => (entry.isTelling = false))
  }

  #save(entry: ReceivedTask): Promise<void> {
    return this.#context.records.set(entry.idText, encodeReceived(entry))
  }

  #add(entry: ReceivedTask): void {
    this.#byBundle.set(entry.idText, entry)
    this.#byMessage.set(messageKeyOf(entry), entry)
    const sender = counted(entry.sender)
    const of = this.#senders.get(sender) ?? { remembered: 0, open: 0 }
    of.remembered += 1
    this.#senders.set(sender, of)
    if (entry.work !== undefined) this.#count(entry, 1)
  }

  #remove(entry: ReceivedTask): void {
    this.#byBundle.delete(entry.idText)
    this.#byMessage.delete(messageKeyOf(entry))
    if (entry.work !== undefined) this.#count(entry, -1)
    const sender = counted(entry.sender)
    const of = this.#senders.get(sender)
    if (of === undefined) return
    of.remembered -= 1
    if (of.remembered === 0) this.#senders.delete(sender)
  }

  #count({ sender, work }: ReceivedTask, change: 1 | -1): void {
    this.#open += change
    this.#context.core.tasks.counts.open += change
    this.#openBytes += change * (work?.bytes ?? 0)
    const of = this.#senders.get(counted(sender))
    if (of !== undefined) of.open += change
  }
}

/** Agents of a pool are one sender: their node has as many names of it as it likes. */
function counted(sender: Name): Name {
  return poolOf(sender) ?? sender
}
