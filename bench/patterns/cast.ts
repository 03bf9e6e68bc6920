/** Agents of a run: number 0 is the lead, in a process of its own; 1 to n are the others. */
export type AgentNumber = number

/** The lead: it sends in 1×1 and 1×N, and receives in N×1. */
export const LEAD: AgentNumber = 0

/** A pattern that is measured: the lead is the one; the others are N. */
export type Pattern = '1×1' | '1×N' | 'N×1' | 'N×N'

/** One run of a pattern. */
export interface Run {
  readonly pattern: Pattern
  /** N; 1 for 1×1. */
  readonly agents: number
  /** Messages of each sender. */
  readonly count: number
  /** Tells the messages of one run from those of another. */
  readonly number: number
}

/** Who is where: the lead in process 0, agent n in one of the others, in turn. */
export interface Cast {
  readonly processes: number
  /** Sizes of crews, the largest last: the lead and the agents 1 to n. */
  readonly crews: readonly number[]
  /** ixj nodes in each process but the lead's; default 1. */
  readonly nodesPerProcess?: number
}

/** The process of an agent. */
export function processOf(agent: AgentNumber, cast: Cast): number {
  return agent === LEAD ? 0 : 1 + ((agent - 1) % (cast.processes - 1))
}

/** Agents that live in a process. */
export function agentsOf(process: number, cast: Cast): readonly AgentNumber[] {
  const all = Array.from({ length: 1 + (cast.crews.at(-1) ?? 1) }, (_, agent) => agent)
  return all.filter((agent) => processOf(agent, cast) === process)
}

/** Who sends in a run. */
export function sendersOf({ pattern, agents }: Run): readonly AgentNumber[] {
  return pattern === '1×1' || pattern === '1×N' ? [LEAD] : others(agents)
}

/** Who receives what a sender sends in a run. */
export function receiversOf({ pattern, agents }: Run, sender: AgentNumber): readonly AgentNumber[] {
  if (pattern === 'N×1') return [LEAD]
  const all = pattern === 'N×N' ? [LEAD, ...others(agents)] : others(agents)
  return all.filter((agent) => agent !== sender)
}

/** Deliveries of a whole run. */
export function deliveriesOf(run: Run): number {
  return sendersOf(run).reduce(
    (sum, sender) => sum + run.count * receiversOf(run, sender).length,
    0,
  )
}

function others(agents: number): readonly AgentNumber[] {
  return Array.from({ length: agents }, (_, index) => index + 1)
}
