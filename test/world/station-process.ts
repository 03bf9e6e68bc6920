import { flushCompileCache } from 'node:module'
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message, Task } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import type { Libp2pMesh } from '../../packages/node/src/mesh/libp2p-mesh.ts'
import { OUTBOUND_MESSAGES_BYTES_MAX } from '../../packages/node/src/mesh/limits.ts'
import { Fleet, type Station } from './fleet.ts'

/** How a station's process is started: its one argument, as JSON. */
export interface StationStart {
  readonly seed: number
  readonly now: number
  readonly index: number
  readonly listen?: readonly string[]
}

/** What a station has heard and noticed, since it was opened or last asked. */
export interface StationReport {
  /** Label of a sender to the numbers of its messages that came, in their order. */
  readonly received: Readonly<Record<string, readonly number[]>>
  /** From the call of publish to the reader, in ms, by this machine's one clock; as they came. */
  readonly latencies: readonly number[]
  /** Messages that the reader here was too slow for. */
  readonly lost: number
  /** The most bytes that ever waited for one neighbour. */
  readonly waitingBytesMax: number
  /** How long the first neighbour that was cut for it had had a full buffer, in ms. */
  readonly stalledMs: number | null
  readonly neighbours: number
  /** What was decided since it was opened, by code. */
  readonly decisions: Readonly<Record<string, number>>
  readonly mesh: Readonly<Record<string, number>>
  readonly cpuSeconds: number
}

/** How much a station publishes. */
export interface Load {
  readonly count: number
  readonly everyMs: number
  readonly bytes: number
  readonly class?: 'event' | 'task'
}

/** What came of that: numbers of messages, and codes of those that nobody took. */
export interface Published {
  readonly sent: readonly number[]
  readonly failed: readonly string[]
}

/** What a station's process does when it is told to. */
export interface StationCalls {
  address(): string
  keepDialing(address: string): null
  /** Reads no gossip any more. */
  deafen(): null
  sees(members: number, ms: number): null
  publish(load: Load): Published
  /** Waits until that many messages of a sender came since the last report; gives how many did. */
  got(sender: string, count: number, ms: number): number
  report(): StationReport
  /** Sets this member's register of shared state. */
  set(value: number): null
  /** The digest of shared state as it is seen here, and how many registers that is. */
  digest(): string
  /** Has Node write what it has compiled by now, for the stations that are started later. */
  keepCompiled(): null
  /** What the heap holds, in bytes, after a collection: now, and the most until the next call. */
  memory(): { readonly now: number; readonly most: number }
}

type Answers = {
  readonly [call in keyof StationCalls]: (
    ...words: Parameters<StationCalls[call]>
  ) => ReturnType<StationCalls[call]> | Promise<ReturnType<StationCalls[call]>>
}

const now = (): number => performance.timeOrigin + performance.now()

/** Notes what happens at one station. */
class Notes {
  readonly #station: Station
  #received: Record<string, number[]> = {}
  #latencies: number[] = []
  #lostBefore = 0
  #waitingBytesMax = 0
  #fullAt: number | undefined
  #cutAt: number | undefined

  readonly #inbox

  constructor(station: Station) {
    this.#station = station
    this.#inbox = station.crew.messages({ queueMax: 65_536 })
    void this.#read(this.#inbox)
    void this.#read(station.agent.tasks())
    setInterval(() => this.look(), 10).unref()
  }

  /** Looks at what waits for neighbours. */
  look(): void {
    const { mesh } = this.#station
    const waiting = mesh.waitingBytes()
    this.#waitingBytesMax = Math.max(this.#waitingBytesMax, waiting)
    if (mesh.counts.stalled > 0) this.#cutAt ??= now()
    if (this.#cutAt !== undefined) return
    this.#fullAt = waiting > OUTBOUND_MESSAGES_BYTES_MAX ? (this.#fullAt ?? now()) : undefined
  }

  report(): StationReport {
    const { mesh, host } = this.#station
    const { user, system } = process.cpuUsage()
    const report = {
      received: this.#received,
      latencies: this.#latencies,
      lost: this.#inbox.lost - this.#lostBefore,
      waitingBytesMax: this.#waitingBytesMax,
      stalledMs:
        this.#fullAt === undefined || this.#cutAt === undefined ? null : this.#cutAt - this.#fullAt,
      neighbours: host.neighbours.length,
      decisions: Object.fromEntries(host.counts),
      mesh: { ...mesh.counts },
      cpuSeconds: (user + system) / 1e6,
    }
    this.#received = {}
    this.#latencies = []
    this.#lostBefore = this.#inbox.lost
    return report
  }

  async got(sender: string, count: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      const found = this.#received[sender]?.length ?? 0
      if (found >= count || signal.aborted) return found
      await sleep(20)
    }
  }

