import { issueRevocation, type Identity } from '@ixj/agent'
import { nodeSha256 } from '@ixj/node'
import { ed25519Ring, World, type KeyRing } from '../world/world.ts'
import { Dice } from './dice.ts'
import { History } from './history.ts'
import { keyedHashRing } from './keyed-hash.ts'
import { Machine } from './machine.ts'
import type { Plan, PlannedAgent, PlannedLink } from './plan.ts'
import { codeOf, Resident, type Town } from './resident.ts'

/** Between two tries to connect, as a keeper of neighbours does. */
const REDIAL_MS: readonly [number, number] = [500, 2_000]

/** How often a sub-agent speaks in its life. */
const SPAWNED_SAYS = 4

/** The machines and agents of one run. */
export class City implements Town {
  readonly world: World
  readonly history: History
  readonly machines = new Map<string, Machine>()
  readonly residents = new Map<string, Resident>()
  readonly organisations = new Map<string, Identity>()
  readonly #plan: Plan
  readonly #identities = new Map<string, Identity>()
  readonly #lives = new Map<string, number>()
  readonly #numbers = new Map<string, number>()

  private constructor(plan: Plan, keys: KeyRing) {
    this.#plan = plan
    this.world = new World(plan.seed, { keys })
    this.history = new History(() => this.world.clock.now())
  }

  /** Opens every machine, connects them, and opens the agents. */
  static async open(plan: Plan, keys = keysOf(plan)): Promise<City> {
    const city = new City(plan, keys)
    const { world } = city
    for (const text of plan.organisations) city.organisations.set(text, world.organisation(text))
    for (const planned of plan.nodes) {
      const organisation = city.organisation(planned.organisation)
      const identity = await world.bind(organisation, planned.name)
      const organisations = [...city.organisations.values()]
      const { isAuthority } = planned
      const ground = { world, history: city.history, organisation, organisations, isAuthority }
      const machine = new Machine(planned, identity, ground)
      city.machines.set(planned.name, machine)
    }
    await world.until(Promise.all([...city.machines.values()].map((machine) => machine.open())))
    for (const link of plan.links) city.#keep(link)
    for (const agent of plan.agents) await city.#bind(agent)
    await world.until(Promise.all(plan.agents.map((agent) => city.#settle(agent))))
    return city
  }

  organisation(text: string): Identity {
    const found = this.organisations.get(text)
    if (found === undefined) throw new Error(`${text} is no organisation of this run`)
    return found
  }

  machine(text: string): Machine {
    const found = this.machines.get(text)
    if (found === undefined) throw new Error(`${text} is no machine of this run`)
    return found
  }

  identity(text: string): Identity {
    const found = this.#identities.get(text)
    if (found === undefined) throw new Error(`${text} is no agent of this run`)
    return found
  }

  nextNumber(name: string): number {
    const number = (this.#numbers.get(name) ?? 0) + 1
    this.#numbers.set(name, number)
    return number
  }

  /** Ends what lived on a machine, which is about to stop. */
  vacate(node: string): void {
    for (const { name } of this.#plan.agents.filter((agent) => agent.node === node)) {
      this.residents.get(name)?.ended()
      this.residents.delete(name)
    }
    for (const [name, resident] of this.residents) {
      if (!resident.isOn(node)) continue
      resident.ended()
      this.residents.delete(name)
    }
  }

  /** Starts a machine again, with its agents. */
  async reopen(node: string): Promise<void> {
    if (!(await this.machine(node).open())) return
    const agents = this.#plan.agents.filter((agent) => agent.node === node)
    await Promise.all(agents.map((agent) => this.#settle(agent)))
  }

  /** A sub-agent of an agent that lives now, for a while. */
  async spawn(
    parent: string,
    label: string,
    options: { readonly group: string; readonly lifetimeMs: number },
  ): Promise<void> {
    const resident = this.residents.get(parent)
    if (resident === undefined) return
    const { group, lifetimeMs } = options
    const child = await resident.spawn(label, group, lifetimeMs)
    const { name } = child.agent
    this.residents.set(name, child)
    await child.join(group)
    // It speaks as long as it may, and a little longer.
    for (let count = 0; count <= SPAWNED_SAYS; count++) {
      this.later((count * lifetimeMs) / (SPAWNED_SAYS - 1), () => {
        if (this.residents.get(name) !== child) return
        if (count < SPAWNED_SAYS) return this.history.watch(child.publish(group, 2, null))
        this.residents.delete(name)
        this.history.watch(child.close())
      })
    }
  }

  /** The organisation voids an agent's key, at the machine that signs its statuses, if that runs. */
  async revoke(agent: string): Promise<void> {
    const planned = this.#plan.agents.find(({ name }) => name === agent)
    if (planned === undefined) throw new Error(`${agent} is no agent of this run`)
    const authority = this.#plan.nodes.find(
      (node) => node.isAuthority && node.organisation === planned.organisation,
    )
    const host = authority && this.machine(authority.name).host
    if (authority === undefined || host === undefined) return
    const { name, signer } = this.identity(agent)
    const notice = await issueRevocation(
      this.organisation(planned.organisation),
      { kind: 'key', name, key: signer.publicKey },
      { clock: this.world.clock, random: this.world.bytes, hash: nodeSha256 },
    )
    this.history.add({ kind: 'revoked', agent, node: authority.name })
    await host.takeNotice(notice.bytes)
  }

  async #bind({ name, organisation }: PlannedAgent): Promise<void> {
    const grant = {
      actions: ['publish', 'request', 'subscribe', 'answer'],
      topics: [`crew.${organisation}`, `ops.${organisation}`],
      mayDelegate: [`**.${organisation}`],
    } as const
    const identity = await this.world.bind(this.organisation(organisation), name, {
      uses: 'both',
      depth: 1,
      grants: [grant],
    })
    this.#identities.set(name, identity)
  }

  /** Opens an agent on its machine; one that was revoked is told so. */
  async #settle({ name, node, groups }: PlannedAgent): Promise<void> {
    const machine = this.machine(node)
    const { host } = machine
    if (host === undefined) return
    try {
      const agent = await host.openAgent(this.identity(name))
      const resident = new Resident(agent, machine, this)
      this.residents.set(name, resident)
      for (const group of groups) await resident.join(group)
    } catch (cause) {
      const code = codeOf(cause)
      this.history.add({ kind: 'trouble', what: `${name} does not open: ${code}`, nodes: [node] })
    }
  }

  later(ms: number, run: () => void): void {
    const { clock } = this.world
    clock.at(clock.now() + Math.round(ms), run)
  }

  nextLife(name: string): string {
    const number = (this.#lives.get(name) ?? 0) + 1
    this.#lives.set(name, number)
    return `${name}/${number}`
  }

  /** Connects two machines again and again, as long as both run. */
  #keep({ nodes, conditions }: PlannedLink): void {
    const [from, to] = nodes
    const { network, clock } = this.world
    const dice = new Dice(this.world.seed, `${from} to ${to}`)
    network.shape(from, to, conditions)
    const dial = (): void => {
      const bothRun = nodes.every((node) => this.machine(node).host !== undefined)
      if (bothRun) network.connect(from, to)
      clock.at(clock.now() + dice.whole(...REDIAL_MS), dial)
    }
    dial()
  }
}

function keysOf(plan: Plan): KeyRing {
  return plan.realKeys ? ed25519Ring() : keyedHashRing()
}
