import {
  AgentError,
  boundUntil,
  EVENT_LIFESPAN_MS,
  type Agent,
  type FanOut,
  type Group,
  type IncomingRequest,
  type Message,
  type Queue,
  type Receipt,
  type Task,
  type TaskReceipt,
} from '@ixj/agent'
import { toHex, TrustError } from '@ixj/trust'
import { answerTo } from './checks/forgery.ts'
import type { EntryOf, History } from './history.ts'
import type { Machine } from './machine.ts'

/** Messages that a reader here may leave unread; nobody here is slow. */
const QUEUE_MAX = 4_096

/** How long things here are worth something: what is sent to one, and what asks for an answer. */
const SEND_MS = 60_000
const REQUEST_MS = 5_000
const TASK_MS = 120_000

/** A task takes none, one or two of these. */
const WORK_MS = 400

/** What a resident needs of its town. */
export interface Town {
  readonly history: History
  /** The next number of a name, over all its lives. */
  nextNumber(name: string): number
  /** A name for its next life. */
  nextLife(name: string): string
  /** Calls this so much later, by the true time. */
  later(ms: number, run: () => void): void
}

/** One life of one agent: it reads everything, answers every request, and says what it is told to. */
export class Resident {
  readonly agent: Agent
  readonly life: string
  readonly #town: Town
  readonly #machine: Machine
  readonly #groups = new Map<string, Group>()
  #ended = false

