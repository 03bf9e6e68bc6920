import type { Agent, Group, GrantRequest, Identity, Message, Queue } from '@ixj/agent'
import type { Keeper } from '@ixj/node'
import { openMeshHost } from '../world/fleet.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { name, ownAnchor, World } from '../world/world.ts'
import { SEED } from './scale.ts'

export const LOAD_CREW = name('crew.acme.example')

const HOUR_MS = 3_600_000

/** Agents on nodes over libp2p, all in this process; the nodes are connected with each other. */
export class LoadTown implements AsyncDisposable {
  readonly agents: readonly Agent[]
  readonly #opened: AsyncDisposableStack

  private constructor(agents: readonly Agent[], opened: AsyncDisposableStack) {
    this.agents = agents
    this.#opened = opened
  }

  /** Opens so many agents a0, a1, … on so many nodes, in turn; each with this grant. */
  static async open(
    size: { readonly agents: number; readonly nodes: number },
    grant: GrantRequest,
  ): Promise<LoadTown> {
    await using opening = new AsyncDisposableStack()
    const now = Date.now()
    const times = { notBefore: now - HOUR_MS, notAfter: now + HOUR_MS }
    const world = new World(SEED)
    const acme = world.organisation('acme.example')
    const bind = (text: string): Promise<Identity> => bindAnyhow(world, acme, text, times)
    const addresses: string[] = []
    const keepers: Keeper[] = []
    const agents: Agent[] = []
    for (let index = 0; index < size.nodes; index++) {
      const identity = await bind(`n${index}.acme.example`)
      const { host, mesh } = await openMeshHost({ identity, anchors: [ownAnchor(acme)] })
      opening.use(host)
      for (const address of addresses) keepers.push(mesh.keepDialing(address))
      addresses.push(...mesh.addresses.slice(0, 1))
      for (let agent = index; agent < size.agents; agent += size.nodes) {
        const bound = await bind(`a${agent}.acme.example`)
        const topics = grant.topics.map((topic) => name(topic))
        const signed = await grantAnyhow(world, acme, {
          subject: bound.name,
          topics,
          actions: [...grant.actions].toSorted(),
          ...times,
        })
        agents[agent] = await host.openAgent(withStatements(bound, signed))
      }
    }
    return new LoadTown(agents, opening.move())
  }

  /** Has all join the crew; resolves when each knows of all. */
  async join(): Promise<readonly Group[]> {
    const crews = await Promise.all(this.agents.map((agent) => agent.join(LOAD_CREW)))
    await Promise.all(
      crews.map(async (crew) => {
        await using changes = crew.presence()
        while (crew.members().length < crews.length) await changes.take()
      }),
    )
    return crews
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync()
  }
}

/** A body that is not counted. */
export const WARM_UP = [-1, 0] as const

/** What came in a run, with the time from its sending to its reader. */
export class Arrivals {
  readonly delaysMs: number[] = []
  readonly #seen = new Set<string>()
  readonly #expected: number
  readonly #complete = Promise.withResolvers<void>()
  duplicated = 0

  constructor(expected: number) {
    this.#expected = expected
  }

  /** Reads a queue until it is closed. */
  async read(reader: string, queue: Queue<Message>): Promise<void> {
    for await (const { body, sender } of queue) {
      const [index, at] = body as readonly [number, number]
      if (index === WARM_UP[0]) continue
      const key = `${reader} ${sender} ${index}`
      if (this.#seen.has(key)) this.duplicated += 1
      else this.delaysMs.push(performance.now() - at)
      this.#seen.add(key)
      if (this.#seen.size === this.#expected) this.#complete.resolve()
    }
  }

  /** Resolves to how many are lost: when all has come, or nothing has for 10 s. */
  async lost(): Promise<number> {
    let before = -1
    const timer = setInterval(() => {
      if (this.#seen.size === before) this.#complete.resolve()
      before = this.#seen.size
    }, QUIET_MS)
    await this.#complete.promise
    clearInterval(timer)
    return this.#expected - this.#seen.size
  }

  /** The delay below which 99 of 100 lie, in ms. */
  p99(): number {
    const sorted = this.delaysMs.toSorted((left, right) => left - right)
    return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
  }
}

const QUIET_MS = 10_000

/** Calls `send` so often a second, whether it has resolved or not; resolves when all have. */
export async function paced(
  count: number,
  perSecond: number,
  send: (index: number, at: number) => Promise<unknown>,
): Promise<void> {
  const began = performance.now()
  const sending: Promise<unknown>[] = []
  for (let index = 0; index < count; index++) {
    const due = began + (index * 1_000) / perSecond
    const early = due - performance.now()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    sending.push(send(index, performance.now()))
  }
  await Promise.all(sending)
}
