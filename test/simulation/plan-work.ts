import { Dice } from './dice.ts'
import type { Part, Plan, PlannedAgent, PlannedEvent } from './plan.ts'

type Places = Pick<Plan, 'seed' | 'nodes' | 'agents' | 'busyMs'>

/** Hellos and presence have passed by then. */
const FIRST_MS = 2_000

/** What the agents of a run do. */
export function planWork(places: Places, without: readonly Part[]): readonly PlannedEvent[] {
  return [
    ...planTalk(places),
    ...planTasks(places),
    ...planState(places),
    ...(without.includes('spawns') ? [] : planSpawns(places)),
    ...planMoves(places),
    ...(without.includes('revocations') ? [] : planRevocations(places)),
  ]
}

function planTalk({ seed, agents, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'talk')
  const events: PlannedEvent[] = []
  for (let count = dice.whole(25, 50); count > 0; count--) {
    const at = dice.whole(FIRST_MS, busyMs)
    const agent = dice.one(agents)
    const group = dice.one(agent.groups)
    const kind = dice.random()
    if (kind < 0.6) {
      const burst = dice.isBelow(0.2) ? dice.whole(2, 12) : 1
      const to = dice.isBelow(0.25) ? dice.some(namesIn(agents, group), 0.3) : null
      events.push({ at, kind: 'publish', agent: agent.name, group, count: burst, to })
    } else if (kind < 0.75) {
      const to = otherThan(dice, agents, agent)
      events.push({ at, kind: 'send', agent: agent.name, to, count: dice.whole(1, 3) })
    } else if (kind < 0.9) {
      events.push({ at, kind: 'request', agent: agent.name, to: otherThan(dice, agents, agent) })
    } else {
      events.push({ at, kind: 'fan-out', agent: agent.name, group })
    }
  }
  return events
}

/** Tasks for one, and for some of a group. */
function planTasks({ seed, agents, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'tasks')
  return Array.from({ length: dice.whole(3, 12) }, () => {
    const agent = dice.one(agents)
    const group = dice.one(agent.groups)
    const others = namesIn(agents, group).filter((name) => name !== agent.name)
    const isForOne = dice.isBelow(0.5) || others.length === 0
    return {
      at: dice.whole(FIRST_MS, busyMs),
      kind: 'task',
      agent: agent.name,
      topic: isForOne ? otherThan(dice, agents, agent) : group,
      to: isForOne ? null : dice.some(others, 0.3),
    } as const
  })
}

/** Registers that change. */
function planState({ seed, agents, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'state')
  return Array.from({ length: dice.whole(3, 10) }, (_, index) => {
    const agent = dice.one(agents)
    const at = dice.whole(FIRST_MS, busyMs)
    const group = dice.one(agent.groups)
    return { at, kind: 'set', agent: agent.name, group, value: index } as const
  })
}

function namesIn(agents: readonly PlannedAgent[], group: string): readonly string[] {
  return agents.filter(({ groups }) => groups.includes(group)).map(({ name }) => name)
}

function otherThan(dice: Dice, agents: readonly PlannedAgent[], agent: PlannedAgent): string {
  return dice.one(agents.filter((other) => other !== agent)).name
}

function planSpawns({ seed, agents, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'spawns')
  return Array.from({ length: dice.whole(0, 4) }, (_, index) => {
    const agent = dice.one(agents)
    return {
      at: dice.whole(FIRST_MS, busyMs - 5_000),
      kind: 'spawn',
      agent: agent.name,
      label: `s${index + 1}`,
      group: dice.one(agent.groups),
      lifetimeMs: dice.whole(2_000, 20_000),
    } as const
  })
}

/** Members that leave and come back. */
function planMoves({ seed, agents, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'moves')
  const events: PlannedEvent[] = []
  for (let count = dice.whole(0, 3); count > 0; count--) {
    const { name: agent, groups } = dice.one(agents)
    const group = dice.one(groups)
    const at = dice.whole(FIRST_MS, busyMs - 5_000)
    events.push({ at, kind: 'leave', agent, group })
    events.push({ at: at + dice.whole(200, 5_000), kind: 'join', agent, group })
  }
  return events
}

function planRevocations({ seed, agents, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'revocations')
  return Array.from({ length: dice.isBelow(0.5) ? 1 : 0 }, () => ({
    at: dice.whole(FIRST_MS, busyMs),
    kind: 'revoke',
    agent: dice.one(agents).name,
  }))
}