  constructor(agent: Agent, machine: Machine, town: Town) {
    this.agent = agent
    this.life = town.nextLife(agent.name)
    this.#machine = machine
    this.#town = town
    const { name, identity } = agent
    town.history.add({ kind: 'opened', agent: name, node: machine.name, life: this.life })
    town.history.add({ kind: 'bound', agent: name, notAfter: boundUntil(identity) })
    town.history.watch(this.#read(agent.messages({ queueMax: QUEUE_MAX })))
    town.history.watch(this.#serve(agent.requests()))
    town.history.watch(this.#work(agent.tasks()))
  }

  isOn(node: string): boolean {
    return this.#machine.name === node
  }

  async join(topic: string): Promise<void> {
    if (this.#groups.has(topic)) return
    const group = await this.agent.join(topic)
    this.#groups.set(topic, group)
    this.#town.history.add({ kind: 'joined', life: this.life, topic })
    this.#town.history.watch(this.#read(group.messages({ queueMax: QUEUE_MAX })))
  }

  async leave(topic: string): Promise<void> {
    const group = this.#groups.get(topic)
    if (group === undefined) return
    this.#groups.delete(topic)
    this.#town.history.add({ kind: 'left', life: this.life, topic })
    await group[Symbol.asyncDispose]()
  }

  get topics(): readonly string[] {
    return [...this.#groups.keys()]
  }

  /** Publishes that many, one after the other without waiting. */
  async publish(topic: string, count: number, to: readonly string[] | null): Promise<void> {
    const group = this.#groups.get(topic)
    if (group === undefined) return
    const options = to === null ? {} : { to }
    const all = Array.from({ length: count }, () =>
      this.#say({ topic, action: 'publish', to, lifespanMs: EVENT_LIFESPAN_MS }, (body) =>
        group.publish(body, options),
      ),
    )
    await Promise.all(all)
  }

  async send(topic: string, count: number): Promise<void> {
    const all = Array.from({ length: count }, () =>
      this.#say({ topic, action: 'publish', to: null, lifespanMs: SEND_MS }, (body) =>
        this.agent.send(topic, body, { lifespanMs: SEND_MS }),
      ),
    )
    await Promise.all(all)
  }

  /** Has others do something: the one whose name the topic is, or some of a group. */
  async task(topic: string, to: readonly string[] | null): Promise<void> {
    const group = this.#groups.get(topic)
    const how = { class: 'task', lifespanMs: TASK_MS } as const
    await this.#say({ topic, action: 'task', to, lifespanMs: TASK_MS }, (body) => {
      if (to === null) return this.agent.send(topic, body, how)
      if (group === undefined) throw new AgentError('closed', `${topic} was left`)
      return group.publish(body, { ...how, to })
    })
  }

  /** Sets a register of its own. */
  set(topic: string, value: number): void {
    this.#groups.get(topic)?.state.set('value', value)
  }

  async request(topic: string): Promise<void> {
    const asked = { topic, action: 'request', to: null, lifespanMs: REQUEST_MS } as const
    await this.#say(asked, async (body, label) => {
      const answer = await this.agent.request(topic, body, { lifespanMs: REQUEST_MS })
      this.#answered(label, answer)
    })
  }

  async fanOut(topic: string): Promise<void> {
    const group = this.#groups.get(topic)
    if (group === undefined) return
    const asked = { topic, action: 'request', to: null, lifespanMs: REQUEST_MS } as const
    await this.#say(asked, async (body, label) => {
      const run: FanOut = group.fanOut(body, { lifespanMs: REQUEST_MS })
      for await (const reply of run) {
        if (reply.status === 'replied') this.#answered(label, reply.message)
      }
    })
  }

  /** A sub-agent beside it that may write to a group and read it. */
  async spawn(label: string, group: string, lifetimeMs: number): Promise<Resident> {
    const grants = [{ actions: ['publish', 'subscribe'], topics: [group] }] as const
    const agent = await this.agent.spawn(label, { lifetimeSeconds: lifetimeMs / 1_000, grants })
    return new Resident(agent, this.#machine, this.#town)
  }

  /** Closes it, as an application does. */
  async close(): Promise<void> {
    this.ended()
    await this.agent[Symbol.asyncDispose]()
  }

  /** Notes whom it thinks to be there, and what it knows of the others' state. */
  tellView(): void {
    for (const [topic, group] of this.#groups) {
      const members = group.members().map(({ name }) => name)
      const { life } = this
      this.#town.history.add({ kind: 'roster', life, topic, members })
      const { digest, registers } = group.state.snapshot()
      const entry = { life, topic, digest: toHex(digest), registers: registers.length }
      this.#town.history.add({ kind: 'digest', ...entry })
    }
  }

  /** Notes that it is over, by a crash of its machine or otherwise. */
  ended(): void {
    this.#ended = true
    this.#town.history.add({ kind: 'ended', life: this.life })
  }

  async #say(
    said: Pick<EntryOf<'said'>, 'topic' | 'action' | 'to' | 'lifespanMs'>,
    send: (body: string, label: string) => Promise<Receipt | TaskReceipt | void>,
  ): Promise<void> {
    const { history } = this.#town
    const { name } = this.agent
    const label = `${name}#${this.#town.nextNumber(name)}`
    const body = `${label} ${'.'.repeat(label.length % 7)}`
    history.add({ kind: 'said', label, body, by: name, life: this.life, ...said })
    try {
      const receipt = await send(body, label)
      if (receipt === undefined) history.add({ kind: 'done', label })
      else {
        const expected = 'acknowledged' in receipt ? receipt.acknowledged.expected : []
        const { id, peers } = receipt
        history.add({ kind: 'handed', label, id: toHex(id), peers, expected })
      }
    } catch (cause) {
      history.add({ kind: 'unsaid', label, code: codeOf(cause) })
    }
  }

  #answered(label: string, { sender, body }: Message): void {
    this.#town.history.add({ kind: 'answered', label, by: sender, body: textOf(body) })
  }

  async #read(queue: Queue<Message>): Promise<void> {
    let lost = 0
    for await (const message of queue) {
      this.#heard(message)
      if (queue.lost === lost) continue
      const { history } = this.#town
      history.add({ kind: 'lost', by: this.agent.name, life: this.life, count: queue.lost - lost })
      lost = queue.lost
    }
  }

  async #serve(requests: AsyncIterable<IncomingRequest>): Promise<void> {
    for await (const request of requests) {
      this.#heard(request)
      this.#town.history.watch(this.#reply(request))
    }
  }

  /** Does every task in a while; of some it fails at the first attempt. */
  async #work(tasks: AsyncIterable<Task>): Promise<void> {
    for await (const task of tasks) {
      this.#heard(task)
      const { attempt } = task
      const entry = { label: labelOf(task.body), by: this.agent.name, life: this.life, attempt }
      this.#town.history.add({ kind: 'took', ...entry })
      const weight = entry.label.length + entry.by.length
      if (attempt === 1 && weight % 4 === 0) task.fail()
      else this.#town.later(WORK_MS * (weight % 3), () => this.#end(task))
    }
  }

  /** Nothing is done any more when the life is over. */
  #end(task: Task): void {
    if (!this.#ended) this.#town.history.watch(this.#do(task))
  }

  async #do(task: Task): Promise<void> {
    await task.done()
    const { attempt, body } = task
    const { name } = this.agent
    this.#town.history.add({
      kind: 'did',
      label: labelOf(body),
      by: name,
      life: this.life,
      attempt,
    })
  }

  async #reply(request: IncomingRequest): Promise<void> {
    try {
      await request.reply(answerTo(labelOf(request.body), this.agent.name))
    } catch (cause) {
      codeOf(cause)
    }
  }

  #heard(message: Message): void {
    const { id, sender, topic, gap, late, body } = message
    this.#town.history.add({
      kind: 'heard',
      label: labelOf(body),
      body: textOf(body),
      by: this.agent.name,
      life: this.life,
      sender,
      topic,
      class: message.class,
      id: toHex(id),
      gap,
      late,
      localTime: this.#machine.time,
    })
  }
}

/** Everything said here is text. */
function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}

/** The label is the first word of a body. */
function labelOf(body: unknown): string {
  return textOf(body).split(' ')[0] ?? ''
}

/** What a sender was told; whatever has no code is a bug, and ends the run. */
export function codeOf(cause: unknown): string {
  if (cause instanceof AgentError || cause instanceof TrustError) return cause.code
  throw cause
}
