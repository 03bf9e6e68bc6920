import type { Name } from '@ixj/names'
import type { Sink } from '../host/topics.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'
import type { CarryFrame } from './carry-frames.ts'

/** What one page has shown for one topic. */
export interface Claim {
  readonly frame: CarryFrame
  readonly until: number
}

/** A topic that is carried, and for whom. */
export interface Entry {
  readonly topic: Name
  /** By page, in the order in which they came. */
  readonly claims: Map<Peer, Claim>
  /** The claim by which neighbours give it to us. */
  shown: { readonly peer: Peer; readonly open: OpenTopic; readonly sink: Sink } | undefined
  /** Opening and closing, one after the other; why the last of it failed, if it did. */
  work: Promise<unknown>
}

/**
 * Pages whose claims to a group end, since the name's own key says that it is an inbox. That key
 * outweighs rights to read a group of that name: else any reader could keep an agent from being
 * reached over this relay.
 * @throws Refusal `wrong-topic` for a group while the topic is carried as an inbox
 */
export function displacedBy({ topic, claims }: Entry, { of }: CarryFrame): readonly Peer[] {
  const others = [...claims].filter(([, { frame }]) => frame.of !== of).map(([peer]) => peer)
  if (of === 'inbox' || others.length === 0) return others
  throw new Refusal('wrong-topic', `Cannot carry ${topic} as a group: it is an inbox here`)
}

/** What takes a carried topic: a group's bundles are judged and passed on, and nobody reads them here. */
export function carriedSink({ agent, host, of }: CarryFrame): Sink {
  // Not the agent's key: it reads elsewhere, and has one sink for each grant.
  return { agent, key: host, ...(of === 'group' ? GROUP_SINK : INBOX_SINK) }
}

const INBOX_SINK: Omit<Sink, 'agent' | 'key'> = {
  takes: [],
  deliver: () => {},
  awaits: () => false,
  asked: () => false,
  refused: () => {},
}
const GROUP_SINK: Omit<Sink, 'agent' | 'key'> = { ...INBOX_SINK, takes: ['publish', 'request'] }
