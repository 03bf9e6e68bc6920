import type { Agent } from '@ixj/agent'
import { Colony, DESK } from '../../test/scoreboard/colony.ts'
import { costOf, heapBytes, type Cost } from './cost.ts'

/** How many agents come and go. */
export interface ChurnPlan {
  readonly perMinute: number
  readonly minutes: number
}

/** What is left of agents that came and went. Costs are of both nodes. */
export interface Churn extends ChurnPlan {
  readonly kind: 'churn'
  readonly born: number
  /** Virtual time in which they were born: a minute for as many as a minute was to see. */
  readonly lastedSeconds: number
  /** Messages that were read, one of each. */
  readonly read: number
  readonly cost: Cost
  /** Bytes on the heap before, and after the last had ended and been forgotten. */
  readonly before: number
  readonly after: number
  /** What both nodes kept: at most, and at the end beside the beginning. */
  readonly tables: Readonly<Record<string, TableSizes>>
}

/** How full a table was. */
export interface TableSizes {
  readonly before: number
  readonly most: number
  readonly after: number
}

/** Agents that are made together, by one signature. */
const BATCH = 250
const MINUTE_MS = 60_000
/** Until bindings of a minute have ended, and what is kept so that a late user is told why. */
const FORGET_MINUTES = 15
/** What a process makes once: code, tables of the runtime, caches of some thousand entries. */
const WARM_UP = 5_000

/**
 * Has agents born, bound for a minute, write once and go, evenly over minutes of virtual time; then
 * waits until the last is forgotten.
 */
export async function churn(
  { perMinute, minutes }: ChurnPlan,
  progress: (line: string) => void,
): Promise<Churn> {
  const colony = new Colony()
  const { boss, desk } = await colony.open()
  const tables = new Tables(() => colony.tables)
  const live = async (count: number): Promise<number> => {
    let read = 0
    const pauseMs = (MINUTE_MS * BATCH) / perMinute
    for (let lived = 0; lived < count; lived += BATCH) {
      const began = colony.world.clock.now()
      read += await liveOnce(colony, { boss, desk, count: Math.min(BATCH, count - lived) })
      tables.look()
      await colony.world.pass(Math.max(0, began + pauseMs - colony.world.clock.now()))
    }
    return read
  }
  const forget = async (): Promise<void> => {
    for (let minute = 0; minute < FORGET_MINUTES; minute++) await colony.world.pass(MINUTE_MS)
  }
  progress('warming up')
  await live(Math.min(WARM_UP, perMinute))
  await forget()
  const before = heapBytes()
  tables.begin()
  const born = perMinute * minutes
  progress(`${born} agents`)
  const began = colony.world.clock.now()
  const [cost, read] = await costOf(() => live(born))
  const lastedSeconds = (colony.world.clock.now() - began) / 1_000
  progress('until they are forgotten')
  await forget()
  const after = heapBytes()
  return {
    kind: 'churn',
    perMinute,
    minutes,
    born,
    lastedSeconds,
    read,
    cost,
    before,
    after,
    tables: tables.sizes(),
  }
}

async function liveOnce(
  colony: Colony,
  { boss, desk, count }: { readonly boss: Agent; readonly desk: Agent; readonly count: number },
): Promise<number> {
  const { world } = colony
  const agents = await colony.bear(boss, count, MINUTE_MS / 1_000)
  const inbox = desk.messages({ queueMax: count })
  await world.until(Promise.all(agents.map((agent) => agent.send(DESK, 'here'))))
  await world.pass(200)
  const read = inbox.size
  inbox.close()
  for (const agent of agents) await agent[Symbol.asyncDispose]()
  return read
}

/** Remembers how full tables were. */
class Tables {
  readonly #now: () => Readonly<Record<string, number>>
  readonly #most = new Map<string, number>()
  #before: Readonly<Record<string, number>> = {}

  constructor(now: () => Readonly<Record<string, number>>) {
    this.#now = now
  }

  begin(): void {
    this.#before = this.#now()
    this.#most.clear()
  }

  look(): void {
    for (const [table, size] of Object.entries(this.#now())) {
      this.#most.set(table, Math.max(size, this.#most.get(table) ?? 0))
    }
  }

  sizes(): Readonly<Record<string, TableSizes>> {
    return Object.fromEntries(
      Object.entries(this.#now()).map(([table, after]) => [
        table,
        { before: this.#before[table] ?? 0, most: this.#most.get(table) ?? 0, after },
      ]),
    )
  }
}
