import type { Name } from '@ixj/names'
import { decode, encode, readArray, readName, toHex, TrustError } from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import type { Clock } from '../clock.ts'
import type { HostPart } from '../host/host-part.ts'
import type { Intake } from '../host/intake.ts'
import type { Topics } from '../host/topics.ts'
import {
  STATE_ASK_AFTER_MS,
  STATE_ASK_TRIES,
  STATE_GROUP_BYTES_MAX,
  STATE_GROUP_REGISTERS_MAX,
  STATE_LIFESPAN_MS_MAX,
  STATE_SNAPSHOTS_MAX,
  STATE_SNAPSHOTS_PER_SECOND,
} from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { Decision } from '../pipeline/decision.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { TransportError, type Channel, type Peer, type Transport } from '../transport.ts'
import type { SharedStates } from './shared-states.ts'

/** The protocol by which a node that joins a group is given its registers, once for each channel. */
export const STATE_PROTOCOL = '/ixj/state/1'

/** A question: `[1, "snapshot", topic]`. */
const QUESTION_BYTES_MAX = 512

/** What giving and asking for registers needs of a node. */
export interface SnapshotsContext {
  readonly clock: Clock
  readonly transport: Transport
  readonly proofs: ProofBook
  readonly intake: Pick<Intake, 'take'>
  readonly neighbours: {
    all(): readonly Exchange[]
    fault(neighbour: Exchange, cause: unknown): void
  }
  readonly topics: Pick<Topics, 'opened'>
  plain(about: 'state', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/** What was asked of one neighbour, and how often it may ask. */
interface Asking {
  /** Groups of which it was asked, and how often; each once while it is connected, unless in vain. */
  readonly tries: Map<Name, number>
  readonly budget: Budget
  /** Channels of its that are open, to ask. */
  served: number
}

/**
 * Registers for those who join, and for those who meet again: a node asks each neighbour that has
 * shown a right to a group, and whom it has shown its own, for the bundles whose registers count
 * now. They come as they were signed, on a channel of their own, and pass the pipeline one by one,
 * so they are as old as they are, and hold up nothing that is live.
 */
export class Snapshots implements HostPart {
  readonly protocols = [STATE_PROTOCOL]
  readonly #context: SnapshotsContext
  readonly #states: SharedStates
  readonly #askings = new Map<Peer, Asking>()
  /** Snapshots under way, by group. */
  readonly #underWay = new Map<Name, number>()
  /** Groups that are asked for soon: however often a right is shown, once. */
  readonly #due = new Set<Name>()
  readonly #cancels = new Set<() => void>()
  #isClosed = false

  constructor(context: SnapshotsContext, states: SharedStates) {
    this.#context = context
    this.#states = states
  }

  gone(peer: Peer): void {
    this.#askings.delete(peer)
  }

  /** A neighbour has shown a right to this topic; a moment later it has seen ours. */
  routed(topic: Name): void {
    this.soon(topic)
  }

  /** A group was opened here, or somebody of it has come. */
  soon(topic: Name): void {
    const { clock, topics } = this.#context
    if (this.#isClosed || this.#due.has(topic) || topics.opened(topic) !== 'group') return
    const cancel = clock.at(clock.now() + STATE_ASK_AFTER_MS, () => {
      this.#due.delete(topic)
      this.#cancels.delete(cancel)
      this.#askAll(topic)
    })
    this.#due.add(topic)
    this.#cancels.add(cancel)
  }

  /** A neighbour opened a channel to ask. */
  channel(neighbour: Exchange, channel: Channel): void {
    void this.#serve(neighbour, channel)
  }

  /** The group was closed here; opened again, all are asked again. */
  forget(topic: Name): void {
    for (const { tries } of this.#askings.values()) tries.delete(topic)
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#cancels) cancel()
    this.#cancels.clear()
  }

  #askingOf({ peer }: Exchange): Asking {
    let asking = this.#askings.get(peer)
    if (asking === undefined) {
      const budget = new Budget(STATE_SNAPSHOTS_PER_SECOND, this.#context.clock.now())
      asking = { tries: new Map(), budget, served: 0 }
      this.#askings.set(peer, asking)
    }
    return asking
  }

  #askAll(topic: Name): void {
    if (this.#isClosed || this.#context.topics.opened(topic) !== 'group') return
    for (const neighbour of this.#context.neighbours.all()) {
      if (!isMember(neighbour, topic) || !neighbour.shown.has(topic)) continue
      // A few tell all that is to be told; what they do not have is said again by its owner.
      if ((this.#underWay.get(topic) ?? 0) >= STATE_SNAPSHOTS_MAX) return
      void this.#askOnce(neighbour, topic)
    }
  }

  async #askOnce(neighbour: Exchange, topic: Name): Promise<void> {
    const { tries } = this.#askingOf(neighbour)
    const count = tries.get(topic) ?? 0
    if (count >= STATE_ASK_TRIES) return
    // Asked for good, unless it was in vain.
    tries.set(topic, STATE_ASK_TRIES)
    if (await this.#ask(neighbour, topic)) return
    tries.set(topic, count + 1)
    this.soon(topic)
  }

  /** Whether the neighbour gave what it has. */
  async #ask(neighbour: Exchange, topic: Name): Promise<boolean> {
    const { clock, transport } = this.#context
    this.#underWay.set(topic, (this.#underWay.get(topic) ?? 0) + 1)
    let channel: Channel | undefined
    // What is older than state can be has no use any more.
    const end = clock.at(clock.now() + STATE_LIFESPAN_MS_MAX, () => void channel?.close())
    this.#cancels.add(end)
    try {
      channel = await transport.openChannel(neighbour.peer, STATE_PROTOCOL)
      await channel.send(encode([VERSION, 'snapshot', topic]))
      return await this.#take(neighbour, topic, channel)
    } catch (cause) {
      if (cause instanceof TrustError) this.#context.neighbours.fault(neighbour, cause)
      else this.#failed('ask', topic, neighbour, cause)
      return false
    } finally {
      end()
      this.#cancels.delete(end)
      const count = this.#underWay.get(topic) ?? 0
      if (count > 1) this.#underWay.set(topic, count - 1)
      else this.#underWay.delete(topic)
      await channel?.close()
    }
  }

  /** Bundles, then `[1, "end"]`; one after the other, each through the pipeline. */
  async #take(neighbour: Exchange, topic: Name, channel: Channel): Promise<boolean> {
    const { intake, neighbours } = this.#context
    let count = 0
    let bytes = 0
    for await (const frame of channel.frames()) {
      if (isEnd(frame)) return true
      count += 1
      bytes += frame.length
      if (count > STATE_GROUP_REGISTERS_MAX || bytes > STATE_GROUP_BYTES_MAX) {
        throw new TrustError('too-large', `Cannot take more state of ${topic}: ${bytes} bytes came`)
      }
      const { verdict, code } = await intake.take(frame, { topic, from: neighbour.peer })
      if (verdict !== 'reject') continue
      neighbours.fault(
        neighbour,
        new Refusal(code ?? 'own-fault', 'Cannot take state: it is false'),
      )
      return true
    }
    return false
  }

  async #serve(neighbour: Exchange, channel: Channel): Promise<void> {
    const { clock } = this.#context
    const asking = this.#askingOf(neighbour)
    if (asking.served >= STATE_SNAPSHOTS_MAX) {
      await channel.close()
      return
    }
    asking.served += 1
    const end = clock.at(clock.now() + STATE_LIFESPAN_MS_MAX, () => void channel.close())
    this.#cancels.add(end)
    let topic: Name | undefined
    try {
      const frames = channel.frames()[Symbol.asyncIterator]()
      const question = await frames.next()
      if (question.done === true) return
      topic = readQuestion(question.value)
      if (!isMember(neighbour, topic) || !asking.budget.take(1, clock.now())) return
      await this.#give(neighbour, topic, channel)
      // Its side closes when it has read all.
      await frames.next()
    } catch (cause) {
      if (cause instanceof TrustError) this.#context.neighbours.fault(neighbour, cause)
      else this.#failed('give', topic ?? '', neighbour, cause)
    } finally {
      end()
      asking.served -= 1
      this.#cancels.delete(end)
      await channel.close()
    }
  }

  async #give(neighbour: Exchange, topic: Name, channel: Channel): Promise<void> {
    const { proofs } = this.#context
    for (const { bytes, header } of this.#states.bundles(topic)) {
      // It may have lost its right while this waited for it to read.
      if (!isMember(neighbour, topic)) return
      const proof = proofs.get(toHex(header.proof))
      if (proof !== undefined) neighbour.push(proof)
      await channel.send(bytes)
    }
    await channel.send(END)
  }

  /** A connection that ended ends what was under way; what else fails is a fault of ours. */
  #failed(action: string, topic: string, neighbour: Exchange, cause: unknown): void {
    if (cause instanceof TransportError) return
    const context = this.#context
    context.record(context.plain('state', action, topic, neighbour.greeted.name, cause))
  }
}

const END = encode([VERSION, 'end'])

/** An array of two; a bundle is one of four. */
function isEnd(frame: Uint8Array): boolean {
  return frame[0] === 0x92
}

/** Whether it has shown a right to receive the group. */
function isMember(neighbour: Exchange, topic: Name): boolean {
  return neighbour.rights.get(topic)?.frame.of === 'group'
}

/** @throws TrustError `encoding`, `form`, `name`, `unsupported`, `too-large` */
function readQuestion(frame: Uint8Array): Name {
  const value = decode(frame, { bytesMax: QUESTION_BYTES_MAX })
  checkVersion(value, 'question for state')
  const fields = readArray(value, 'question for state', 3)
  if (fields[1] !== 'snapshot') {
    throw new TrustError('unsupported', 'Cannot read question for state: its kind is not known')
  }
  return readName(fields[2], 'topic of question')
}
