import { explanationOf } from '@ixj/agent'
import type { Clock, Decision, Host, Queue } from '@ixj/agent'
import { ExplanationFile } from './explanation-file.ts'
import {
  EXPLAINED_MESSAGES_MAX,
  EXPLANATIONS_ACCEPTED_MAX,
  EXPLANATIONS_SORT_MS,
  EXPLANATIONS_STATES_MAX,
  EXPLANATIONS_WAITING_MAX,
  EXPLANATIONS_WRITE_MS,
} from './limits.ts'

/**
 * Writes what a node decided, and why, into its home: four times a second what came since, of a
 * flood the newest: the queue of decisions is bounded, and so is what was accepted. That the disk is full or slow must not
 * stop a node, so a failure is told once, as a warning of the process, until writing works again.
 */
export class ExplanationKeeper implements Disposable {
  readonly #node: string
  readonly #clock: Clock
  readonly #file: ExplanationFile
  readonly #decisions: Queue<Decision>
  /** Of those since the last write, what is worth it. */
  #kept: readonly Decision[] = []
  #writeAt: number
  #cancel: () => void
  #failed = false

  /** @throws HomeError `file` */
  constructor(path: string, host: Host, clock: Clock) {
    this.#node = host.name
    this.#clock = clock
    this.#file = new ExplanationFile(path)
    this.#decisions = host.decisions()
    this.#writeAt = clock.now() + EXPLANATIONS_WRITE_MS
    this.#cancel = this.#later()
  }

  /** Writes what is left. */
  [Symbol.dispose](): void {
    this.#cancel()
    this.#write()
    this.#decisions.close()
    this.#file[Symbol.dispose]()
  }

  #later(): () => void {
    return this.#clock.at(this.#clock.now() + EXPLANATIONS_SORT_MS, () => {
      if (this.#clock.now() >= this.#writeAt) this.#write()
      else this.#sort()
      this.#cancel = this.#later()
    })
  }

  /** A decision holds all that it rests on: what is not written is let go soon. */
  #sort(): void {
    const decisions = this.#decisions.drain()
    if (decisions.length === 0) return
    this.#kept = worthKeeping([...this.#kept, ...decisions]).slice(-EXPLANATIONS_WAITING_MAX)
  }

  #write(): void {
    this.#writeAt = this.#clock.now() + EXPLANATIONS_WRITE_MS
    this.#sort()
    const decisions = this.#kept
    this.#kept = []
    if (decisions.length === 0) return
    const node = this.#node
    try {
      this.#file.write(
        decisions.map((decision) => {
          const { at, about, id } = decision
          const messageIds = decision.messageIds()
          return { node, at, about, id, messageIds, explanation: explanationOf(decision) }
        }),
      )
      this.#failed = false
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause
      if (!this.#failed) process.emitWarning(cause.message, 'ExplanationWarning')
      this.#failed = true
    }
  }
}

/**
 * All that was refused, and the newest of what was accepted: so many bundles, few of them state, with so
 * many messages. The ids of each message are kept, so that one of 256 messages costs more than a lone one.
 */
export function worthKeeping(decisions: readonly Decision[]): readonly Decision[] {
  let bundles = 0
  let states = 0
  let messages = 0
  const kept = decisions.toReversed().filter((decision) => {
    if (decision.code !== null) return true
    if (bundles >= EXPLANATIONS_ACCEPTED_MAX || messages >= EXPLAINED_MESSAGES_MAX) return false
    if (isState(decision)) {
      if (states >= EXPLANATIONS_STATES_MAX) return false
      states += 1
    }
    bundles += 1
    messages += decision.messageIds().length
    return true
  })
  return kept.toReversed()
}

function isState(decision: Decision): boolean {
  const grounds = decision.grounds()
  return grounds.of === 'bundle' && grounds.trace.bundle?.header.class === 'state'
}
