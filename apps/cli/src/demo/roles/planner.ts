import { AgentError, type Agent, type Body, type Group, type Member } from '@ixj/agent'
import { isBelow } from '@ixj/names'
import { tell, type JobResult } from '../events.ts'
import { findPackages } from '../packages.ts'
import { CREW, LEDGER, PLANNER, RESULTS } from '../setup.ts'
import { tellOwnRefusal } from './own-refusal.ts'
import { openRole, untilEnd, type RoleOptions } from './opening.ts'

/** Workers that the job begins with. */
const WORKERS = 8
const WORKER_NAMES: ReadonlySet<string> = new Set(
  Array.from({ length: WORKERS }, (_, index) => `w${index + 1}.${PLANNER}`),
)
/** Folders in one round: its list stays far below what a bundle holds. */
const ROUND_FOLDERS = 64
/** How long a round is worth waiting for. */
const ROUND_LIFESPAN_MS = 5_000
/** How long a worker's name lives. */
const WORKER_SECONDS = 600
/** How long an answer of the ledger is worth waiting for, and how often it is asked. */
const ANSWER_LIFESPAN_MS = 8_000
const ANSWER_TRIES_MAX = 4
/** Rounds without any progress before the job is given up. */
const IDLE_ROUNDS_MAX = 5

/** Takes workers in, fans the folders out in rounds (1×N), and gives again what went missing. */
export async function runPlanner(options: RoleOptions & { readonly root: string }): Promise<void> {
  const node = await openRole('planner', options, [])
  const agent = await node.openAgent(PLANNER)
  const planner = new Planner(agent, options)
  void planner.takeIn()
  void planner.askForOthers()
  await planner.run()
  await untilEnd('planner', node, { signal: options.signal, sent: () => planner.sent })
}

class Planner {
  readonly #agent: Agent
  readonly #options: RoleOptions & { readonly root: string }
  readonly #missing = new Set<string>()
  #bornFrom = 0
  #bornTo = 0
  #born = 0
  #reassigned = 0
  sent = 0

  constructor(agent: Agent, options: RoleOptions & { readonly root: string }) {
    this.#agent = agent
    this.#options = options
  }

