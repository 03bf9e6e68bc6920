import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Cast, Run } from './cast.ts'
import { missingOpenssl } from './https/certificate.ts'
import { openCertificate } from './https/ground.ts'
import type { Ground } from './ground.ts'
import { missingMosquitto, openMosquitto } from './mqtt/ground.ts'
import { missingNats, openNatsServer, openNatsTlsServer } from './nats/ground.ts'
import { openHomes } from './ixj/ground.ts'
import type { ContenderName, Order, Report } from './process.ts'
import { cpuSeconds, memoryBytes, sentBetween, sentBytes } from './usage.ts'

/** What a run came to, over all processes. */
export interface Outcome {
  readonly received: number
  readonly lost: number
  readonly duplicated: number
  readonly stray: number
  readonly seconds: number
  /** Of all processes and servers. */
  readonly cpuSeconds: number
  /** Sent by the lead's process; undefined where nobody asked, or the kernel could not tell. */
  readonly leadBytes: number | undefined
  /** Of all processes and servers, right after the run; undefined where nobody asked. */
  readonly memoryBytes: number | undefined
  /** How long each delivery took since it was due, in a run that has a pace. */
  readonly delaysMs: readonly number[]
}

/** A process that has not ended by then is killed. */
const END_MS = 10_000
/** What takes longer has failed: opening 513 agents takes a fraction of it. */
const ORDER_MS = 120_000

const grounds: Readonly<
  Record<ContenderName, { missing(): string | undefined; open(cast: Cast): Promise<Ground> }>
> = {
  ixj: { missing: () => undefined, open: openHomes },
  nats: { missing: missingNats, open: openNatsServer },
  'nats-tls': { missing: () => missingNats() ?? missingOpenssl(), open: openNatsTlsServer },
  'nats-signed': { missing: missingNats, open: openNatsServer },
  'mqtt-0': { missing: missingMosquitto, open: openMosquitto },
  'mqtt-1': { missing: missingMosquitto, open: openMosquitto },
  'https-1': { missing: missingOpenssl, open: openCertificate },
  'https-2': { missing: missingOpenssl, open: openCertificate },
  a2a: { missing: missingOpenssl, open: openCertificate },
}

/** Why a contender cannot run on this machine; undefined if it can. */
export function missingFor(contender: ContenderName): string | undefined {
  return grounds[contender].missing()
}

/** All processes of one contender. */
export class Team implements AsyncDisposable {
  readonly contender: ContenderName
  readonly #ground: Ground
  readonly #processes: readonly Played[]
  readonly #pids: readonly number[]
  #hasRun = false

  private constructor(contender: ContenderName, ground: Ground, processes: readonly Played[]) {
    this.contender = contender
    this.#ground = ground
    this.#processes = processes
    this.#pids = [...processes.map(({ pid }) => pid), ...ground.pids]
  }

  /** Starts the processes; resolves when all are connected. */
  static async open(contender: ContenderName, cast: Cast): Promise<Team> {
    await using opening = new AsyncDisposableStack()
    const ground = opening.use(await grounds[contender].open(cast))
    const processes = Array.from({ length: cast.processes }, () =>
      opening.use(new Played(ground.environment)),
    )
    const cards = await Promise.all(
      processes.map(async (played, process) => {
        const part = { process, cast, ground: ground.settings }
        const report = await played.obey({ open: part, contender })
        if (!('card' in report)) throw new Error('Expected a card')
        return report.card
      }),
    )
    await Promise.all(processes.map((played) => played.obey({ meet: cards })))
    opening.move()
    return new Team(contender, ground, processes)
  }

  /** Whether it has run before: much of its code is compiled then. */
  get hasRun(): boolean {
    return this.#hasRun
  }

