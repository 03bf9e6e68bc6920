import type { Agent, Body, IncomingRequest, Message } from '@ixj/agent'
import { isKnownLicence, tableOf } from '../licence-table.ts'
import { COUNSEL, LEDGER, PLANNER, RESULTS } from '../setup.ts'
import { openRole, untilEnd, type RoleOptions } from './opening.ts'

/** How long the ledger waits for results that the planner asks for before it calls them missing. */
const RESULTS_WAIT_MS = 2_000

/** Fans the results in (N×1), and asks counsel about licences that it does not know (1×1). */
export async function runLedger(options: RoleOptions): Promise<void> {
  const node = await openRole('ledger', options, [PLANNER])
  const agent = await node.openAgent(LEDGER)
  const ledger = new Ledger(agent, options.signal)
  void ledger.take()
  void ledger.answer()
  await untilEnd('ledger', node, { signal: options.signal, sent: () => ledger.sent })
}

class Ledger {
  readonly #agent: Agent
  readonly #signal: AbortSignal
  readonly #licences = new Map<string, string>()
  readonly #rulings = new Map<string, Promise<string>>()
  readonly #delays: number[] = []
  readonly #waiting = new Set<() => void>()
  sent = 0

  constructor(agent: Agent, signal: AbortSignal) {
    this.#agent = agent
    this.#signal = signal
  }

  async take(): Promise<void> {
    await using results = await this.#agent.gather(RESULTS, { quorum: 8, windowMs: 20 })
    for await (const batch of results) {
      for (const message of batch.messages) this.#enter(message)
      for (const look of this.#waiting) look()
    }
  }

  async answer(): Promise<void> {
    for await (const request of this.#agent.requests({ signal: this.#signal })) {
      void this.#reply(request)
    }
  }

  #enter(message: Message): void {
    const { folder, licence } = message.body as { folder?: Body; licence?: Body }
    if (typeof folder !== 'string' || typeof licence !== 'string') return
    this.#delays.push(Date.now() - message.sentAt)
    // A folder that was given to a second worker counts once.
    this.#licences.set(folder, licence)
    if (!isKnownLicence(licence) && !this.#rulings.has(licence)) {
      this.#rulings.set(licence, this.#ask(licence))
    }
  }

  async #ask(licence: string): Promise<string> {
    this.sent += 1
    const answer = await this.#agent.request(COUNSEL, licence)
    return typeof answer.body === 'string' ? answer.body : 'no ruling that can be read'
  }

  async #reply(request: IncomingRequest): Promise<void> {
    const { folders } = request.body as { folders?: unknown }
    try {
      await request.reply(Array.isArray(folders) ? await this.#missing(folders) : await this.#sum())
    } catch (cause) {
      await request.fail(String(cause))
    }
    this.sent += 1
  }

  /** Which of these folders have no result, after those under way had time to come. */
  async #missing(folders: readonly unknown[]): Promise<Body> {
    const left = () => folders.filter((each) => !this.#licences.has(String(each))).map(String)
    await new Promise<void>((resolve) => {
      const look = () => {
        if (left().length > 0) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        resolve()
      }, RESULTS_WAIT_MS)
      this.#waiting.add(look)
      look()
    })
    return left()
  }

  async #sum(): Promise<Body> {
    const rulings: [string, string][] = []
    for (const [licence, ruling] of this.#rulings) rulings.push([licence, await ruling])
    const delays = this.#delays.toSorted((left, right) => left - right)
    const at = (part: number) =>
      delays[Math.min(delays.length - 1, Math.floor(delays.length * part))] ?? 0
    return {
      packages: this.#licences.size,
      table: tableOf(this.#licences.values()),
      rulings: rulings.toSorted(([left], [right]) => (left < right ? -1 : 1)),
      delivery: { count: delays.length, p50: at(0.5), p99: at(0.99) },
    }
  }
}
