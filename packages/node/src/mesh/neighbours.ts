import { ADMISSION_MS_MAX, type Clock, type Peer } from '@ixj/agent'
import type { Connection } from '@libp2p/interface'
import type { MeshCounts } from './counts.ts'
import { CLOSE_MS_MAX, UNADMITTED_MAX } from './limits.ts'
import { Neighbour } from './neighbour.ts'

/** What is told of neighbours that come and go. */
export interface NeighbourEvents {
  joined(neighbour: Neighbour): void
  left(neighbour: Neighbour): void
}

/**
 * Who is connected. Of several connections to one peer exactly one is used, the same one on both
 * sides, so that a peer is either there or not.
 */
export class Neighbours {
  readonly #self: Peer
  readonly #clock: Clock
  readonly #counts: MeshCounts
  readonly #events: NeighbourEvents
  readonly #byPeer = new Map<Peer, Neighbour>()
  /** Connections beside the used one; one of them takes over when that ends. */
  readonly #spares = new Map<Peer, Connection>()
  #ended = false

  constructor(self: Peer, clock: Clock, counts: MeshCounts, events: NeighbourEvents) {
    this.#self = self
    this.#clock = clock
    this.#counts = counts
    this.#events = events
  }

  get(peer: Peer): Neighbour | undefined {
    return this.#byPeer.get(peer)
  }

  values(): IterableIterator<Neighbour> {
    return this.#byPeer.values()
  }

  /**
   * The neighbour that uses this connection. A peer that opens a stream on a spare connection has
   * given up the other one (it restarted, say), so the spare takes over.
   */
  using(connection: Connection): Neighbour | undefined {
    const peer = connection.remotePeer.toString()
    const neighbour = this.#byPeer.get(peer)
    if (neighbour?.connection === connection || this.#spares.get(peer) !== connection) {
      return neighbour?.connection === connection ? neighbour : undefined
    }
    return this.#replace(connection)
  }

  /** libp2p has opened a connection. */
  opened(connection: Connection): void {
    if (this.#ended) return
    const peer = connection.remotePeer.toString()
    const neighbour = this.#byPeer.get(peer)
    if (neighbour === undefined) {
      this.#join(connection)
    } else if (neighbour.connection.direction !== connection.direction) {
      // Both dialled: each side keeps the connection that the smaller peer id dialled.
      const keeps = this.#self < peer ? 'outbound' : 'inbound'
      if (connection.direction === keeps) this.#replace(connection)
      else this.#refuse(connection)
    } else if (connection.direction === 'outbound') {
      this.#refuse(connection)
    } else {
      // The other side dialled twice: by mistake, and it closes this one, or since it lost the
      // first connection, and it uses this one.
      const spare = this.#spares.get(peer)
      this.#spares.set(peer, connection)
      if (spare !== undefined) this.#refuse(spare)
    }
  }

  /** libp2p has closed a connection. */
  closed(connection: Connection): void {
    if (this.#ended) return
    const peer = connection.remotePeer.toString()
    if (this.#spares.get(peer) === connection) this.#spares.delete(peer)
    const neighbour = this.#byPeer.get(peer)
    if (neighbour?.connection !== connection) return
    this.#leave(neighbour)
    const spare = this.#spares.get(peer)
    if (spare === undefined) return
    this.#spares.delete(peer)
    this.#join(spare)
  }

  /** Ends every connection to the neighbour at once; what it still had to hand over is lost. */
  cut(neighbour: Neighbour, reason: Error): void {
    neighbour.connection.abort(reason)
    this.#spares.get(neighbour.peer)?.abort(reason)
  }

  /** Ends every connection to the neighbour. Channels that are still open are broken. */
  async end(neighbour: Neighbour, reason: string): Promise<void> {
    for (const channel of neighbour.channels) channel.abort(reason)
    this.#spares.get(neighbour.peer)?.abort(new Error(reason))
    await closeConnection(neighbour.connection)
  }

  /** Forgets every neighbour: this node is ending. */
  abandon(reason: string): void {
    for (const neighbour of this.#byPeer.values()) {
      for (const channel of neighbour.channels) channel.abort(reason)
      this.#leave(neighbour)
    }
    this.#spares.clear()
    this.#ended = true
  }

  #join(connection: Connection): Neighbour | undefined {
    const waiting = [...this.#byPeer.values()].filter(({ admitted }) => !admitted).length
    if (waiting >= UNADMITTED_MAX) {
      this.#refuse(connection)
      return undefined
    }
    const neighbour = new Neighbour(connection)
    this.#byPeer.set(neighbour.peer, neighbour)
    const cancel = this.#clock.at(this.#clock.now() + ADMISSION_MS_MAX, () => {
      if (neighbour.admitted) return
      this.#counts.notAdmitted++
      this.cut(neighbour, new Error('It was not admitted in time'))
    })
    neighbour.onEnd.add(cancel)
    this.#events.joined(neighbour)
    return neighbour
  }

  #leave(neighbour: Neighbour): void {
    this.#byPeer.delete(neighbour.peer)
    for (const end of neighbour.onEnd) end()
    this.#events.left(neighbour)
  }

  #replace(connection: Connection): Neighbour | undefined {
    const peer = connection.remotePeer.toString()
    const old = this.#byPeer.get(peer)
    this.#spares.delete(peer)
    if (old !== undefined) {
      this.#leave(old)
      old.connection.abort(new Error('Another connection to this peer took over'))
    }
    return this.#join(connection)
  }

  #refuse(connection: Connection): void {
    this.#counts.connectionsRefused++
    void closeConnection(connection)
  }
}

/** Closes a connection in good order if that goes quickly, and cuts it if it does not. */
async function closeConnection(connection: Connection): Promise<void> {
  try {
    await connection.close({ signal: AbortSignal.timeout(CLOSE_MS_MAX) })
  } catch (cause) {
    connection.abort(new Error('It could not be closed in time', { cause }))
  }
}
