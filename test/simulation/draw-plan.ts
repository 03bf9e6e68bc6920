import type { LinkConditions } from '@ixj/agent/memory'
import { Dice } from './dice.ts'
import type { Part, Plan, PlannedAgent, PlannedLink, PlannedNode } from './plan.ts'
import { planTroubles } from './plan-troubles.ts'
import { planWork } from './plan-work.ts'

/** One seed in so many runs with Ed25519. */
const REAL_KEYS_EVERY = 50

/** Draws a run. */
export function drawPlan(seed: number, without: readonly Part[] = []): Plan {
  const dice = new Dice(seed, 'places')
  const organisations = ['acme.example', 'globex.example'].slice(0, dice.isBelow(0.6) ? 2 : 1)
  const nodes = drawNodes(seed, organisations, without)
  const agents = drawAgents(seed, nodes)
  const busyMs = dice.whole(12, 24) * 1_000
  const hostile = new Dice(seed, 'hostile')
  const isHostile = hostile.isBelow(0.7) && !without.includes('hostile')
  // It is a member of the first organisation's groups, and so of interest to nodes that have those.
  const own = nodes.filter(({ organisation }) => organisation === organisations[0])
  const victims = isHostile ? hostile.some(own, 0.5).map(({ name }) => name) : []
  const base = { seed, organisations, nodes, agents, busyMs, hostile: victims }
  const events = [...planWork(base, without), ...planTroubles(base, without)]
  return {
    ...base,
    realKeys: seed % REAL_KEYS_EVERY === 0,
    links: drawLinks(seed, nodes, without),
    events: events.toSorted((left, right) => left.at - right.at),
  }
}

function drawNodes(
  seed: number,
  organisations: readonly string[],
  without: readonly Part[],
): readonly PlannedNode[] {
  const dice = new Dice(seed, 'nodes')
  const clocks = new Dice(seed, 'clocks')
  const count = Math.max(2 * organisations.length, dice.whole(4, 8))
  return Array.from({ length: count }, (_, index) => {
    const organisation = organisations[index % organisations.length]!
    const [aheadMs, driftPpm] = [clocks.whole(-15_000, 15_000), clocks.whole(-200, 200)]
    const isWrong = clocks.isBelow(0.5) && !without.includes('clocks')
    return {
      name: `n${index + 1}.${organisation}`,
      organisation,
      aheadMs: isWrong ? aheadMs : 0,
      driftPpm: isWrong ? driftPpm : 0,
      isAuthority: index < organisations.length,
    }
  })
}

function drawAgents(seed: number, nodes: readonly PlannedNode[]): readonly PlannedAgent[] {
  const dice = new Dice(seed, 'agents')
  const count = 12 + Math.floor(dice.random() ** 3 * 29)
  return Array.from({ length: count }, (_, index) => {
    const { name: node, organisation } = dice.one(nodes)
    return {
      name: `a${index + 1}.${organisation}`,
      organisation,
      node,
      groups: dice.some([`crew.${organisation}`, `ops.${organisation}`], 0.6),
    }
  })
}

/**
 * A group travels over nodes that are in it, so those of one organisation are all connected; between
 * organisations chance decides.
 */
function drawLinks(
  seed: number,
  nodes: readonly PlannedNode[],
  without: readonly Part[],
): readonly PlannedLink[] {
  const dice = new Dice(seed, 'links')
  const weather = new Dice(seed, 'weather')
  const links: PlannedLink[] = []
  for (const [index, from] of nodes.entries()) {
    for (const to of nodes.slice(index + 1)) {
      const isChosen = dice.isBelow(0.4)
      if (from.organisation !== to.organisation && !isChosen) continue
      const conditions = drawConditions(weather)
      const isFair = without.includes('links')
      links.push({ nodes: [from.name, to.name], conditions: isFair ? {} : conditions })
    }
  }
  return links
}

function drawConditions(dice: Dice): Partial<LinkConditions> {
  const least = dice.one([1, 1, 5, 20, 50])
  return {
    latencyMs: [least, least + dice.one([0, 4, 10, 60])],
    packetLoss: dice.one([0, 0, 0.01, 0.05]),
    repeats: dice.one([0, 0.02, 0.1]),
  }
}
