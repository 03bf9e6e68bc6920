import type { Clock } from './clock.ts'
import type { LinkedNeighbour } from './gossip/linked-neighbour.ts'
import { MemoryLink } from './memory/memory-link.ts'
import { MemoryNode, type MemoryWorld } from './memory/node.ts'
import { type LinkConditions, type MemoryConditions, MemoryPipe } from './memory/pipe.ts'
import { type Peer, TransportError } from './transport.ts'

export type { MemoryCounts, MemoryNode } from './memory/node.ts'
export type { LinkConditions } from './memory/pipe.ts'

/** A few milliseconds: nodes in one building. */
export const MEMORY_LATENCY_MS_DEFAULT: readonly [number, number] = [1, 5]

/** A connection over which nothing came for so long is given up: three pings of two seconds. */
export const MEMORY_DEAD_MS = 8_000

/** What a memory network runs on, and how good it is where nothing else is said of a link. */
export interface MemoryNetworkOptions extends Partial<LinkConditions> {
  /** Everything happens in its calls, so with a manual clock nothing happens by itself. */
  readonly clock: Clock
  /** Uniform in [0, 1). With a seeded one and a manual clock, a run can be repeated exactly. */
  readonly random: () => number
}

/** What one node of a memory network is. */
export interface MemoryNodeOptions {
  /** Channels that it takes; default {@link MEMORY_PROTOCOLS_DEFAULT}. */
  readonly protocols?: readonly string[]
}

/** The protocols that every node has. */
export const MEMORY_PROTOCOLS_DEFAULT: readonly string[] = [
  '/ixj/hello/1',
  '/ixj/proof/1',
  '/ixj/deliver/1',
  '/ixj/sync/1',
  '/ixj/state/1',
  '/ixj/combine/1',
]

/** A network of nodes in one process; see {@link openMemoryNetwork}. */
export interface MemoryNetwork {
  /** Opens a node. The label is its peer; a label in use is a plain Error. */
  open(label: Peer, options?: MemoryNodeOptions): MemoryNode
  /**
   * Connects two nodes, from initiator to responder; nothing happens if they are connected.
   * @throws TransportError `no-peer` if either is not open
   */
  connect(from: Peer, to: Peer): void
  /** Ends the connection between two nodes, if there is one; what was under way is lost. */
  disconnect(a: Peer, b: Peer): void
  /** Whether a connection between two nodes stands or is being made. */
  isConnected(a: Peer, b: Peer): boolean
  /**
   * Changes how good the link between two nodes is, both ways, for what is sent from now on over
   * the connection that stands and those to come.
   */
  shape(a: Peer, b: Peer, conditions: Partial<LinkConditions>): void
  /**
   * Lets nothing pass between two nodes until {@link MemoryNetwork.mend}: what is sent waits, and a
   * connection that stands, or is tried meanwhile, ends after {@link MEMORY_DEAD_MS}.
   */
  part(a: Peer, b: Peer): void
  /** Lets everything pass again; a connection that has not been given up yet goes on. */
  mend(a: Peer, b: Peer): void
}

/**
 * Opens a network in memory that keeps the contract of `Transport`: for tests and the simulator.
 * Messages travel in order along a connection and are passed on after `accept` to every subscriber
 * that did not bring them. Duplicates, both gates, verdicts and limits are those of libp2p's.
 */
export function openMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const { clock, random, ...given } = options
  const common = { latencyMs: MEMORY_LATENCY_MS_DEFAULT, ...PERFECT, ...given }
  const shaped = new Map<string, LinkConditions>()
  const parted = new Set<string>()
  const conditions: MemoryConditions = {
    clock,
    random,
    link: (from, to) => (shaped.size === 0 ? common : (shaped.get(keyOf(from, to)) ?? common)),
  }
  const nodes = new Map<Peer, MemoryNode>()
  const connections = new Map<string, Connection>()

  function connect(from: Peer, to: Peer): void {
    const [initiator, responder] = [nodes.get(from), nodes.get(to)]
    if (initiator === undefined || responder === undefined || from === to) {
      throw new TransportError('no-peer', `Cannot connect "${from}" to "${to}": not both are open`)
    }
    const key = keyOf(from, to)
    if (connections.has(key)) return
    const connection = new Connection(conditions, initiator, responder, () =>
      connections.delete(key),
    )
    connections.set(key, connection)
    connection.begin()
    if (parted.has(key)) connection.part()
  }

  const world: MemoryWorld = {
    conditions,
    connect,
    remove: (node) => {
      nodes.delete(node.peer)
      for (const connection of connections.values()) if (connection.joins(node)) connection.end()
    },
  }

  return {
    open: (label, { protocols = MEMORY_PROTOCOLS_DEFAULT } = {}) => {
      if (nodes.has(label)) throw new Error(`The label "${label}" is in use`)
      const node = new MemoryNode(label, world, protocols)
      nodes.set(label, node)
      return node
    },
    connect,
    disconnect: (a, b) => connections.get(keyOf(a, b))?.end(),
    isConnected: (a, b) => connections.has(keyOf(a, b)),
    shape: (a, b, changes) => {
      const key = keyOf(a, b)
      shaped.set(key, { ...common, ...shaped.get(key), ...changes })
    },
    part: (a, b) => {
      const key = keyOf(a, b)
      if (parted.has(key)) return
      parted.add(key)
      connections.get(key)?.part()
    },
    mend: (a, b) => {
      const key = keyOf(a, b)
      if (parted.delete(key)) connections.get(key)?.mend()
    },
  }
}

