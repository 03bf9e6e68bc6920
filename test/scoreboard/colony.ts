import { generateNodeKey } from '@ixj/node'
import type { Agent, Identity } from '@ixj/agent'
import { AnchorSet } from '@ixj/trust'
import type { Core } from '../../packages/agent/src/host/core.ts'
import { Host } from '../../packages/agent/src/host/host.ts'
import { openWorldCore } from '../world/open-core.ts'
import { allAbilities } from '../../packages/agent/src/host/open-host.ts'
import { name, ownAnchor, World } from '../world/world.ts'

/** To whom the agents of a colony write. */
export const DESK = name('desk.acme.example')

const TO_DESK = { actions: ['publish'], topics: [DESK] } as const
/** Agents that are made together. */
const BATCH = 250

/** One node with agents, and one with a desk to which they write. */
export class Colony {
  readonly world = new World(1)
  readonly acme = this.world.organisation('acme.example')
  readonly #cores: Core[] = []
  #born = 0

  /** Opens both nodes, the desk, and the boss that makes the others. */
  async open() {
    const here = await this.#node('n1.acme.example')
    const there = await this.#node('n2.acme.example')
    await this.world.connect('n1.acme.example', 'n2.acme.example')
    const desk = await there.host.openAgent(await this.world.bind(this.acme, DESK))
    const boss = await this.world.bind(this.acme, 'boss.acme.example', {
      uses: 'both',
      depth: 1,
      grants: [{ ...TO_DESK, mayDelegate: ['*.boss.acme.example'] }],
    })
    return { boss: await here.host.openAgent(boss), desk, core: there.core }
  }

  /** What both nodes keep of agents and of what these said. */
  get tables(): Readonly<Record<string, number>> {
    const sum = (size: (core: Core) => number) =>
      this.#cores.reduce((total, core) => total + size(core), 0)
    return {
      statements: sum(({ statements }) => statements.counts.statements),
      'places taken': sum(({ intake }) => intake.placesTaken),
      revocations: sum(({ trust }) => trust.revocations.size),
      'calls to come': this.world.clock.pending,
    }
  }

  /** Agents with a binding and a grant each. */
  async bear(boss: Agent, count: number, lifetimeSeconds: number): Promise<readonly Agent[]> {
    const born: Agent[] = []
    while (born.length < count) {
      const size = Math.min(BATCH, count - born.length)
      const labels = Array.from({ length: size }, () => `w${(this.#born += 1)}`)
      born.push(...(await boss.spawnMany(labels, { lifetimeSeconds, grants: [TO_DESK] })))
    }
    return born
  }

  async #node(text: string) {
    const { world, acme } = this
    const identity: Identity = await world.bind(acme, text)
    const core = await openWorldCore(world, {
      identity,
      anchors: new AnchorSet([ownAnchor(acme)]),
      transport: world.network.open(text),
      generateKey: generateNodeKey,
    })
    this.#cores.push(core)
    return { core, host: await new Host(core, allAbilities).openSelf() }
  }
}
