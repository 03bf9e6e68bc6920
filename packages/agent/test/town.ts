import type { Agent, Identity, Message, Queue, SpawnOptions } from '@ixj/agent'
import {
  name,
  World,
  type WorldNode,
  type WorldNodeOptions,
  type WorldOptions,
} from '../../../test/world/world.ts'

export const CREW = name('crew.acme.example')

/** Nodes of acme.example, n1 to nN, each connected with every other unless told otherwise. */
export class Town implements AsyncDisposable {
  readonly world: World
  readonly acme: Identity
  readonly nodes: WorldNode[] = []

  private constructor(world: World) {
    this.world = world
    this.acme = world.organisation('acme.example')
  }

  static async open(
    nodes: number,
    options: WorldNodeOptions &
      WorldOptions & { readonly line?: boolean; readonly seed?: number } = {},
  ): Promise<Town> {
    const { line = false, seed = 1, latencyMs, loss, ...nodeOptions } = options
    const town = new Town(
      new World(seed, {
        ...(latencyMs === undefined ? {} : { latencyMs }),
        ...(loss === undefined ? {} : { loss }),
      }),
    )
    for (let index = 1; index <= nodes; index++) {
      town.nodes.push(await town.world.node(town.acme, `n${index}.acme.example`, nodeOptions))
    }
    const names = town.nodes.map((node) => node.host.name)
    if (line) {
      for (const [index, from] of names.slice(0, -1).entries()) {
        town.world.network.connect(from, names[index + 1]!)
      }
      await town.world.pass(500)
    } else {
      await town.world.connect(...names)
    }
    return town
  }

  /** Opens an agent of acme on node n<number>. */
  async agent(label: string, node: number, options: Partial<SpawnOptions> = {}): Promise<Agent> {
    const { host } = this.nodes[node - 1]!
    return await host.openAgent(await this.world.bind(this.acme, `${label}.acme.example`, options))
  }

  /** An agent that is a member of the crew with every right. */
  async member(label: string, node: number, options: Partial<SpawnOptions> = {}) {
    const grants = [...(options.grants ?? []), CREW_GRANT]
    const agent = await this.agent(label, node, { ...options, grants })
    return { agent, crew: await agent.join(CREW) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world.close()
  }
}

/** Everything that a member does in the crew. */
export const CREW_GRANT = {
  actions: ['publish', 'request', 'subscribe', 'answer'],
  topics: [CREW],
} as const

/** A grant to write to, and ask, an inbox. */
export const toInbox = (...topics: readonly string[]) =>
  ({ actions: ['publish', 'request'], topics }) as const

/** The bodies of what waits in a queue. */
export const bodies = (queue: Queue<Message>) => queue.drain().map(({ body }) => body)

/** What a promise came to: its value, or its error's code. */
export function outcomeOf<T>(work: Promise<T>): { value?: T; code?: string; cause?: unknown } {
  const outcome: { value?: T; code?: string; cause?: unknown } = {}
  work.then(
    (value) => (outcome.value = value),
    (cause: unknown) => {
      outcome.cause = cause
      outcome.code = (cause as { readonly code?: string }).code ?? String(cause)
    },
  )
  return outcome
}
