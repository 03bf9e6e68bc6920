import { isBelow } from '@ixj/names'
import { equalBytes, toHex } from '@ixj/trust'
import { reasonOf } from '../abort-reason.ts'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import {
  TASK_ADDRESSEES_MAX,
  TASK_RETRY_MS,
  TASK_RETRY_MS_MAX,
  TASKS_UNACKNOWLEDGED_MAX,
} from '../limits.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import { keepBundle, restoreProof } from './kept-bundle.ts'
import {
  encodeSent,
  makeSent,
  readSent,
  type Addressed,
  type Addressee,
  type SentTask,
} from './sent-task.ts'
import type { StoredRecords } from './stored-records.ts'

/** What an agent's sent tasks need of it. */
export interface SentTasksContext {
  readonly core: Core
  readonly records: StoredRecords
  /** Gives a bundle to those who follow its topic, here and elsewhere; 0: there is nobody. */
  hand(task: TaskHandover): Promise<number>
}

/** A task that is given to others. */
export interface TaskHandover {
  readonly of: 'group' | 'inbox'
  readonly bundle: Bundle
  readonly proof: KnownProof
  /** Nobody was handed it in this run. */
  readonly isNew: boolean
}

/** The tasks of one agent that were not acknowledged yet: each is stored, and sent again. */
export class SentTasks {
  readonly #context: SentTasksContext
  /** By bundle id ‖ message id in hex. */
  readonly #sent = new Map<string, SentTask>()
  /** Tasks that are being stored. */
  #keeping = 0
  #closed = false

  constructor(context: SentTasksContext) {
    this.#context = context
  }

  /** @throws AgentError `backpressure`, `argument` */
  checkRoom(addressees: readonly Addressee[]): void {
    if (addressees.length > TASK_ADDRESSEES_MAX) {
      const limit = `limit ${TASK_ADDRESSEES_MAX}`
      throw new AgentError('argument', `Cannot send a task to ${addressees.length} keys, ${limit}`)
    }
    const count = this.#sent.size + this.#keeping
    if (count < TASKS_UNACKNOWLEDGED_MAX) return
    const limit = `${count} are not acknowledged, limit ${TASKS_UNACKNOWLEDGED_MAX}`
    throw new AgentError('backpressure', `Cannot send another task: ${limit}`)
  }

  /**
   * Stores a task, and sends it from then on until all have acknowledged it.
   * @throws AgentError `backpressure`; what the store throws: nobody was handed it then
   */
  async keep(bundle: Bundle, proof: KnownProof, to: Addressed): Promise<SendingTask> {
    const { core, records } = this.#context
    const kept = keepBundle(bundle, proof, core)
    const sent = makeSent(kept, proof, to)
    const record = encodeSent(sent)
    if (!records.hasRoom(record.length)) {
      throw new AgentError('backpressure', 'Cannot send another task: its store is full of others')
    }
    this.#keeping += 1
    try {
      await records.set(bundle.idText, record)
    } finally {
      this.#keeping -= 1
    }
    this.#start(sent)
    return {
      acknowledgements: sent.acknowledgements,
      handed: (signal) => this.#handed(sent, signal),
    }
  }

  /** Goes on with what an earlier run has left. */
  async resume(): Promise<void> {
    const { core, records } = this.#context
    for (const [idText, record] of records.entries()) {
      const { kept, ...to } = readSent(record, core.hash)
      const { sentAt, lifespanMs } = kept.bundle.header
      if (sentAt + lifespanMs < core.clock.now()) {
        records.delete(idText)
        this.#context.core.tasks.counts.unacknowledged += 1
        continue
      }
      this.#start(makeSent(kept, await restoreProof(kept, core), to))
    }
  }

