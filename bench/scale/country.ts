import type { Agent, Group } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { name, World, type WorldNode } from '../../test/world/world.ts'
import { smallWorld } from './small-world.ts'

/** How large a country is. */
export interface CountrySize {
  readonly nodes: number
  readonly agentsPerNode: number
  readonly seed: number
  /** Up to 60 s, who made an agent publishes no status; beyond that it does, to all nodes. */
  readonly lifetimeSeconds: number
}

/** A hop takes exactly this long in virtual time, so that a delay tells how many there were. */
export const HOP_MS = 10

/** Where one speaks and agents of all nodes listen without being announced. */
export const HALL = name('hall.acme.example')

/** Where one member of each node is announced to all others. */
export const CREW = name('crew.acme.example')

/** A node, the agent that made the others, and those. */
export interface Place {
  readonly node: WorldNode
  readonly boss: Agent
  readonly agents: readonly Agent[]
}

/** What came of gossip over all nodes. */
export interface Traffic {
  /** New to the node that they came to. */
  readonly first: number
  /** Brought to a node that had them. */
  readonly copies: number
}

const QUEUE_MAX = 64
/** Agents that are made by one signature. */
const BORN_TOGETHER = 250
/** Until what was begun has reached everybody. */
const SPREAD_MS = 1_000

/**
 * Many nodes with many agents each, in one process: hosts as they are, with real Ed25519, over
 * memory and in virtual time.
 */
export class Country implements AsyncDisposable {
  readonly world: World
  readonly places: Place[] = []
  readonly nodes: WorldNode[] = []
  readonly #born: Agent[] = []
  readonly #size: CountrySize
  readonly #acme

  constructor(size: CountrySize) {
    this.#size = size
    this.world = new World(size.seed, { latencyMs: [HOP_MS, HOP_MS] })
    this.#acme = this.world.organisation('acme.example')
  }

  /** Opens the nodes, without a connection. */
  async open(): Promise<void> {
    for (let index = 0; index < this.#size.nodes; index++) {
      this.nodes.push(await this.world.node(this.#acme, nodeName(index)))
    }
  }

  /** Connects neighbours; resolves to the number of connections when all have met. */
  async connect(): Promise<number> {
    const { network, random } = this.world
    const pairs = smallWorld(this.nodes.length, random)
    for (let place = 0; place < pairs.length; place += 2) {
      network.connect(nodeName(pairs[place] ?? 0), nodeName(pairs[place + 1] ?? 0))
    }
    await this.world.pass(SPREAD_MS)
    const met = this.nodes.reduce((sum, { host }) => sum + host.neighbours.length, 0)
    if (met !== pairs.length) throw new Error(`${met} of ${pairs.length} ends have met`)
    return pairs.length / 2
  }

  /** Opens a boss on each node, and has it make the others. */
  async settle(): Promise<void> {
    const { lifetimeSeconds, agentsPerNode } = this.#size
    const labels = Array.from({ length: agentsPerNode }, (_, label) => `w${label}`)
    for (const [index, node] of this.nodes.entries()) {
      const bossName = this.#bossName(index)
      const toNext = { actions: ['publish'], topics: [this.#bossName(index + 1)] } as const
      const inHall = { actions: ['publish', 'subscribe'], topics: [HALL] } as const
      const inCrew = { actions: ['publish', 'subscribe'], topics: [CREW] } as const
      const mayDelegate = [`*.${bossName}`]
      const boss = await node.host.openAgent(
        await this.world.bind(this.#acme, bossName, {
          uses: 'both',
          depth: 1,
          grants: [{ ...inHall, mayDelegate }, { ...toNext, mayDelegate }, inCrew],
        }),
      )
      const grants = this.#grantsFor(index)
      const agents = await boss.spawnMany(labels, { lifetimeSeconds, grants })
      this.places.push({ node, boss, agents })
    }
    await this.world.pass(SPREAD_MS)
  }

  /** Has the first boss make so many more agents, all at its side, with one grant each or two. */
  async bear(count: number, { grants }: { readonly grants: 1 | 2 }): Promise<void> {
    const [place] = this.places
    if (place === undefined) throw new Error('Cannot bear agents: there is no node')
    const { lifetimeSeconds } = this.#size
    const both = this.#grantsFor(0)
    for (let born = 0; born < count; born += BORN_TOGETHER) {
      const first = this.#born.length
      const labels = Array.from({ length: BORN_TOGETHER }, (_, index) => `b${first + index}`)
      const given = { lifetimeSeconds, grants: both.slice(0, grants) }
      this.#born.push(...(await place.boss.spawnMany(labels, given)))
    }
  }

  /** Has agents of each node listen in the hall; of what comes it is noted how many hops it made. */
  async fillHall(listeners: number, hops: number[]): Promise<void> {
    for (const { agents } of this.places) {
      for (const agent of agents.slice(0, listeners)) {
        this.#listen(await agent.join(HALL, { quiet: true }), hops)
      }
    }
    await this.world.pass(SPREAD_MS)
  }

  /** Has a boss of each node join the crew; resolves to how many members the first one sees. */
  async fillCrew(): Promise<number> {
    const crews: Group[] = []
    for (const { boss } of this.places) crews.push(await boss.join(CREW))
    await this.world.pass(5 * SPREAD_MS)
    return crews[0]?.members().length ?? 0
  }

  /** So many agents of each node write to the boss of the next; how many messages were read. */
  async writeToNext(writers: number): Promise<number> {
    const inboxes = this.places.map(({ boss }) => boss.messages({ queueMax: writers }))
    const sending = this.places.flatMap(({ agents }, index) =>
      agents.slice(0, writers).map((agent) => agent.send(this.#bossName(index + 1), 'hello')),
    )
    // What is refused, or still under way then, is not read, and counts as lost.
    void Promise.allSettled(sending)
    await this.world.pass(5 * SPREAD_MS)
    const read = inboxes.reduce((sum, inbox) => sum + inbox.size, 0)
    for (const inbox of inboxes) inbox.close()
    return read
  }

  /** What gossip came to the nodes so far, of all topics. */
  get traffic(): Traffic {
    let [arrived, copies] = [0, 0]
    for (const { transport } of this.nodes) {
      arrived += transport.counts.messagesIn
      copies += transport.counts.copies
    }
    return { first: arrived - copies, copies }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.close()
  }

  /** What an agent of a node may do. */
  #grantsFor(index: number) {
    return [
      { actions: ['subscribe'], topics: [HALL] },
      { actions: ['publish'], topics: [this.#bossName(index + 1)] },
    ] as const
  }

  #bossName(index: number): Name {
    return name(`boss${index % this.#size.nodes}.acme.example`)
  }

  #listen(group: Group, hops: number[]): void {
    const queue = group.messages({ queueMax: QUEUE_MAX })
    const read = async (): Promise<void> => {
      for await (const { body } of queue) {
        hops.push(Math.round((this.world.clock.now() - Number(body)) / HOP_MS))
      }
    }
    void read()
  }
}

function nodeName(index: number): Name {
  return name(`n${index}.acme.example`)
}