  async #read(messages: AsyncIterable<Message | Task>): Promise<void> {
    for await (const message of messages) {
      const [number, sentAt] = message.body as readonly [number, number, Uint8Array]
      const received = (this.#received[message.sender.split('.')[0]!] ??= [])
      received.push(number)
      this.#latencies.push(now() - sentAt)
      if ('done' in message) await message.done()
    }
  }
}

/** Collecting takes some 30 ms, which the station must not lack. */
const COLLECT_MS = 500

/** What is still referred to: collects before it looks. */
class LiveMemory {
  readonly #collect: () => void
  #most = 0

  constructor() {
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc') as () => void
    setInterval(() => this.#look(), COLLECT_MS).unref()
  }

  read(): { readonly now: number; readonly most: number } {
    const live = this.#look()
    const most = this.#most
    this.#most = live
    return { now: live, most }
  }

  #look(): number {
    this.#collect()
    const { heapUsed, external } = process.memoryUsage()
    this.#most = Math.max(this.#most, heapUsed + external)
    return heapUsed + external
  }
}

/** The next number of a message: they go on over all loads. */
let next = 0

async function publish(station: Station, notes: Notes, load: Load): Promise<Published> {
  const [sent, failed]: [number[], string[]] = [[], []]
  const padding = new Uint8Array(load.bytes)
  const started = now()
  const running: Promise<void>[] = []
  for (let index = 0; index < load.count; index++) {
    const wait = started + index * load.everyMs - now()
    if (wait > 0) await sleep(wait)
    const number = next++
    const options = load.class === undefined ? {} : { class: load.class }
    const done = station.crew.publish([number, now(), padding], options).then(
      ({ peers }) => void (peers > 0 ? sent.push(number) : failed.push('nobody')),
      (cause: Error & { readonly code?: string }) => void failed.push(cause.code ?? cause.message),
    )
    running.push(done)
    notes.look()
  }
  await Promise.all(running)
  return { sent, failed }
}

async function main(start: StationStart): Promise<void> {
  const fleet = new Fleet(start)
  const { listen } = start
  const station = await fleet.open(start.index, listen === undefined ? {} : { listen })
  const notes = new Notes(station)
  let memory: LiveMemory | undefined
  const { router } = station.mesh as Libp2pMesh
  const streams: Parameters<typeof router.deliver>[1][] = []
  const deliver = router.deliver.bind(router)
  router.deliver = (neighbour, stream) => {
    streams.push(stream)
    deliver(neighbour, stream)
  }
  const calls: Answers = {
    address: () => station.address,
    keepDialing: (address) => {
      station.mesh.keepDialing(address)
      return null
    },
    deafen: () => {
      for (const stream of streams) if (stream.status === 'open') stream.pause()
      return null
    },
    sees: async (members, ms) => {
      await station.sees(members, AbortSignal.timeout(ms))
      return null
    },
    publish: (load) => publish(station, notes, load),
    got: (sender, count, ms) => notes.got(sender, count, AbortSignal.timeout(ms)),
    report: () => notes.report(),
    set: (value) => {
      station.crew.state.set('pose', value)
      return null
    },
    digest: () => {
      const { registers, digest } = station.crew.state.snapshot()
      return `${registers.length} ${toHex(digest)}`
    },
    keepCompiled: () => {
      flushCompileCache()
      return null
    },
    memory: () => (memory ??= new LiveMemory()).read(),
  }
  process.on('message', (asked: { id: number; call: keyof StationCalls; words: never[] }) => {
    const call = calls[asked.call] as (...words: never[]) => unknown
    void (async () => {
      try {
        process.send?.({ id: asked.id, result: await call(...asked.words) })
      } catch (cause) {
        process.send?.({ id: asked.id, error: String(cause) })
      }
    })()
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ id: -1, result: null })
}

await main(JSON.parse(process.argv[2] ?? '') as StationStart)
