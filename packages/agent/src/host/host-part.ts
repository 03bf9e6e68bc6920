import type { Name } from '@ixj/names'
import type { Exchange } from '../neighbours/exchange.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { Channel, Peer } from '../transport.ts'

/**
 * What lives as long as its node: a protocol that it speaks with admitted neighbours, tables that
 * are swept. None of its calls may throw; a promise that rejects is a bug.
 */
export interface HostPart {
  /** Protocols whose channels it takes; those of neighbours that are not admitted are closed. */
  readonly protocols?: readonly string[]
  /** An admitted neighbour opened a channel of one of them. */
  channel?(neighbour: Exchange, channel: Channel, protocol: string): void
  /** A neighbour proved its name. */
  admitted?(neighbour: Exchange): void
  /** A neighbour has shown a right to a topic. */
  routed?(topic: Name, peer: Peer): void
  /** A topic was opened here, or is open by another right. */
  opened?(topic: OpenTopic): void
  /** A topic was closed here. */
  closed?(topic: Name): void
  /** A neighbour's last connection has ended, and with it every right. */
  gone?(peer: Peer): void
  /** Once a second: what has ended is forgotten. */
  sweep?(now: number): void
  /** The node ends; agents are closed already, the transport still stands. */
  close?(): void | Promise<void>
}