/** A link that loses nothing and repeats nothing. */
const PERFECT = { loss: 0, repeats: 0, packetLoss: 0 } as const

function keyOf(a: Peer, b: Peer): string {
  return JSON.stringify(a < b ? [a, b] : [b, a])
}

/** The connection of two nodes, from the first dial to its end. */
class Connection {
  readonly #conditions: MemoryConditions
  readonly #initiator: MemoryNode
  readonly #responder: MemoryNode
  readonly #forget: () => void
  readonly #forth: MemoryPipe
  readonly #back: MemoryPipe
  readonly #ends: { readonly node: MemoryNode; readonly neighbour: LinkedNeighbour<MemoryLink> }[] =
    []
  #giveUp: (() => void) | undefined
  #ended = false

  constructor(
    conditions: MemoryConditions,
    initiator: MemoryNode,
    responder: MemoryNode,
    forget: () => void,
  ) {
    this.#conditions = conditions
    this.#initiator = initiator
    this.#responder = responder
    this.#forget = forget
    const [near, far] = [initiator.peer, responder.peer]
    this.#forth = new MemoryPipe(conditions, () => conditions.link(near, far))
    this.#back = new MemoryPipe(conditions, () => conditions.link(far, near))
  }

  joins(node: MemoryNode): boolean {
    return node === this.#initiator || node === this.#responder
  }

  begin(): void {
    this.#forth.carry(0, () => {
      // First under way, so that nothing of the responder arrives before the connection itself.
      this.#back.carry(0, () => this.#meet(this.#initiator, this.#responder, true))
      this.#meet(this.#responder, this.#initiator, false)
    })
  }

  /** Nothing passes any more; both sides give it up after a while. */
  part(): void {
    this.#forth.stall()
    this.#back.stall()
    const { clock } = this.#conditions
    this.#giveUp ??= clock.at(clock.now() + MEMORY_DEAD_MS, () => this.end())
  }

  /** Everything passes again, if it was not given up. */
  mend(): void {
    this.#giveUp?.()
    this.#giveUp = undefined
    this.#forth.resume()
    this.#back.resume()
  }

  /** The side that ends it hears so at once, the other one latency later, or by hearing nothing. */
  end(by?: MemoryNode): void {
    if (this.#ended) return
    this.#ended = true
    this.#giveUp?.()
    this.#forth.cut()
    this.#back.cut()
    this.#forget()
    const { clock, link } = this.#conditions
    const { latencyMs } = link(this.#initiator.peer, this.#responder.peer)
    const newsMs = this.#giveUp === undefined ? latencyMs[1] : MEMORY_DEAD_MS
    for (const { node, neighbour } of this.#ends) {
      const time = clock.now() + (by === undefined || node === by ? 0 : newsMs)
      clock.at(time, () => node.left(neighbour))
    }
  }

  #meet(node: MemoryNode, other: MemoryNode, initiator: boolean): void {
    const out = initiator ? this.#forth : this.#back
    const back = initiator ? this.#back : this.#forth
    const link = new MemoryLink(other.peer, {
      out,
      back,
      arrive: (frame, arrival) => {
        const far = this.#at(other)
        if (far !== undefined) other.heard(far, frame, arrival)
      },
      offer: (protocol, near) => {
        const far = this.#at(other)
        return far !== undefined && other.offered(far, protocol, near)
      },
      end: () => this.end(node),
    })
    this.#ends.push({ node, neighbour: node.met(other.peer, link, initiator) })
  }

  #at(node: MemoryNode): LinkedNeighbour<MemoryLink> | undefined {
    return this.#ends.find((end) => end.node === node)?.neighbour
  }
}
