import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { AgentAbilities } from '../patterns/agent-abilities.ts'
import type { Agent, AgentParts } from '../patterns/agent.ts'
import type { Born } from '../patterns/births.ts'
import type { TaskRecords } from '../tasks/task-records.ts'
import type { Core } from './core.ts'
import type { Papers } from './papers.ts'

/** What the agents of one node live in. */
export interface House {
  readonly core: Core
  readonly abilities: AgentAbilities
  /** Those that are open, and when they close by themselves: ms since the Unix epoch. */
  readonly agents: Map<Agent, number>
  /** An epoch for an agent whose key is as new as itself. */
  nextEpoch(): number
  /** A place for the children of one of them. */
  openNursery(parent: Papers): Promise<ChildPlace>
}

/** Where children of one agent are opened. */
export interface ChildPlace {
  bear(born: Born): Promise<readonly Agent[]>
}

/** One agent's place in its node: how it is opened, and what follows when it closes. */
export class Residence implements AgentParts {
  readonly papers: Papers
  readonly inbox: OpenTopic
  readonly epoch: number
  readonly taskRecords: TaskRecords | null
  readonly #house: House
  readonly #closing: () => void
  #nursery: Promise<ChildPlace> | undefined

  constructor(
    house: House,
    own: Pick<AgentParts, 'papers' | 'inbox' | 'epoch' | 'taskRecords'>,
    closing: () => void,
  ) {
    this.#house = house
    this.papers = own.papers
    this.inbox = own.inbox
    this.epoch = own.epoch
    this.taskRecords = own.taskRecords
    const leave = house.core.relaying.carriers?.enter(own.papers)
    this.#closing = () => {
      leave?.()
      closing()
    }
  }

  get core(): Core {
    return this.#house.core
  }

  get abilities(): AgentAbilities {
    return this.#house.abilities
  }

  async bear(born: Born): Promise<readonly Agent[]> {
    const nursery = await (this.#nursery ??= this.#house.openNursery(this.papers))
    return await nursery.bear(born)
  }

  closed(agent: Agent): void {
    this.#house.agents.delete(agent)
    this.#closing()
  }
}
