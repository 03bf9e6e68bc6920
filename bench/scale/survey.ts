import type { Group } from '@ixj/agent'
import { costOf, type Cost } from './cost.ts'
import { Country, HALL, type CountrySize } from './country.ts'

/** What was found in a country. Costs are of the whole process. */
export interface Survey extends SurveyPlan {
  readonly kind: 'survey'
  readonly links: number
  readonly open: Cost
  readonly connect: Cost
  /** Bosses and their agents, with two grants each, and what their nodes came to keep for them. */
  readonly settle: Cost
  /** What agents more on one node cost, where that was asked. */
  readonly born?: Born
  /** Of virtual time, with all agents there and nothing said. */
  readonly idle: Cost & { readonly seconds: number }
  readonly fillHall: Cost
  /** One more joins and speaks: its presence and its proof go to all nodes, which check the latter. */
  readonly firstWords: Cost
  /** From one to the listeners of all nodes. */
  readonly hall: Cost & HallFigures & { readonly owed: number }
  /** One to one, to the boss of the next node: each writer's first message. */
  readonly inboxes: Cost & { readonly read: number; readonly owed: number }
  readonly residentBytes: number
}

/** So many agents more on one node, which idle, by the grants that each has. */
export interface Born {
  readonly agents: number
  readonly oneGrant: Cost
  readonly twoGrants: Cost
}

/** How messages to all came. */
export interface HallFigures {
  readonly delivered: number
  readonly hopsMean: number
  readonly hopsMost: number
  /** How often a node was brought a message that it had, for each message. */
  readonly copiesEach: number
  /** Virtual time that passed. */
  readonly seconds: number
}

/** What a survey does. */
export interface SurveyPlan extends CountrySize {
  /** Whether agents more are born on one node: what each costs hardly depends on how many nodes there are. */
  readonly bears: boolean
  /** Agents of each node that listen. */
  readonly listeners: number
  /** Agents of each node that write to an inbox. */
  readonly writers: number
  /** Messages to all before those that are measured: code that has just begun to run is slow. */
  readonly warmUp: number
  /** Messages to all. */
  readonly messages: number
}

/** Tells what is done, does it, and counts what it costs. */
type Part = <T>(what: string, run: () => Promise<T>) => Promise<[Cost, T]>

const IDLE_SECONDS = 5
/** On one node, beside those that it has: enough that the tables of the first do not count. */
const BORN = 4_000

/**
 * Opens a country, has everybody speak, and tells what each part cost. The country stays open: the
 * process ends with it, and until 100,000 agents have said that they leave takes a minute.
 */
export async function survey(plan: SurveyPlan, progress: (line: string) => void): Promise<Survey> {
  const { nodes, agentsPerNode, listeners, writers, warmUp, messages } = plan
  const country = new Country(plan)
  const part: Part = (what, run) => {
    progress(`${nodes} nodes: ${what}`)
    return costOf(run)
  }
  const [open] = await part('opening them', () => country.open())
  const [connect, links] = await part('connecting them', () => country.connect())
  const [settle] = await part('making agents', () => country.settle())
  const born = plan.bears ? await bear(country, part) : undefined
  const [idle] = await part('idle', () => country.world.pass(IDLE_SECONDS * 1_000))
  const hops: number[] = []
  const [fillHall] = await part('agents begin to listen', () => country.fillHall(listeners, hops))
  const [firstWords, speaker] = await part('first words to all', () => enterHall(country))
  await part('many words to all', () => speak(country, speaker, warmUp))
  hops.length = 0
  const [hall, figures] = await part('one to all', () =>
    speakInHall(country, { hall: speaker, hops, messages }),
  )
  const [inboxes, read] = await part('one to one', () => country.writeToNext(writers))
  return {
    kind: 'survey',
    ...plan,
    links,
    open,
    connect,
    settle,
    ...(born === undefined ? {} : { born }),
    fillHall,
    firstWords,
    idle: { ...idle, seconds: IDLE_SECONDS },
    hall: { ...hall, ...figures, owed: messages * nodes * Math.min(listeners, agentsPerNode) },
    inboxes: { ...inboxes, read, owed: nodes * Math.min(writers, agentsPerNode) },
    residentBytes: process.memoryUsage().rss,
  }
}

async function bear(country: Country, part: Part): Promise<Born> {
  // They fill the caches of a node, which have some thousand places each, and are counted for nothing.
  await part('agents that fill caches', () => country.bear(BORN, { grants: 1 }))
  const [oneGrant] = await part('agents with one grant', () => country.bear(BORN, { grants: 1 }))
  const [twoGrants] = await part('agents with two', () => country.bear(BORN, { grants: 2 }))
  return { agents: BORN, oneGrant, twoGrants }
}

async function enterHall({ world, places }: Country): Promise<Group> {
  const [place] = places
  if (place === undefined) throw new Error('Cannot speak: there is no node')
  const hall = await place.boss.join(HALL)
  await world.pass(1_000)
  // The first message goes from node to node together with its proof, which takes longer.
  await world.until(hall.publish(world.clock.now()))
  await world.pass(3_000)
  return hall
}

async function speak({ world }: Country, hall: Group, messages: number): Promise<void> {
  for (let message = 0; message < messages; message++) {
    await world.until(hall.publish(world.clock.now()))
    await world.pass(200)
  }
}

async function speakInHall(
  country: Country,
  given: { readonly hall: Group; readonly hops: readonly number[]; readonly messages: number },
): Promise<HallFigures> {
  const { world } = country
  const { hall, hops, messages } = given
  const began = world.clock.now()
  const before = country.traffic
  await speak(country, hall, messages)
  const { copies } = country.traffic
  let [sum, hopsMost] = [0, 0]
  for (const hop of hops) {
    sum += hop
    hopsMost = Math.max(hopsMost, hop)
  }
  return {
    delivered: hops.length,
    hopsMean: sum / hops.length,
    hopsMost,
    // What the speaker's presence says is gossip as well, one message in some.
    copiesEach: (copies - before.copies) / (country.traffic.first - before.first),
    seconds: (world.clock.now() - began) / 1_000,
  }
}
