import { matches, type Name } from '@ixj/names'
import { equalBytes } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { BundleAction, Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Accepted, TaskBook } from '../pipeline/context.ts'
import type { Code } from '../pipeline/verdicts.ts'
import type { OpeningKey } from '../sealing/sealer.ts'

/** What takes the messages of one topic for one agent. */
export interface Sink {
  readonly agent: Name
  readonly key: Uint8Array
  /** Opens what is sealed to the agent; absent: it has no encryption key here. */
  readonly opening?: OpeningKey | undefined
  /** What it takes; everything else on the topic is refused. */
  readonly takes: readonly BundleAction[]
  /** Whether this key, not its own, signs for the agent here; default: none does. */
  isSpokenBy?(key: Uint8Array): boolean
  /** The agent's book of tasks; without one it takes none. */
  readonly tasks?: TaskBook
  /** Messages for this agent, in their stream's order. Must not throw. */
  deliver(accepted: Accepted, turn: Turn): void
  /** Messages that come as history alone, for readers who asked for that. Must not throw. */
  remember?(accepted: Accepted): void
  /** Whether the agent waits for any answer of this sender. */
  awaits(header: Header): boolean
  /** Whether the agent waits for this answer. */
  asked(header: Header, part: MessagePart): boolean
  /** A request that holds in all but authority or policy was refused; its sender may be told. */
  refused(bundle: Bundle, messages: readonly MessagePart[], code: Code): void
}

interface Entry {
  /** ms since the Unix epoch: streams that began later are owed from their first place. */
  readonly openedAt: number
  readonly holders: { readonly open: OpenTopic; readonly sink: Sink }[]
  /** Of the holders, in their order: asked for several times for each bundle. */
  sinks: readonly Sink[]
  /** For each of them that speaks here itself: the others. Made when it speaks, for one key of its. */
  readonly others: Map<Name, { readonly key: Uint8Array; readonly sinks: readonly Sink[] }>
}

/** Whether a right to receive a topic holds now. */
type Holds = (open: OpenTopic) => boolean

/** What came of an agent's opening or closing, for the topic: `changed`, another right is shown. */
type Change = 'opened' | 'changed' | 'kept' | 'closed'

/** The topics that are open on a node, and for whom. */
export class Topics {
  readonly #entries = new Map<Name, Entry>()
  /** What neighbours are shown: for each topic, the right that holds longest. */
  readonly shown = new Map<Name, OpenTopic>()

  /** How a topic is open. */
  opened(topic: Name): 'group' | 'inbox' | undefined {
    return this.shown.get(topic)?.of
  }

  /** How this node receives an inbox; undefined: it does not. */
  hostedAs(topic: Name): 'combiner' | 'inbox' | undefined {
    const open = this.shown.get(topic)
    if (open?.of !== 'inbox') return undefined
    return open.claim?.right.of === 'combiner' ? 'combiner' : 'inbox'
  }

  /** Whether this name and key read the inbox here. */
  isInboxOf(topic: Name, holder: { readonly name: Name; readonly key: Uint8Array }): boolean {
    if (this.opened(topic) !== 'inbox') return false
    return this.sinks(topic).some(
      ({ agent, key }) => agent === holder.name && equalBytes(key, holder.key),
    )
  }

  /** Since when a topic is open, ms since the Unix epoch. */
  openedAt(topic: Name): number | undefined {
    return this.#entries.get(topic)?.openedAt
  }

