import { ADMISSION_MS_MAX, type Clock, type Peer } from '@ixj/agent'
import type { Connection } from '@libp2p/interface'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import { CLOSE_MS_MAX, SPARE_MS_MAX } from './limits.ts'
import { Neighbour } from './neighbour.ts'
import { givesWay } from './waiting.ts'

/** What is told of neighbours that come and go. */
export interface NeighbourEvents {
  joined(neighbour: Neighbour): void
  left(neighbour: Neighbour): void
}

/** A connection beside the used one. */
interface Spare {
  readonly connection: Connection
  /** It need not be ended by the clock any more. */
  readonly cancel: () => void
}

/**
 * Who is connected. Of several connections to one peer exactly one is used, the same one on both
 * sides, so that a peer is either there or not. Where both have dialled, the smaller peer id
 * decides, and the other follows: it takes the connection on which the smaller one begins to speak.
 */
export class Neighbours {
  readonly #self: Peer
  readonly #clock: Clock
  readonly #counts: MeshCounts
  readonly #events: NeighbourEvents
  readonly #byPeer = new Map<Peer, Neighbour>()
  /** Connections beside the used one, one a peer; it takes over when that ends. */
  readonly #spares = new Map<Peer, Spare>()
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
    if (neighbour?.connection === connection) return neighbour
    if (this.#spares.get(peer)?.connection !== connection) return undefined
    return this.#replace(connection)
  }

  /** libp2p has opened a connection. */
  opened(connection: Connection): void {
    // One that has ended already will never be told to have closed.
    if (this.#ended || connection.status !== 'open') return
    const peer = connection.remotePeer.toString()
    const neighbour = this.#byPeer.get(peer)
    if (neighbour === undefined) this.#join(connection)
    else if (neighbour.connection.direction !== connection.direction) {
      this.#bothDialled(neighbour, connection)
    } else if (connection.direction === 'outbound') this.#refuse(connection)
    // The other side dialled twice: by mistake, and it closes this one, or since it lost the first
    // connection, and it uses this one.
    else this.#keepAside(connection)
  }

  /**
   * Nothing that was handed over is lost: the decider gives up a connection only before it has
   * admitted the other side there. If that had dialled it, it admits later still; if not, the
   * connection is the decider's own, and stays.
   */
  #bothDialled(neighbour: Neighbour, connection: Connection): void {
    const decides = this.#self < neighbour.peer
    if (!decides) this.#keepAside(connection)
    else if (connection.direction === 'outbound') {
      if (neighbour.admitted) this.#refuse(connection)
      else this.#replace(connection)
    } else if (neighbour.admitted) {
      // The other side may have lost the first one: then it says hello on this one.
      this.#keepAside(connection)
    } else this.#refuse(connection)
  }

  /** libp2p has closed a connection. */
  closed(connection: Connection): void {
    if (this.#ended) return
    const peer = connection.remotePeer.toString()
    if (this.#spares.get(peer)?.connection === connection) this.#takeSpare(peer)
    const neighbour = this.#byPeer.get(peer)
    if (neighbour?.connection !== connection) return
    this.#leave(neighbour)
    const spare = this.#takeSpare(peer)
    if (spare !== undefined) this.#join(spare)
  }

  /** Ends every connection to the neighbour at once; what it still had to hand over is lost. */
  cut(neighbour: Neighbour, reason: Error): void {
    // Before the other one, or it would take over.
    const spare = this.#takeSpare(neighbour.peer)
    if (spare !== undefined) this.#abort(spare, reason)
    this.#abort(neighbour.connection, reason)
    // Whether or not libp2p could say so: nothing comes over it any more.
    this.closed(neighbour.connection)
  }

  /** Ends every connection to the neighbour. Channels that are still open are broken. */
  async end(neighbour: Neighbour, reason: string): Promise<void> {
    for (const channel of neighbour.channels) channel.abort(reason)
    const spare = this.#takeSpare(neighbour.peer)
    if (spare !== undefined) this.#abort(spare, new Error(reason))
    await closeConnection(neighbour.connection)
  }

  /** Forgets every neighbour: this node is ending. */
  abandon(reason: string): void {
    for (const neighbour of this.#byPeer.values()) {
      for (const channel of neighbour.channels) channel.abort(reason)
      this.#leave(neighbour)
    }
    for (const peer of this.#spares.keys()) this.#takeSpare(peer)
    this.#ended = true
  }

  #join(connection: Connection): Neighbour {
    const neighbour = new Neighbour(connection)
    if (connection.direction === 'inbound') this.#makeRoom(neighbour.source)
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

  /** Ours are not counted: who fills the room from outside must not keep us from dialling. */
  #makeRoom(source: string): void {
    const waiting = [...this.#byPeer.values()].filter(
      ({ admitted, connection }) => !admitted && connection.direction === 'inbound',
    )
    const oldest = givesWay(waiting, source)
    if (oldest === undefined) return
    this.#counts.crowdedOut++
    this.cut(oldest, new Error('Newer connections came before it was admitted'))
  }

  #leave(neighbour: Neighbour): void {
    this.#byPeer.delete(neighbour.peer)
    for (const end of neighbour.onEnd) end()
    this.#events.left(neighbour)
  }

  #replace(connection: Connection): Neighbour {
    const peer = connection.remotePeer.toString()
    const old = this.#byPeer.get(peer)
    // Whichever it is: the one that takes over, or one that nobody speaks on.
    const spare = this.#takeSpare(peer)
    if (spare !== undefined && spare !== connection) this.#refuse(spare)
    if (old !== undefined) {
      this.#leave(old)
      this.#abort(old.connection, new Error('Another connection to this peer took over'))
    }
    return this.#join(connection)
  }

  /** Keeps a connection for a while: whoever means it begins to speak on it at once. */
  #keepAside(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const before = this.#takeSpare(peer)
    if (before !== undefined) this.#refuse(before)
    const cancel = this.#clock.at(this.#clock.now() + SPARE_MS_MAX, () => {
      if (this.#spares.get(peer)?.connection !== connection) return
      this.#takeSpare(peer)
      this.#refuse(connection)
    })
    this.#spares.set(peer, { connection, cancel })
  }

  #takeSpare(peer: Peer): Connection | undefined {
    const spare = this.#spares.get(peer)
    spare?.cancel()
    this.#spares.delete(peer)
    return spare?.connection
  }

  #refuse(connection: Connection): void {
    this.#counts.connectionsRefused++
    void contain(this.#counts, () => closeConnection(connection))
  }

  #abort(connection: Connection, reason: Error): void {
    void contain(this.#counts, () => abortConnection(connection, reason))
  }
}

/** Closes a connection in good order if that goes quickly, and cuts it if it does not. */
async function closeConnection(connection: Connection): Promise<void> {
  try {
    await connection.close({ signal: AbortSignal.timeout(CLOSE_MS_MAX) })
  } catch (cause) {
    abortConnection(connection, new Error('It could not be closed in time', { cause }))
  }
}

/** Cuts a connection, whatever state it is in. */
function abortConnection(connection: Connection, reason: Error): void {
  try {
    connection.abort(reason)
  } catch {
    // yamux could not say goodbye on a closing socket, which libp2p then leaves open; the second
    // call says nothing and ends it.
    connection.abort(reason)
  }
}
