import { costOf, type Cost } from './cost.ts'
import { Country, type CountrySize } from './country.ts'

/** What a node hears of others while nobody speaks, and what that costs. Costs are of all nodes. */
export interface Background extends Pick<CountrySize, 'nodes' | 'seed'> {
  readonly kind: 'background'
  readonly seconds: number
  /** With nobody to hear of. */
  readonly silent: Cost
  /** With one agent on each node that has bound another for longer than a minute. */
  readonly statuses: Cost & { readonly heard: number }
  /** With one announced member on each node besides. */
  readonly presence: Cost & { readonly heard: number }
  /** Members that the first of them sees. */
  readonly members: number
  /** What each node keeps of them, over all nodes. */
  readonly roster: Cost
}

/** Virtual time over which each is looked at; statuses come every 20 s, presence every 5 s. */
const SECONDS = 20
const HOUR_SECONDS = 3_600

/** Has many nodes idle, with more and more to hear of. */
export async function background(
  { nodes, seed }: Pick<CountrySize, 'nodes' | 'seed'>,
  progress: (line: string) => void,
): Promise<Background> {
  await using country = new Country({
    nodes,
    seed,
    agentsPerNode: 1,
    lifetimeSeconds: HOUR_SECONDS,
  })
  const idle = async (what: string) => {
    progress(`${nodes} nodes: ${what}`)
    const before = country.traffic.first
    const [cost] = await costOf(() => country.world.pass(SECONDS * 1_000))
    return { ...cost, heard: country.traffic.first - before }
  }
  await country.open()
  await country.connect()
  const silent = await idle('silent')
  await country.settle()
  const statuses = await idle('statuses')
  const [roster, members] = await costOf(() => country.fillCrew())
  const presence = await idle('presence')
  return {
    kind: 'background',
    nodes,
    seed,
    seconds: SECONDS,
    silent,
    statuses,
    presence,
    members,
    roster,
  }
}
