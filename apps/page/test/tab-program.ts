// Runs in a page of a test, or in a worker of it, built into one file as the library is: an agent
// that does what the test tells it, and answers when something has come about.
import type { Body, Group, Queue } from '@ixj/agent'
import { type BrowserNode, openBrowserHome, openBrowserNode } from '@ixj/browser'
import { toBase64url } from '@ixj/trust'
import { bodyText } from '../src/views/body-text.ts'
import { keepTicket } from '../src/session/open-session.ts'
import { parseTicket } from '../src/session/ticket.ts'

/** Who an agent in a tab is, and what it joins. */
interface TabIdentity {
  readonly name: string
  readonly ticket: string
  readonly topic: string
}

/** What was heard in the group so far. */
interface Heard {
  readonly bodies: readonly Body[]
  /** Messages that were missing when their stream went on. */
  readonly missing: number
}

const bodies: Body[] = []
const gathered: Body[] = []
const refused: string[] = []
let missing = 0
let opened: { readonly node: BrowserNode; readonly group: Group } | undefined
const watchers = new Set<() => void>()

/** What can be asked of this program, here or in its worker. */
const verbs = {
  /** Makes the key of a name, and gives its public half in base64url. */
  async makeKey(name: string): Promise<string> {
    await using home = await openBrowserHome(name)
    return toBase64url((await home.signer()).publicKey)
  },

  /** Opens the name with what was stated of its key, joins a group, listens, and answers requests. */
  async listen({ name, ticket, topic }: TabIdentity): Promise<void> {
    const given = parseTicket(ticket)
    const home = await openBrowserHome(name)
    await keepTicket(home, given)
    const node = await openBrowserNode({ home, relays: given.relays, sharedState: true })
    const group = await node.agent.join(topic)
    opened = { node, group }
    node.relays?.onChange(changed)
    void follow(group.messages(), ({ body, gap }) => {
      bodies.push(body)
      missing += gap
    })
    void follow(node.decisions(), ({ about, code }) => {
      if (about === 'bundle' && code !== null) refused.push(code)
    })
    void follow(group.presence(), () => {})
    void follow(node.agent.requests(), (request) => {
      void request.reply(`${name} heard ${bodyText(request.body)}`)
    })
  },

  /** Waits until so many messages of the group were heard. */
  heard: (count: number): Promise<Heard> =>
    until(() => (bodies.length >= count ? { bodies, missing } : undefined)),

  /** Waits until all of these were heard in the group; gives them as often as they were, sorted. */
  hears: (wanted: readonly string[]): Promise<readonly string[]> =>
    until(() => {
      const found = bodies.map(bodyText).filter((body) => wanted.includes(body))
      return wanted.every((body) => found.includes(body)) ? found.toSorted() : undefined
    }),

  /** Waits until so many relays have admitted it: that many, and no more. */
  relays: (count: number): Promise<number> =>
    until(() => {
      const states = there().node.relays?.relays ?? []
      return states.filter(({ stands }) => stands === 'admitted').length === count
        ? count
        : undefined
    }),

  /** Waits until all of these are members of the group. */
  members: (names: readonly string[]): Promise<number> =>
    until(() => {
      const present = there()
        .group.members()
        .map(({ name }) => String(name))
      return names.every((name) => present.includes(name)) ? present.length : undefined
    }),

  /** Whom it sees in the group now. */
  membersNow: (): Promise<readonly string[]> =>
    Promise.resolve(
      there()
        .group.members()
        .map(({ name }) => name),
    ),

  /** Waits until a bundle was refused with this code. */
  refused: (code: string): Promise<number> =>
    until(() => refused.filter((each) => each === code).length || undefined),

  async publish(body: Body): Promise<void> {
    await there().group.publish(body)
  },

  /** 1×1: what one answers. */
  async ask({ to, body }: { readonly to: string; readonly body: Body }): Promise<Body> {
    const answer = await there().node.agent.request(to, body, { lifespanMs: 10_000 })
    return answer.body
  },

  /** 1×N: what all in the group answer, sorted. */
  async askAll(body: Body): Promise<readonly string[]> {
    const answers: string[] = []
    for await (const reply of there().group.fanOut(body, { lifespanMs: 10_000 })) {
      answers.push(reply.status === 'replied' ? bodyText(reply.message.body) : reply.status)
    }
    return answers.toSorted()
  },

  /** N×1: begins to gather what others send to an inbox. */
  async gather(topic: string): Promise<void> {
    const batches = await there().node.agent.gather(topic, { windowMs: 200 })
    void follow(batches, ({ messages }) => {
      gathered.push(...messages.map(({ body }) => body))
    })
  },

  /** Waits until so many messages were gathered, and gives them sorted. */
  gathered: (count: number): Promise<readonly string[]> =>
    until(() => (gathered.length >= count ? gathered.map(bodyText).toSorted() : undefined)),

  /** N×1: sends a task, and waits until its receiver has it. */
  async send({ to, body }: { readonly to: string; readonly body: Body }): Promise<void> {
    const { acknowledged } = await there().node.agent.send(to, body, {
      class: 'task',
      lifespanMs: 20_000,
    })
    await acknowledged.all()
  },
}

/** The names of what can be asked. */
export type Verb = keyof typeof verbs

/** Does one of the verbs in this thread. */
export async function here(verb: Verb, argument: unknown): Promise<unknown> {
  return await (verbs[verb] as (given: unknown) => Promise<unknown>)(argument)
}

let worker: Worker | undefined
const calls = new Map<number, PromiseWithResolvers<unknown>>()

/** A call to the worker. */
interface Asked {
  readonly call: number
  readonly verb: Verb
  readonly argument: unknown
}

/** What a call to the worker came to. */
interface Answered {
  readonly call: number
  readonly value?: unknown
  readonly fault?: string
}

/** Does one of the verbs in a worker of this page, which it starts on first use. */
export async function inWorker(verb: Verb, argument: unknown): Promise<unknown> {
  worker ??= startWorker()
  const call = calls.size
  const answer = Promise.withResolvers<unknown>()
  calls.set(call, answer)
  worker.postMessage({ call, verb, argument }, { transfer: [] })
  return await answer.promise
}

function startWorker(): Worker {
  const started = new Worker(import.meta.url, { type: 'module' })
  started.addEventListener('message', ({ data }: MessageEvent<Answered>) => {
    const answer = calls.get(data.call)
    if (data.fault === undefined) answer?.resolve(data.value)
    else answer?.reject(new Error(data.fault))
  })
  return started
}

if (globalThis.document === undefined) {
  addEventListener('message', (event) => {
    const { call, verb, argument } = (event as MessageEvent<Asked>).data
    here(verb, argument).then(
      (value) => postMessage({ call, value }),
      (cause: unknown) => postMessage({ call, fault: String(cause) }),
    )
  })
}

function there(): NonNullable<typeof opened> {
  if (opened === undefined) throw new Error('The agent is not open yet')
  return opened
}

async function follow<T>(source: AsyncIterable<T> | Queue<T>, take: (item: T) => void) {
  for await (const item of source) {
    take(item)
    changed()
  }
}

function changed(): void {
  for (const watcher of watchers) watcher()
}

/** Waits for something that a change may bring about. */
function until<T>(read: () => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const look = () => {
      const found = read()
      if (found === undefined) return
      watchers.delete(look)
      resolve(found)
    }
    watchers.add(look)
    look()
  })
}