  /** Whether anything was sent that this sender may acknowledge. */
  awaits(header: Header): boolean {
    return [...this.#sent.values()].some((sent) => this.#isFor(sent, header))
  }

  /** Whether this acknowledges, or answers, a task that waits for it. */
  waits(header: Header, part: MessagePart): boolean {
    const sent = this.#of(part)
    return sent !== undefined && this.#isFor(sent, header)
  }

  /** Takes an acknowledgement; call {@link waits} first. */
  take(header: Header, part: MessagePart): void {
    const sent = this.#of(part)
    if (sent === undefined) return
    const { topic } = sent.kept.bundle.header
    sent.acknowledgements.add(sent.of === 'inbox' ? topic : header.sender)
    if (sent.acknowledgements.ended) this.#end(sent)
  }

  /** Sends nothing any more; what is stored stays for the next run. */
  close(): void {
    this.#closed = true
    for (const sent of this.#sent.values()) this.#stop(sent)
  }

  #start(sent: SentTask): void {
    // It was closed while this one was being stored: the next run sends it.
    if (this.#closed) return this.#stop(sent)
    this.#sent.set(sent.correlation, sent)
    void this.#run(sent)
  }

  /** Hands it over again and again; between two times it waits longer, give or take a quarter. */
  async #run(sent: SentTask): Promise<void> {
    const { clock, random } = this.#context.core
    const { signal } = sent.ending
    const cancel = clock.at(sent.until, () => this.#end(sent))
    let waitMs = TASK_RETRY_MS
    let isNew = true
    while (!this.#hasEnded(sent)) {
      const isHanded = await this.#hand(sent, isNew)
      // Nobody was there whom it was for.
      if (sent.acknowledgements.ended) this.#end(sent)
      const spread = 0.75 + (random(1)[0] ?? 0) / 512
      await this.#pause(Math.round(waitMs * spread), signal)
      if (!isHanded) continue
      isNew = false
      waitMs = Math.min(TASK_RETRY_MS_MAX, waitMs * 2)
    }
    cancel()
  }

  async #hand(sent: SentTask, isNew: boolean): Promise<boolean> {
    const { core } = this.#context
    const { of, proof, until, ending } = sent
    const { bundle } = sent.kept
    try {
      if (of === 'inbox') await core.handover.route(bundle.header.topic, until, ending.signal)
      core.proofs.use(proof)
      const peers = await this.#context.hand({ of, bundle, proof, isNew })
      if (peers > 0 || of === 'group') sent.handed.resolve(peers)
      // Where nobody was there, somebody may be in a moment: no longer waits follow.
      return peers > 0
    } catch (cause) {
      // Nobody could be handed it: it is tried again, until its lifespan ends.
      if (cause instanceof AgentError || ending.signal.aborted) return false
      core.record(core.plain('task', 'send', bundle.header.topic, bundle.header.sender, cause))
      return false
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context.core
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const end = () => {
        cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const cancel = clock.at(clock.now() + ms, end)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  /** The first handover; aborted before that, the task is not sent any more. */
  async #handed(sent: SentTask, signal: AbortSignal | undefined): Promise<number> {
    const abort = () => {
      sent.handed.reject(reasonOf(signal))
      this.#end(sent)
    }
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
    try {
      return await sent.handed.promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** It is over: acknowledged by all, withdrawn, or past its lifespan. */
  #end(sent: SentTask): void {
    if (this.#hasEnded(sent)) return
    if (sent.acknowledgements.missing.length > 0)
      this.#context.core.tasks.counts.unacknowledged += 1
    // All have it, before any other node was handed it: they are agents of this one.
    else sent.handed.resolve(0)
    void this.#forget(sent)
    this.#stop(sent)
  }

  /** The next run must not send what was withdrawn. */
  async #forget({ kept }: SentTask): Promise<void> {
    const { core, records } = this.#context
    const { header, idText } = kept.bundle
    try {
      await records.remove(idText)
    } catch (cause) {
      core.record(core.plain('task', 'forget', header.topic, header.sender, cause))
    }
  }

  #stop(sent: SentTask): void {
    const { topic } = sent.kept.bundle.header
    this.#sent.delete(sent.correlation)
    sent.handed.reject(
      this.#closed
        ? new AgentError('closed', 'Cannot send: the agent is closed')
        : new AgentError(
            'unreachable',
            `Cannot reach ${topic}: nobody took the task in its lifespan`,
          ),
    )
    sent.acknowledgements.end()
    sent.ending.abort()
  }

  #hasEnded({ ending }: SentTask): boolean {
    return ending.signal.aborted
  }

  #of({ correlation }: MessagePart): SentTask | undefined {
    return correlation === null ? undefined : this.#sent.get(toHex(correlation))
  }

  /** "From a name that was addressed": for an inbox, that name or whoever has it hosted. */
  #isFor({ of, addressees, kept }: SentTask, { sender, key }: Header): boolean {
    const named = addressees.some(
      (addressee) =>
        addressee.name === sender && (addressee.key === null || equalBytes(addressee.key, key)),
    )
    if (named || of === 'group') return named
    const { topic } = kept.bundle.header
    // Its owner may speak for it, also where no neighbour showed a right to it: behind a relay.
    return isBelow(topic, sender) || this.#context.core.isInboxOf(topic, { name: sender, key })
  }
}

/** A task that was stored and is being sent. */
export interface SendingTask {
  readonly acknowledgements: Acknowledgements
  /**
   * How many nodes were handed it the first time. Aborted before that, it is not sent any more.
   * @throws AgentError `unreachable`, `closed`; the signal's reason
   */
  handed(signal: AbortSignal | undefined): Promise<number>
}
