import { type Agent, AgentError, type Clock, type Group, type IncomingRequest } from '@ixj/agent'
import { DISPATCH, FLOOR_GROUP, REPORTS } from './names.ts'
import { DOCKS } from './floor-plan.ts'
import {
  FLOOR_REGISTER,
  isGateOpen,
  othersIn,
  POSE,
  poseOf,
  readCell,
  REFUSED_REGISTER,
} from './pose.ts'
import type { Refusals } from './refusals.ts'
import { RobotBody } from './robot-body.ts'

/** How often a robot decides, and tells where it is. */
const STEP_MS = 200
/** How long a report is tried, while the dispatcher cannot be reached. */
const REPORT_MS = 60_000

/** What a robot works with besides its agent. */
export interface RobotOptions {
  readonly clock: Clock
  readonly failed: (cause: unknown) => void
  /** What its node refuses, which it tells on the floor. */
  readonly refusals: Refusals
}

/** A robot that works until it is disposed of: it moves, bids for work, and does what it is told. */
export class Robot implements AsyncDisposable {
  readonly body: RobotBody
  readonly #agent: Agent
  readonly #floor: Group
  readonly #clock: Clock
  readonly #failed: (cause: unknown) => void
  readonly #refusals: Refusals
  #cancel: () => void = () => {}

  /** Use {@link openRobot}. */
  constructor(
    parts: { readonly agent: Agent; readonly floor: Group; readonly number: number },
    options: RobotOptions,
  ) {
    this.#agent = parts.agent
    this.#floor = parts.floor
    this.#clock = options.clock
    this.#failed = options.failed
    this.#refusals = options.refusals
    this.body = new RobotBody(parts.agent.name, DOCKS[(parts.number * 2) % DOCKS.length]!)
    this.#answer().catch(options.failed)
    this.#step()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancel()
    await this.#agent[Symbol.asyncDispose]()
  }

  #step(): void {
    const now = this.#clock.now()
    this.#cancel = this.#clock.at(now + STEP_MS, () => this.#step())
    const { state } = this.#floor
    const done = this.body.step({
      now,
      others: othersIn(state.entries(), this.#agent.name),
      isGateOpen: isGateOpen(state.get(DISPATCH, FLOOR_REGISTER)),
    })
    state.set(POSE, poseOf(this.body))
    const { value } = this.#refusals
    if (value.length > 0) state.set(REFUSED_REGISTER, value)
    if (done !== undefined) this.#report(done.number).catch(this.#failed)
  }

  /** N×1: everybody reports to one inbox. */
  async #report(job: number): Promise<void> {
    try {
      await this.#agent.send(REPORTS, ['done', job], { class: 'task', lifespanMs: REPORT_MS })
    } catch (cause) {
      // The dispatcher was away for all that time: it gives the job out again.
      if (!(cause instanceof AgentError)) throw cause
    }
  }

  async #answer(): Promise<void> {
    for await (const request of this.#agent.requests()) {
      try {
        await this.#answerOne(request)
      } catch (cause) {
        // Who asked has gone: nobody waits for the answer.
        if (!(cause instanceof AgentError)) throw cause
      }
    }
  }

  async #answerOne(request: IncomingRequest): Promise<void> {
    const { body } = request
    const [verb, number, from, to] = Array.isArray(body) ? (body as readonly unknown[]) : []
    const [fetch, bring] = [readCell(from), readCell(to)]
    switch (verb) {
      case 'roll-call':
        return await request.reply([this.body.doing])
      case 'stop':
        this.body.stop()
        return await request.reply('it stands')
      case 'go':
        this.body.goOn()
        return await request.reply('it goes on')
      case 'who-fetches':
        if (fetch === undefined || this.body.job !== undefined || this.body.doing === 'stopped') {
          return await request.refuse('busy')
        }
        return await request.reply(this.body.distanceTo(fetch))
      case 'fetch':
        if (typeof number !== 'number' || fetch === undefined || bring === undefined) {
          return await request.refuse('unreadable')
        }
        if (!this.body.assign({ number, from: fetch, to: bring })) {
          return await request.refuse('busy')
        }
        return await request.reply('taken')
      default:
        return await request.refuse('unknown-verb')
    }
  }
}

/** Opens a robot on an agent of its own name. @throws AgentError as `join` */
export async function openRobot(
  agent: Agent,
  options: RobotOptions & { readonly number: number },
): Promise<Robot> {
  const floor = await agent.join(FLOOR_GROUP)
  return new Robot({ agent, floor, number: options.number }, options)
}