  /**
   * Opens a topic for one agent: the topic itself when it is the first.
   * @throws AgentError `mixed-topic`, `open-already`
   */
  add(
    open: OpenTopic,
    sink: Sink,
    { now, holds }: { readonly now: number; readonly holds: Holds },
  ): Exclude<Change, 'closed'> {
    const { topic } = open
    const entry = this.#entries.get(topic)
    const shown = this.shown.get(topic)
    if (entry === undefined || shown === undefined) {
      const holders = [{ open, sink }]
      this.#entries.set(topic, { openedAt: now, holders, sinks: [sink], others: new Map() })
      this.shown.set(topic, open)
      return 'opened'
    }
    if (shown.of !== open.of) {
      throw new AgentError(
        'mixed-topic',
        `Cannot open ${topic} as ${open.of}: it is open as ${shown.of}`,
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
    entry.sinks = [...entry.sinks, sink]
    entry.others.clear()
    if (open.until > shown.until && holds(open)) {
      this.shown.set(topic, open)
      return 'changed'
    }
    return holds(shown) ? 'kept' : this.#showLongest(topic, entry, holds)
  }

  /** Closes a topic for one agent; the topic itself when it was the last. */
  remove(topic: Name, sink: Sink, holds: Holds): Exclude<Change, 'opened'> {
    const entry = this.#entries.get(topic)
    const index = entry?.holders.findIndex((holder) => holder.sink === sink) ?? -1
    if (entry === undefined || index === -1) return 'kept'
    const [removed] = entry.holders.splice(index, 1)
    entry.sinks = entry.holders.map((holder) => holder.sink)
    entry.others.clear()
    if (entry.holders.length > 0) {
      const wasShown = removed?.open === this.shown.get(topic)
      return wasShown ? this.#showLongest(topic, entry, holds) : 'kept'
    }
    this.#entries.delete(topic)
    this.shown.delete(topic)
    return 'closed'
  }

  /**
   * Looks at what is shown, after something was revoked: where that right holds no longer, another
   * agent's that does is shown. Gives the topics for which that changed something.
   */
  review(holds: Holds): readonly Name[] {
    const changed: Name[] = []
    for (const [topic, entry] of this.#entries) {
      if (this.#showLongest(topic, entry, holds) === 'changed') changed.push(topic)
    }
    return changed
  }

  /**
   * A node receives a group as long as one of its agents may, not as long as the first. A right is
   * looked at when it is about to be shown: one that was revoked while another's was shown would
   * be refused by everybody who meets this node from then on.
   */
  #showLongest(topic: Name, { holders }: Entry, holds: Holds): 'changed' | 'kept' {
    const rights = holders
      .map(({ open }) => open)
      .toSorted((left, right) => right.until - left.until)
    const best = rights.find((right) => holds(right)) ?? rights[0]
    if (best === undefined || this.shown.get(topic) === best) return 'kept'
    this.shown.set(topic, best)
    return 'changed'
  }

  /** Everybody here for whom the bundle is: those who follow it and are in its audience. */
  audience(header: Header): readonly Sink[] {
    const { audience } = header
    const followers = this.followers(header)
    if (audience === null) return followers
    return followers.filter((sink) => audience.some((pattern) => matches(pattern, sink.agent)))
  }

  /** Everybody here who follows the bundle's stream: in a group all but its sender. */
  followers(header: Header): readonly Sink[] {
    const { topic, sender, key } = header
    const entry = this.#entries.get(topic)
    if (entry === undefined) return []
    const { sinks, others } = entry
    if (this.opened(topic) === 'inbox' || !sinks.some(({ agent }) => agent === sender)) return sinks
    const known = others.get(sender)
    if (known !== undefined && equalBytes(known.key, key)) return known.sinks
    const found = sinks.filter((sink) => !isSender(sink, header))
    others.set(sender, { key, sinks: found })
    return found
  }

  /** Keys that open what is sealed to those who have the topic open here. */
  openingKeys(topic: Name): readonly OpeningKey[] {
    return this.sinks(topic).flatMap(({ opening }) => (opening === undefined ? [] : [opening]))
  }

  /** Everybody who has the topic open here. */
  sinks(topic: Name): readonly Sink[] {
    return this.#entries.get(topic)?.sinks ?? []
  }
}

function isSender(sink: Sink, { sender, key }: Header): boolean {
  return sink.agent === sender && (equalBytes(sink.key, key) || sink.isSpokenBy?.(key) === true)
}
