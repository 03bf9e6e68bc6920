import type { Peer } from '@ixj/agent'
import type { Connection, Stream } from '@libp2p/interface'
import type { StreamChannel } from './channel.ts'
import { Rights } from './rights.ts'
import { sourceOf } from './waiting.ts'

/** How far gossip with a neighbour has come. */
export type GossipStage = 'held' | 'opening' | 'open'

/** What this node keeps of one neighbour, for as long as one connection to it stands. */
export class Neighbour {
  readonly peer: Peer
  /** The connection that is used; the peer is the one that noise proved on it. */
  readonly connection: Connection
  /** Whom its address is charged to. */
  readonly source: string
  readonly rights = new Rights()
  readonly channels = new Set<StreamChannel>()
  /** Calls to make when the neighbour has gone: timers to cancel, waits to end. */
  readonly onEnd = new Set<() => void>()
  admitted = false
  stage: GossipStage = 'held'
  /** The one stream on which our gossip leaves. */
  gossipOut: Stream | undefined
  /** The stream on which its gossip comes in, while that is held. */
  gossipIn: Stream | undefined
  /** Its buffer is full, and it is cut unless this is called in time: it has taken a message. */
  endStall: (() => void) | undefined
  /** What of control it has sent since the second began. */
  control = { since: -Infinity, count: 0 }
  /** Bytes that wait for a verdict. */
  pendingBytes = 0

  constructor(connection: Connection) {
    this.peer = connection.remotePeer.toString()
    this.connection = connection
    this.source = sourceOf(connection.remoteAddr)
  }
}
