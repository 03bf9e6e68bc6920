import { Colony, DESK } from './colony.ts'

/** What a process with many agents tells of itself. */
export interface AgentMemory {
  /** Of each idle agent, on the heap and beside it. */
  readonly idleBytes: number
  /** Of the whole process, with all of them open. */
  readonly residentBytes: number
  /** On the heap before 10,000 lived, and after they had ended. */
  readonly before: number
  readonly after: number
  /** Bundles that the receiver's replay table remembers: at most, and at the end. */
  readonly rememberedMost: number
  readonly rememberedAfter: number
}

const MINUTE = 60_000
/** Agents that are made together. */
const BATCH = 250

async function run(idle: number, passing: number): Promise<AgentMemory> {
  const colony = new Colony()
  const { world } = colony
  const { boss, desk, core } = await colony.open()
  let rememberedMost = 0
  const live = async (count: number) => {
    for (let lived = 0; lived < count; lived += BATCH) {
      const agents = await colony.bear(boss, Math.min(BATCH, count - lived), 60)
      const inbox = desk.messages({ queueMax: BATCH })
      await world.until(Promise.all(agents.map((agent) => agent.send(DESK, 'here'))))
      await world.pass(200)
      if (inbox.size !== agents.length)
        throw new Error(
          `${inbox.size} of ${agents.length} heard ${JSON.stringify([...core.log.counts])}`,
        )
      inbox.close()
      rememberedMost = Math.max(rememberedMost, core.intake.placesTaken)
      for (const agent of agents) await agent[Symbol.asyncDispose]()
    }
    // Their bindings end, then all that is kept so that a late user is told why.
    for (let minute = 0; minute < 15; minute++) await world.pass(MINUTE)
  }
  // What a process makes once is made: code, tables of the runtime, caches of 4,096 keys.
  await live(Math.min(5_000, passing))
  const before = heap()
  await live(passing)
  const after = heap()
  const rememberedAfter = core.intake.placesTaken
  const empty = heap()
  const agents = await colony.bear(boss, idle, 3_600)
  const idleBytes = (heap() - empty) / agents.length
  const residentBytes = process.memoryUsage().rss
  return { idleBytes, residentBytes, before, after, rememberedMost, rememberedAfter }
}

function heap(): number {
  for (let round = 0; round < 4; round++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

if (process.argv[1] === import.meta.filename) {
  const [idle = 0, passing = 0] = process.argv.slice(2).map(Number)
  process.stdout.write(JSON.stringify(await run(idle, passing)))
  process.exit(0)
}
