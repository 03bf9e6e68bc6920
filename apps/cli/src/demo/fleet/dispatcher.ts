import { type Agent, AgentError, type Clock, type Group, type Gather } from '@ixj/agent'
import { type Cell, DOCKS, FLOOR, GATE, isCold, RACKS, SHELVES } from './floor-plan.ts'
import { FLOOR_GROUP, GATE_AGENT, REPORTS, ROBOTS } from './names.ts'
import { FLOOR_REGISTER, REFUSED_REGISTER } from './pose.ts'
import type { Refusals } from './refusals.ts'

/** Between two pieces of work that are given out. */
const WORK_MS = 1_200
/** How long bids are taken. */
const BIDS_MS = 900
/** How long the gate stays open for one approval. */
const GATE_MS = 45_000
/** How long a person has to let the gate open. */
const APPROVAL_MS = 60_000
/** Reports of so long come together. */
const REPORTS_MS = 4_000
/** One in so many jobs is in the cold store. */
const COLD_EVERY = 5

/** What a dispatcher works with. */
export interface DispatcherParts {
  readonly agent: Agent
  readonly gate: Agent
  readonly floor: Group
  readonly reports: Gather
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly chance: () => number
  readonly failed: (cause: unknown) => void
  /** What its node refuses, which it tells on the floor. */
  readonly refusals: Refusals
}

/** Gives out work to robots, 1×N, and hears what they have done, N×1; one writer decides who does it. */
export class Dispatcher implements AsyncDisposable {
  readonly #parts: DispatcherParts
  #number = 0
  #gateOpenUntil = 0
  #asksGate = false
  #cancel: () => void = () => {}
  #closed = false

  /** Use {@link openDispatcher}. */
  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.#hearGate().catch(parts.failed)
    this.#hearReports().catch(parts.failed)
    this.#turn()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#cancel()
    await this.#parts.gate[Symbol.asyncDispose]()
    await this.#parts.agent[Symbol.asyncDispose]()
  }

  #turn(): void {
    if (this.#closed) return
    const { clock, floor, failed, refusals } = this.#parts
    const isOpen = clock.now() < this.#gateOpenUntil
    floor.state.set(FLOOR_REGISTER, [
      FLOOR.width,
      FLOOR.height,
      RACKS.map((rack) => [...rack]),
      [...GATE],
      isOpen,
    ])
    if (refusals.value.length > 0) floor.state.set(REFUSED_REGISTER, refusals.value)
    this.#cancel = clock.at(clock.now() + WORK_MS, () => this.#turn())
    this.#giveOut(isOpen).catch(failed)
  }

  async #giveOut(isOpen: boolean): Promise<void> {
    this.#number += 1
    const job = this.#number
    const isForCold = job % COLD_EVERY === 0
    if (isForCold && !isOpen) {
      void this.#askForGate(job)
      return
    }
    const shelves = SHELVES.filter((shelf) => isCold(shelf) === isForCold)
    const from = this.#pick(shelves)
    const to = this.#pick(DOCKS)
    try {
      const winner = await this.#cheapest(job, from)
      if (winner === undefined) return
      const { agent } = this.#parts
      const order = ['fetch', job, pair(from), pair(to)]
      await agent.request(winner, order, { lifespanMs: BIDS_MS })
    } catch (cause) {
      // Nobody is there, or the winner has gone meanwhile: the next turn gives out other work.
      if (!(cause instanceof AgentError)) throw cause
    }
  }

  /** 1×N: everybody is asked, the nearest gets it. */
  async #cheapest(job: number, from: Cell): Promise<string | undefined> {
    const { floor } = this.#parts
    const to = `*.${ROBOTS}`
    const run = floor.fanOut(['who-fetches', job, pair(from)], { to, lifespanMs: BIDS_MS })
    let best: { readonly name: string; readonly metres: number } | undefined
    for await (const reply of run) {
      if (reply.status !== 'replied' || typeof reply.message.body !== 'number') continue
      const metres = reply.message.body
      if (best === undefined || metres < best.metres) best = { name: reply.name, metres }
    }
    return best?.name
  }

  /** Its grant lets it write to the gate only with the approval of a person, once for each message. */
  async #askForGate(job: number): Promise<void> {
    if (this.#asksGate) return
    this.#asksGate = true
    const { agent, failed } = this.#parts
    try {
      const text = `Open the cold store for 45 seconds: job ${job} lies in it`
      await agent.send(GATE_AGENT, text, { lifespanMs: APPROVAL_MS })
    } catch (cause) {
      // Refused, or nobody was there to ask: the cold store stays closed.
      if (!(cause instanceof AgentError)) failed(cause)
    } finally {
      this.#asksGate = false
    }
  }

  async #hearGate(): Promise<void> {
    const { gate, clock } = this.#parts
    for await (const message of gate.messages()) {
      if (message.sender === this.#parts.agent.name) this.#gateOpenUntil = clock.now() + GATE_MS
    }
  }

  async #hearReports(): Promise<void> {
    const { reports, floor } = this.#parts
    for await (const { messages, senders } of reports) {
      try {
        const jobs = messages.length === 1 ? '1 job' : `${messages.length} jobs`
        const robots = senders === 1 ? '1 robot' : `${senders} robots`
        await floor.publish(`${jobs} reported done by ${robots}`)
      } catch (cause) {
        // Nobody could be handed it; it was for people, and the next one tells as much.
        if (!(cause instanceof AgentError)) throw cause
      }
    }
  }

  #pick(cells: readonly Cell[]): Cell {
    return cells[Math.floor(this.#parts.chance() * cells.length)]!
  }
}

/** Opens the dispatcher and the gate on agents of their names. @throws AgentError as `join`, `gather` */
export async function openDispatcher(
  agents: { readonly agent: Agent; readonly gate: Agent },
  options: Pick<DispatcherParts, 'clock' | 'chance' | 'failed' | 'refusals'>,
): Promise<Dispatcher> {
  const floor = await agents.agent.join(FLOOR_GROUP)
  const reports = await agents.agent.gather(REPORTS, { windowMs: REPORTS_MS })
  return new Dispatcher({ ...agents, ...options, floor, reports })
}

function pair({ column, row }: Cell): [number, number] {
  return [column, row]
}
