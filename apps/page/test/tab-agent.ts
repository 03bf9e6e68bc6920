import type { Name } from '@ixj/names'
import type { OpenedPage } from './opened-page.ts'
import type { RelayPair } from './relay-pair.ts'
import type { Verb } from './tab-program.ts'

/** Where an agent of a tab lives. */
export type Thread = 'here' | 'inWorker'

/** What was heard in the group of an agent in a tab. */
interface Heard {
  readonly bodies: readonly unknown[]
  readonly missing: number
}

/** An agent in a tab, told by a test what to do: tab-program.ts runs there. */
export class TabAgent implements AsyncDisposable {
  readonly name: Name
  readonly opened: OpenedPage
  readonly #thread: Thread

  private constructor(name: Name, opened: OpenedPage, thread: Thread) {
    this.name = name
    this.opened = opened
    this.#thread = thread
  }

  /** Makes a key in a tab, has it bound, joins the crew, and waits until it is one of them. */
  static async open(
    pair: RelayPair,
    opened: OpenedPage,
    { name, thread = 'here' }: { readonly name: Name; readonly thread?: Thread },
  ): Promise<TabAgent> {
    const agent = new TabAgent(name, opened, thread)
    const key = await agent.#call('makeKey', name)
    const ticket = await pair.ticketFor(name, String(key))
    await agent.#call('listen', { name, ticket, topic: pair.crew.topic })
    await agent.relays(2)
    await pair.present([name])
    return agent
  }

  /** Waits until so many messages of the group were heard. */
  heard(count: number): Promise<Heard> {
    return this.#call('heard', count) as Promise<Heard>
  }

  /** Waits until all of these were heard in the group; gives them as often as they were, sorted. */
  hears(wanted: readonly string[]): Promise<unknown> {
    return this.#call('hears', wanted)
  }

  /** Waits until exactly so many relays have admitted it. */
  async relays(count: number): Promise<void> {
    await this.#call('relays', count)
  }

  /** Waits until it sees all of these in the group. */
  async members(names: readonly string[]): Promise<void> {
    await this.#call('members', names)
  }

  /** Whom it sees in the group now. */
  async membersNow(): Promise<readonly string[]> {
    return (await this.#call('membersNow', null)) as readonly string[]
  }

  /** Waits until it has refused a bundle with this code. */
  async refused(code: string): Promise<void> {
    await this.#call('refused', code)
  }

  async publish(body: string): Promise<void> {
    await this.#call('publish', body)
  }

  /** What one answers. */
  ask(to: string, body: string): Promise<unknown> {
    return this.#call('ask', { to, body })
  }

  /** What all in the group answer, sorted. */
  askAll(body: string): Promise<unknown> {
    return this.#call('askAll', body)
  }

  /** Begins to gather an inbox. */
  async gather(topic: string): Promise<void> {
    await this.#call('gather', topic)
  }

  /** Waits until so many messages were gathered, and gives them sorted. */
  gathered(count: number): Promise<unknown> {
    return this.#call('gathered', count)
  }

  /** Sends a task, and waits until its receiver has it. */
  async send(to: string, body: string): Promise<void> {
    await this.#call('send', { to, body })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened[Symbol.asyncDispose]()
  }

  async #call(verb: Verb, argument: unknown): Promise<unknown> {
    // As text: what runs in the page is no code of this process.
    const words = `${JSON.stringify(verb)}, ${JSON.stringify(argument)}`
    return await this.opened.page.evaluate(
      `import('/ixj-0.1.0.js').then((ixj) => ixj.${this.#thread}(${words}))`,
    )
  }
}