  /** Gives every worker of our nodes its name, a binding and its grants. */
  async takeIn(): Promise<void> {
    for await (const offer of this.#agent.offers({ signal: this.#options.signal })) {
      const isWorker = WORKER_NAMES.has(offer.name)
      if (this.#born === 0) this.#bornFrom = performance.now()
      await offer.bind({
        lifetimeSeconds: WORKER_SECONDS,
        grants: isWorker
          ? [
              { actions: ['publish', 'subscribe', 'answer'], topics: [CREW] },
              { actions: ['publish'], topics: [RESULTS] },
            ]
          : [{ actions: ['publish', 'subscribe'], topics: [CREW] }],
      })
      this.sent += 1
      if (!isWorker) continue
      this.#born += 1
      this.#bornTo = performance.now()
    }
  }

  /** Asks the ledger for whoever asks: on their behalf, and never by what it may do itself. */
  async askForOthers(): Promise<void> {
    for await (const request of this.#agent.requests({ signal: this.#options.signal })) {
      this.sent += 1
      try {
        const answer = await this.#agent.request(LEDGER, request.body, { for: request })
        await request.reply(answer.body)
      } catch (cause) {
        if (!(cause instanceof AgentError)) throw cause
        tellOwnRefusal(request, { agent: this.#agent, topic: LEDGER, cause })
        await request.refuse(cause.code, cause.message)
      }
    }
  }

  /** The whole job. */
  async run(): Promise<void> {
    const crew = await this.#agent.join(CREW, { signal: this.#options.signal })
    void this.#listen(crew)
    const members = await this.#waitForCrew(crew)
    tell({ event: 'crew', members: members.map((member) => member.name) })
    const began = performance.now()
    const folders = await findPackages(this.#options.root)
    const rounds = await this.#fanOut(crew, folders)
    const summary = await this.#ask({ sum: true })
    const state = stateOf(crew)
    const { packages, table, rulings, delivery } = summary as unknown as JobResult
    tell({
      event: 'done',
      result: {
        packages,
        table,
        rulings,
        delivery,
        state,
        missing: [...this.#missing].toSorted(),
        reassigned: this.#reassigned,
        rounds,
        births: { count: this.#born, milliseconds: this.#bornTo - this.#bornFrom },
        milliseconds: performance.now() - began,
      },
    })
  }

  /** Every member's progress, as it tells it to all (N×N). */
  async #listen(crew: Group): Promise<void> {
    for await (const message of crew.messages({ signal: this.#options.signal })) {
      const { text } = message.body as { text?: unknown }
      if (typeof text === 'string') tell({ event: 'heard', role: 'planner', text })
    }
  }

  async #waitForCrew(crew: Group): Promise<readonly Member[]> {
    await using changes = crew.presence({ signal: this.#options.signal })
    if (workersOf(crew).length >= WORKERS) return workersOf(crew)
    for await (const change of changes) {
      if (change.kind === 'joined' && workersOf(crew).length >= WORKERS) break
    }
    return workersOf(crew)
  }

  async #fanOut(crew: Group, all: readonly string[]): Promise<number> {
    const open = [...all]
    const started = workersOf(crew).map((member) => member.name)
    let rounds = 0
    let idle = 0
    while (open.length > 0) {
      const folders = open.splice(0, ROUND_FOLDERS)
      rounds += 1
      const again = await this.#round(crew, folders, rounds)
      const present = new Set<string>(workersOf(crew).map((member) => member.name))
      this.#note(started.filter((name) => !present.has(name)))
      idle = again.length === folders.length ? idle + 1 : 0
      if (idle > IDLE_ROUNDS_MAX)
        throw new Error(`No worker took a folder in ${IDLE_ROUNDS_MAX} rounds`)
      this.#reassigned += again.length
      open.push(...again)
      const done = all.length - open.length
      tell({ event: 'progress', done, total: all.length, workers: present.size })
      crew.state.set('progress', [done, all.length])
      this.sent += 1
    }
    return rounds
  }

  /** One round; gives the folders that nobody brought to the ledger. */
  async #round(crew: Group, folders: readonly string[], round: number): Promise<readonly string[]> {
    const workers = workersOf(crew).map((member) => member.name)
    const body = { root: this.#options.root, workers, folders }
    tell({ event: 'round', round, folders: folders.length })
    const run = crew.fanOut(body, { to: `*.${PLANNER}`, lifespanMs: ROUND_LIFESPAN_MS })
    this.sent += 1
    for await (const reply of run) {
      if (reply.status !== 'replied') this.#note([reply.name])
    }
    this.#note(run.missing)
    const left = await this.#ask({ folders })
    return (left as readonly unknown[]).map(String)
  }

  /** Asks the ledger, and again if no answer comes: what it is asked has no effect, so that is safe. */
  async #ask(question: Body): Promise<Body> {
    for (let tries = 1; ; tries++) {
      this.sent += 1
      try {
        const options = { lifespanMs: ANSWER_LIFESPAN_MS }
        return (await this.#agent.request(LEDGER, question, options)).body
      } catch (cause) {
        const isLost = cause instanceof AgentError && cause.code === 'no-answer'
        if (!isLost || tries === ANSWER_TRIES_MAX) throw cause
      }
    }
  }

  #note(names: readonly string[]): void {
    const fresh = names.filter((name) => !this.#missing.has(name))
    if (fresh.length === 0) return
    for (const name of fresh) this.#missing.add(name)
    tell({ event: 'missing', names: fresh })
  }
}

/** What the group's registers say at this moment. */
function stateOf(crew: Group): JobResult['state'] {
  const { registers } = crew.state.snapshot()
  const done = registers
    .filter(({ register }) => register === 'done')
    .reduce((sum, { value }) => sum + Number(value), 0)
  const oldestMs = Math.max(0, ...registers.map(({ age }) => age[1]))
  return { registers: registers.length, oldestMs, done }
}

/** Members that may be asked and whose name lies below the planner's. */
function workersOf(crew: Group): readonly Member[] {
  return crew.members().filter((member) => member.answers && isBelow(member.name, PLANNER))
}
