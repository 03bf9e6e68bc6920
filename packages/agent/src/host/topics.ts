import { matches, type Name } from '@ixj/names'
import { equalBytes } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Accepted } from '../pipeline/pipeline.ts'
import type { Code } from '../pipeline/verdicts.ts'

/** What takes the messages of one topic for one agent. */
export interface Sink {
  readonly agent: Name
  readonly key: Uint8Array
  /** Messages for this agent, in their stream's order. Must not throw. */
  deliver(accepted: Accepted, turn: Turn): void
  /** Whether the agent waits for this answer. */
  asked(header: Header, part: MessagePart): boolean
  /** A request that holds in all but authority or policy was refused; its sender may be told. */
  refused(bundle: Bundle, messages: readonly MessagePart[], code: Code): void
}

interface Entry {
  /** ms since the Unix epoch: streams that began later are owed from their first place. */
  readonly openedAt: number
  readonly holders: { readonly open: OpenTopic; readonly sink: Sink }[]
}

/** The topics that are open on a node, and for whom. */
export class Topics {
  readonly #entries = new Map<Name, Entry>()
  /** What neighbours are shown: for each topic, the right of the first who opened it. */
  readonly shown = new Map<Name, OpenTopic>()

  /** How a topic is open. */
  opened(topic: Name): 'group' | 'inbox' | undefined {
    return this.shown.get(topic)?.of
  }

  /** Since when a topic is open, ms since the Unix epoch. */
  openedAt(topic: Name): number | undefined {
    return this.#entries.get(topic)?.openedAt
  }

  /**
   * Opens a topic for one agent; true when it is the first here.
   * @throws AgentError `mixed-topic`, `open-already`
   */
  add(open: OpenTopic, sink: Sink, now: number): boolean {
    const { topic } = open
    const entry = this.#entries.get(topic)
    if (entry === undefined) {
      this.#entries.set(topic, { openedAt: now, holders: [{ open, sink }] })
      this.shown.set(topic, open)
      return true
    }
    if (this.opened(topic) !== open.of) {
      throw new AgentError(
        'mixed-topic',
        `Cannot open ${topic} as ${open.of}: it is open as ${this.opened(topic)}`,
      )
    }
    const twice = entry.holders.some((holder) => equalBytes(holder.sink.key, sink.key))
    if (open.of === 'inbox' || twice) {
      throw new AgentError(
        'open-already',
        `Cannot open ${topic} for ${sink.agent}: it is open on this node`,
      )
    }
    entry.holders.push({ open, sink })
    return false
  }

  /** Closes a topic for one agent; the topic itself when it was the last. */
  remove(topic: Name, sink: Sink): 'closed' | 'changed' | 'kept' {
    const entry = this.#entries.get(topic)
    const index = entry?.holders.findIndex((holder) => holder.sink === sink) ?? -1
    if (entry === undefined || index === -1) return 'kept'
    entry.holders.splice(index, 1)
    const first = entry.holders[0]
    if (first === undefined) {
      this.#entries.delete(topic)
      this.shown.delete(topic)
      return 'closed'
    }
    if (this.shown.get(topic) === first.open) return 'kept'
    this.shown.set(topic, first.open)
    return 'changed'
  }

  /** Everybody here for whom the bundle is: in its audience, and not its sender. */
  audience(header: Header): readonly Sink[] {
    return this.sinks(header.topic).filter(
      (sink) =>
        !(sink.agent === header.sender && equalBytes(sink.key, header.key)) &&
        (header.audience === null ||
          header.audience.some((pattern) => matches(pattern, sink.agent))),
    )
  }

  /** Everybody who has the topic open here. */
  sinks(topic: Name): readonly Sink[] {
    return this.#entries.get(topic)?.holders.map((holder) => holder.sink) ?? []
  }
}
