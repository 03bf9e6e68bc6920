import { memoryJournal, type Host, type Identity, type Store } from '@ixj/agent'
import type { MemoryNode } from '@ixj/agent/memory'
import { parsePattern } from '@ixj/names'
import { toHex } from '@ixj/trust'
import { ownAnchor, type World } from '../world/world.ts'
import { collectingLog } from './collecting-log.ts'
import { CrashHistory } from './crash-history.ts'
import { CrashStore } from './crash-store.ts'
import { Dice } from './dice.ts'
import type { History } from './history.ts'
import { NodeClock } from './node-clock.ts'
import type { PlannedNode } from './plan.ts'

/** More than are made between two looks: none is missed. */
const DECISIONS_MAX = 65_536

/** What a machine stands on. */
export interface Ground {
  readonly world: World
  readonly history: History
  readonly organisation: Identity
  readonly organisations: readonly Identity[]
  /** Whether its own organisation's statuses are signed here. */
  readonly isAuthority: boolean
}

/** Everybody here may write to everybody's inbox. */
const RULES = ['acme.example', 'globex.example'].flatMap((organisation) =>
  ['acme.example', 'globex.example'].map(
    (from) =>
      ({
        id: `${from} may write to ${organisation}`,
        effect: 'permit',
        sender: parsePattern(`**.${from}`),
        actions: ['publish', 'request'],
        topic: parsePattern(`**.${organisation}`),
      }) as const,
  ),
)

/** One life of a machine, from its start to its crash or end. */
interface Life {
  readonly host: Host
  readonly transport: MemoryNode
  readonly clock: NodeClock
  readonly disk: Store & { crash(): void }
  readonly history: { crash(): void }
}

/** A machine that runs one node, over crashes and restarts: its disk and its name stay. */
export class Machine {
  readonly name: string
  readonly #planned: PlannedNode
  readonly #ground: Ground
  readonly #identity: Identity
  readonly #disk: CrashStore
  readonly #history: CrashHistory
  /** What it returns from is safe, so a crash takes nothing of it. */
  readonly #journal = memoryJournal()
  #aheadMs: number
  #life: Life | undefined
  /** Opening and closing take time, and wait for each other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(planned: PlannedNode, identity: Identity, ground: Ground) {
    this.name = planned.name
    this.#planned = planned
    this.#identity = identity
    this.#ground = ground
    this.#aheadMs = planned.aheadMs
    const { random } = new Dice(ground.world.seed, `disk of ${planned.name}`)
    this.#disk = new CrashStore(random)
    this.#history = new CrashHistory(random)
  }

  get host(): Host | undefined {
    return this.#life?.host
  }

  /** What its clock shows; the true time while it is off. */
  get time(): number {
    return this.#life?.clock.now() ?? this.#ground.world.clock.now()
  }

  /** Starts the node; whether it did not run yet. */
  async open(): Promise<boolean> {
    const opened = this.#turn.then(async () => {
      if (this.#life !== undefined) return false
      await this.#open()
      return true
    })
    this.#turn = opened
    return await opened
  }

  async #open(): Promise<void> {
    const { world, history, organisation, organisations, isAuthority } = this.#ground
    const { driftPpm } = this.#planned
    const clock = new NodeClock(world.clock, { aheadMs: this.#aheadMs, driftPpm })
    const disk = this.#disk.open(world.clock)
    const kept = this.#history.open(world.clock)
    const others = organisations.filter((other) => other !== organisation)
    const transport = world.network.open(this.name)
    const host = await world.host(organisation, this.#identity, transport, {
      anchors: others.map((other) => ownAnchor(other)),
      rules: RULES,
      store: disk,
      history: kept,
      journal: this.#journal,
      clock,
      audit: collectingLog(this.name, history, world.clock),
      ...(isAuthority ? { authorities: [organisation] } : {}),
    })
    this.#life = { host, transport, clock, disk, history: kept }
    history.watch(this.#note(host))
  }

  /** Everything that runs here ends at once; what was not safe on the disk may be lost. */
  crash(): void {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    life.clock.stop()
    life.disk.crash()
    life.history.crash()
    this.#aheadMs = life.clock.aheadMs
    this.#ground.history.watch(life.transport[Symbol.asyncDispose]())
  }

  /** Ends the node as a person does. */
  async close(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    this.#aheadMs = life.clock.aheadMs
    this.#turn = this.#turn.then(() => life.host[Symbol.asyncDispose]())
    await this.#turn
  }

  /** Somebody sets its clock. */
  jump(ms: number): void {
    if (this.#life === undefined) this.#aheadMs += ms
    else this.#life.clock.jump(ms)
  }

  async #note(host: Host): Promise<void> {
    const { history } = this.#ground
    for await (const decision of host.decisions({ queueMax: DECISIONS_MAX })) {
      const { about, verdict, code, id } = decision
      if (about !== 'bundle') continue
      const messages = decision.messageIds().map((message) => toHex(message))
      history.add({ kind: 'decided', node: this.name, verdict, code, id, messages })
    }
  }
}
