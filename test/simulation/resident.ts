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

/** What a resident needs of its town. */
export interface Town {
  readonly history: History
  /** The next number of a name, over all its lives. */
  nextNumber(name: string): number
  /** A name for its next life. */
  nextLife(name: string): string
}

/** One life of one agent: it reads everything, answers every request, and says what it is told to. */
export class Resident {
  readonly agent: Agent
  readonly life: string
  readonly #town: Town
  readonly #machine: Machine
  readonly #groups = new Map<string, Group>()

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

  /** Notes whom it thinks to be there. */
  tellRosters(): void {
    for (const [topic, group] of this.#groups) {
      const members = group.members().map(({ name }) => name)
      this.#town.history.add({ kind: 'roster', life: this.life, topic, members })
    }
  }

  /** Notes that it is over, by a crash of its machine or otherwise. */
  ended(): void {
    this.#town.history.add({ kind: 'ended', life: this.life })
  }

  async #say(
    said: Pick<EntryOf<'said'>, 'topic' | 'action' | 'to' | 'lifespanMs'>,
    send: (body: string, label: string) => Promise<{ id: Uint8Array; peers: number } | void>,
  ): Promise<void> {
    const { history } = this.#town
    const { name } = this.agent
    const label = `${name}#${this.#town.nextNumber(name)}`
    const body = `${label} ${'.'.repeat(label.length % 7)}`
    history.add({ kind: 'said', label, body, by: name, life: this.life, ...said })
    try {
      const receipt = await send(body, label)
      if (receipt === undefined) history.add({ kind: 'done', label })
      else history.add({ kind: 'handed', label, id: toHex(receipt.id), peers: receipt.peers })
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
