import type { LinkConditions } from '@ixj/agent/memory'
import type { Plan, PlannedEvent } from './plan.ts'

const ORGANISATION = 'acme.example'
const CREW = `crew.${ORGANISATION}`

/** Nodes that are that many places further on the ring are neighbours. */
const STEPS = [1, 3, 7]

/** When the first speaks: hellos and presence have passed. */
const FIRST_MS = 3_000

/**
 * A run of one crew, a member on each node, on a ring with chords: each sends that many events and as
 * many tasks for two others, and sets a register, evenly over a time.
 */
export function ringPlan(options: {
  readonly seed: number
  readonly nodes: number
  readonly each: number
  readonly overMs: number
  readonly conditions?: Partial<LinkConditions>
  /** What happens besides. */
  readonly events?: readonly PlannedEvent[]
  readonly busyMs?: number
}): Plan {
  const { seed, nodes: count, each, overMs, conditions = {}, events = [] } = options
  const places = Array.from({ length: count }, (_, index) => index)
  const node = (index: number) => `n${(index % count) + 1}.${ORGANISATION}`
  const agent = (index: number) => `a${(index % count) + 1}.${ORGANISATION}`
  const steps = STEPS.filter((step) => 2 * step <= count)
  const said = places.flatMap((index) =>
    Array.from({ length: each }, (_, number): PlannedEvent[] => {
      const at = Math.round(FIRST_MS + ((number + index / count) * overMs) / each)
      const name = agent(index)
      const to = [agent(index + 1), agent(index + 2)]
      return [
        { at, kind: 'publish', agent: name, group: CREW, count: 1, to: null },
        { at, kind: 'task', agent: name, topic: CREW, to },
        { at, kind: 'set', agent: name, group: CREW, value: number },
      ]
    }).flat(),
  )
  return {
    seed,
    realKeys: false,
    organisations: [ORGANISATION],
    nodes: places.map((index) => ({
      name: node(index),
      organisation: ORGANISATION,
      aheadMs: 0,
      driftPpm: 0,
      isAuthority: index === 0,
    })),
    links: places.flatMap((index) =>
      steps.map((step) => ({ nodes: [node(index), node(index + step)] as const, conditions })),
    ),
    agents: places.map((index) => ({
      name: agent(index),
      organisation: ORGANISATION,
      node: node(index),
      groups: [CREW],
    })),
    hostile: [],
    events: [...said, ...events].toSorted((left, right) => left.at - right.at),
    busyMs: options.busyMs ?? FIRST_MS + overMs,
  }
}

/** The nodes of such a run with an even place. */
export function evenNodes(plan: Pick<Plan, 'nodes'>): readonly string[] {
  return plan.nodes.filter((_, index) => index % 2 === 0).map(({ name }) => name)
}
