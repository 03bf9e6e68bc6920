import { Worker } from 'node:worker_threads'
import type { HistoryAnswer, HistoryQuestion } from './history-questions.ts'

// Run from source, the file of the thread has the ending of sources.
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './history-worker.ts' : './history-worker.js',
  import.meta.url,
)

type Asked<Question> = Question extends unknown ? Omit<Question, 'number'> : never

/** The thread that has the file: questions are answered in their order. */
export class HistoryThread {
  readonly #worker: Worker
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #exited: Promise<void>
  #failure: Error | undefined
  #number = 0

  constructor(path: string) {
    this.#worker = new Worker(WORKER, { workerData: path, execArgv: [] })
    this.#worker.on('message', (answer: HistoryAnswer) => this.#take(answer))
    this.#worker.on('error', (cause) => this.#fail(cause))
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail(new Error('its thread has ended'))
        resolve()
      })
    })
  }

  /** Asks the thread. Throws what it failed with, and why it has ended. */
  async ask(question: Asked<HistoryQuestion>): Promise<unknown> {
    if (this.#failure !== undefined) throw this.#failure
    const number = (this.#number += 1)
    const answer = Promise.withResolvers<unknown>()
    this.#worker.postMessage({ ...question, number }, [])
    this.#asked.set(number, answer)
    return await answer.promise
  }

  /** Ends the thread when it has answered what was asked. */
  async end(): Promise<void> {
    await this.ask({ kind: 'close' }).catch(() => 'it has ended by itself, or does below')
    await this.#worker.terminate()
    await this.#exited
  }

  #take(answer: HistoryAnswer): void {
    const asked = this.#asked.get(answer.number)
    this.#asked.delete(answer.number)
    if ('failure' in answer) asked?.reject(new Error(answer.failure))
    else asked?.resolve(answer.value)
  }

  #fail(cause: Error): void {
    this.#failure ??= cause
    for (const asked of this.#asked.values()) asked.reject(this.#failure)
    this.#asked.clear()
  }
}
