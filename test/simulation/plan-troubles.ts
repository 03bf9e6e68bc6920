import { Dice } from './dice.ts'
import { ATTACKS, type Part, type Plan, type PlannedEvent, type PlannedNode } from './plan.ts'

type Places = Pick<Plan, 'seed' | 'nodes' | 'busyMs' | 'hostile'>

/** Troubles begin when everybody has met. */
const FIRST_MS = 3_000

/** What happens to machines and links, and what the hostile member does. */
export function planTroubles(places: Places, without: readonly Part[]): readonly PlannedEvent[] {
  return [
    ...(without.includes('partitions') ? [] : planPartitions(places)),
    ...(without.includes('cuts') ? [] : planCuts(places)),
    ...(without.includes('crashes') ? [] : planCrashes(places)),
    ...(without.includes('clocks') ? [] : planJumps(places)),
    ...planAttacks(places),
  ]
}

/** Some nodes are cut off from all others for a while. */
function planPartitions({ seed, nodes, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'partitions')
  const events: PlannedEvent[] = []
  for (let at = FIRST_MS; dice.isBelow(0.6);) {
    const from = at + dice.whole(0, 8_000)
    const until = from + dice.one([500, 3_000, 7_000, 12_000, 20_000])
    if (until >= busyMs) break
    const island = dice.some(nodes, 0.4).map(({ name }) => name)
    events.push({ at: from, kind: 'part', nodes: island })
    events.push({ at: until, kind: 'mend', nodes: island })
    at = until
  }
  return events
}

/** Connections end, and are made again. */
function planCuts({ seed, nodes, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'cuts')
  return Array.from({ length: dice.whole(0, 4) }, () => {
    const first = dice.one(nodes)
    const second = dice.one(nodes.filter((node) => node !== first))
    const pair = [first.name, second.name] as const
    return { at: dice.whole(FIRST_MS, busyMs), kind: 'cut', nodes: pair } as const
  })
}

/** Nodes crash, or are closed, and come back. */
function planCrashes({ seed, nodes, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'crashes')
  const events: PlannedEvent[] = []
  const taken = new Set<PlannedNode>()
  for (let count = dice.whole(0, 2); count > 0; count--) {
    const node = dice.one(nodes)
    if (taken.has(node)) continue
    taken.add(node)
    const at = dice.whole(FIRST_MS, busyMs - 6_000)
    const { name } = node
    events.push({ at, kind: dice.isBelow(0.6) ? 'crash' : 'close', node: name })
    events.push({ at: at + dice.whole(300, 6_000), kind: 'open', node: name })
  }
  return events
}

/** Clocks are set by hand, no further than clocks may be apart. */
function planJumps({ seed, nodes, busyMs }: Places): readonly PlannedEvent[] {
  const dice = new Dice(seed, 'jumps')
  return Array.from({ length: dice.whole(0, 2) }, () => ({
    at: dice.whole(FIRST_MS, busyMs),
    kind: 'jump',
    node: dice.one(nodes).name,
    ms: dice.whole(-5_000, 5_000),
  }))
}

function planAttacks({ seed, hostile, busyMs }: Places): readonly PlannedEvent[] {
  if (hostile.length === 0) return []
  const dice = new Dice(seed, 'attacks')
  return Array.from({ length: dice.whole(5, 25) }, () => ({
    at: dice.whole(FIRST_MS, busyMs),
    kind: 'attack',
    attack: dice.one(ATTACKS),
  }))
}
