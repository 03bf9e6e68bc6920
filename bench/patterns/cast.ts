/** Agents of a run: number 0 is the lead, in a process of its own; 1 to n are the others. */
export type AgentNumber = number

/** The lead: it sends in 1×1 and 1×N, and receives in N×1. */
export const LEAD: AgentNumber = 0

/**
 * A pattern that is measured: the lead is the one; the others are N. In i×j some members of a group
 * send to some others of it, an eighth of N to another eighth.
 */
export type Pattern = '1×1' | '1×N' | 'N×1' | 'N×N' | 'i×j'

/** What is measured: a pattern, of so many, with bodies of so many bytes. */
export interface Scene {
  readonly pattern: Pattern
  /** N; 1 for 1×1. */
  readonly agents: number
  readonly bodyBytes: number
}

/** One run of a pattern. */
export interface Run extends Scene {
  /** Messages of each sender. */
  readonly count: number
  /** Tells the messages of one run from those of another. */
  readonly number: number
  /** Messages of each sender a second; without it, as many as go. */
  readonly perSecond?: number
}

/** Who is where: the lead in process 0, agent n in one of the others, in turn. */
export interface Cast {
  readonly processes: number
  /** Sizes of crews, the largest last: the lead and the agents 1 to n. */
  readonly crews: readonly number[]
  /** Beside the lead; default: as many as the largest crew has. */
  readonly agents?: number
  /** ixj nodes in each process but the lead's; default 1. */
  readonly nodesPerProcess?: number
}

/** The process of an agent. */
export function processOf(agent: AgentNumber, cast: Cast): number {
  return agent === LEAD ? 0 : 1 + ((agent - 1) % (cast.processes - 1))
}

/** Agents that live in a process. */
export function agentsOf(process: number, cast: Cast): readonly AgentNumber[] {
  const agents = cast.agents ?? cast.crews.at(-1) ?? 1
  return [LEAD, ...others(agents)].filter((agent) => processOf(agent, cast) === process)
}

/** Who sends in a run. */
export function sendersOf({ pattern, agents }: Scene): readonly AgentNumber[] {
  if (pattern === '1×1' || pattern === '1×N') return [LEAD]
  return pattern === 'i×j' ? others(part(agents)) : others(agents)
}

/** Who receives what a sender sends in a run. */
export function receiversOf(
  { pattern, agents }: Scene,
  sender: AgentNumber,
): readonly AgentNumber[] {
  if (pattern === 'N×1') return [LEAD]
  if (pattern === 'i×j') return pickedOf(agents)
  const all = pattern === 'N×N' ? [LEAD, ...others(agents)] : others(agents)
  return all.filter((agent) => agent !== sender)
}

/** Who receives in i×j. */
export function pickedOf(agents: number): readonly AgentNumber[] {
  return others(part(agents)).map((agent) => agent + part(agents))
}

/** Deliveries of a whole run. */
export function deliveriesOf(run: Run): number {
  return sendersOf(run).reduce(
    (sum, sender) => sum + run.count * receiversOf(run, sender).length,
    0,
  )
}

/** Agents of one process that send in a run: they share what the process may have on its way. */
export function sendersIn(process: number, scene: Scene, cast: Cast): number {
  return sendersOf(scene).filter((agent) => processOf(agent, cast) === process).length
}

/** A pattern for people, with its numbers. */
export function titleOf({ pattern, agents, bodyBytes }: Scene): string {
  const name =
    pattern === 'i×j'
      ? `${part(agents)}×${part(agents)} of ${agents}`
      : pattern.replaceAll('N', String(agents))
  return bodyBytes < 1_000 ? name : `${name}, ${bodyBytes / 1_000} KB`
}

function part(agents: number): number {
  return Math.max(1, agents >> 3)
}

function others(agents: number): readonly AgentNumber[] {
  return Array.from({ length: agents }, (_, index) => index + 1)
}