  /** CPU seconds that all processes and servers have used so far. */
  get cpuSeconds(): number {
    return cpuSeconds(this.#pids)
  }

  /** Runs one pattern once. To be told of bytes and memory as well takes a tenth of a second. */
  async run(
    run: Run,
    { asksBytes = false }: { readonly asksBytes?: boolean } = {},
  ): Promise<Outcome> {
    await this.#all({ run })
    const lead = this.#pids[0]!
    const sent = () => (asksBytes ? sentBytes(lead) : undefined)
    const before = { cpu: this.cpuSeconds, bytes: sent() }
    const reports = await this.#all({ go: true })
    this.#hasRun = true
    const cpu = this.cpuSeconds - before.cpu
    const leadBytes = sentBetween(before.bytes, sent())
    const memory = asksBytes ? memoryBytes(this.#pids) : undefined
    const told = reports.map((report) => {
      if (!('tallied' in report)) throw new Error('Expected a tally')
      return report
    })
    const sum = (of: (tallied: (typeof told)[number]['tallied']) => number) =>
      told.reduce((total, { tallied }) => total + of(tallied), 0)
    const began = Math.min(...told.map(({ beganAt }) => beganAt))
    const ended = Math.max(...told.map(({ tallied }) => tallied.lastAt))
    return {
      received: sum(({ received }) => received),
      lost: sum(({ lost }) => lost),
      duplicated: sum(({ duplicated }) => duplicated),
      stray: sum(({ stray }) => stray),
      seconds: (ended - began) / 1_000,
      cpuSeconds: cpu,
      leadBytes,
      memoryBytes: memory,
      delaysMs: told.flatMap(({ tallied }) => tallied.delaysMs),
    }
  }

  /** Has the lead ask agent 1 so often at that pace; the time to each answer. */
  async ask(count: number, perSecond: number): Promise<readonly number[]> {
    const [lead] = this.#processes
    const report = await lead!.obey({ ask: count, perSecond })
    if (!('delaysMs' in report)) throw new Error('Expected delays')
    return report.delaysMs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((played) => played[Symbol.asyncDispose]()))
    await this.#ground[Symbol.asyncDispose]()
  }

  #all(order: Order): Promise<readonly Report[]> {
    return Promise.all(this.#processes.map((played) => played.obey(order)))
  }
}

/** One process of a contender, as its parent has it. */
class Played implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #reports: Report[] = []
  #wake = () => {}
  #ended: Error | undefined

  constructor(environment: Ground['environment'] = {}) {
    const program = fileURLToPath(new URL('./process.ts', import.meta.url))
    this.#child = fork(program, {
      execArgv: ['--conditions=ixj:src'],
      serialization: 'advanced',
      env: { ...process.env, ...environment },
    })
    this.#child.on('message', (report: Report) => {
      this.#reports.push(report)
      this.#wake()
    })
    this.#child.once('exit', (code, signal) => {
      this.#ended ??= new Error(`A process of the benchmark ended with ${signal ?? `code ${code}`}`)
      this.#wake()
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /**
   * What the process tells when it has done that.
   * @throws Error when it fails, ends, or has told nothing after two minutes; then it is killed
   */
  async obey(order: Order): Promise<Report> {
    const late = setTimeout(() => {
      this.#ended ??= new Error(`A process of the benchmark was silent for ${ORDER_MS / 1_000} s`)
      this.#child.kill('SIGKILL')
      this.#wake()
    }, ORDER_MS)
    try {
      return await this.#reportOn(order)
    } finally {
      clearTimeout(late)
    }
  }

  async #reportOn(order: Order): Promise<Report> {
    this.#tell(order)
    for (;;) {
      const report = this.#reports.shift()
      if (report !== undefined) {
        if ('failed' in report)
          throw new Error(`A process of the benchmark failed: ${report.failed}`)
        return report
      }
      if (this.#ended !== undefined) throw this.#ended
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** A process that can no longer be told says so by its exit. */
  #tell(order: Order): void {
    if (this.#child.connected) this.#child.send(order, () => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#tell({ end: true })
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS)
    await ended
    clearTimeout(timer)
  }
}
