import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { StationCalls, StationStart } from './station-process.ts'

const PROGRAM = fileURLToPath(new URL('station-process.ts', import.meta.url))

/** One station of a fleet in a process of its own. */
export class RemoteStation implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #asked = new Map<
    number,
    { resolve: (result: never) => void; reject: (e: Error) => void }
  >()
  #id = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (told: { id: number; result: never; error?: string }) => {
      const asked = this.#asked.get(told.id)
      this.#asked.delete(told.id)
      if (told.error === undefined) asked?.resolve(told.result)
      else asked?.reject(new Error(told.error))
    })
    child.on('exit', (status, signal) => {
      for (const { reject } of this.#asked.values()) {
        reject(new Error(`The station ended: status ${status}, signal ${signal}`))
      }
    })
  }

  /** Starts it; `under` are words that stand before the command, such as `ip netns exec n1`. */
  static async start(
    start: StationStart,
    options: { readonly under?: readonly string[] } = {},
  ): Promise<RemoteStation> {
    const node = [process.execPath, '--conditions=ixj:src', PROGRAM, JSON.stringify(start)]
    const [command, ...words] = [...(options.under ?? []), ...node]
    // What one has compiled, when it is told to keep that, the later ones need not.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'ixj-compiled-stations') }
    const child = spawn(command!, words, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const station = new RemoteStation(child)
    await station.#answer(-1)
    return station
  }

  /** Has it do something. */
  call<C extends keyof StationCalls>(
    call: C,
    ...words: Parameters<StationCalls[C]>
  ): Promise<ReturnType<StationCalls[C]>> {
    const id = this.#id++
    this.#child.send({ id, call, words })
    return this.#answer(id)
  }

  #answer<T>(id: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#asked.set(id, { resolve, reject })
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#asked.clear()
    this.#child.kill('SIGKILL')
    await exited
  }
}
