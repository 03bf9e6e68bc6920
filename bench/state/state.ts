import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Cast } from '../patterns/cast.ts'
import { openHomes } from '../patterns/ixj/ground.ts'
import { cpuSeconds } from '../patterns/usage.ts'
import { percentile, type BenchResult } from '../table.ts'
import type { StateCounted, StateOrder, StateReport } from './state-process.ts'

const MEMBERS = 50
/** Updates that each member sets in a second. */
const PACES = [10, 50] as const
/** Members on so many nodes, a process each. */
const NODES = [2, 5] as const
/** What "holds" means: of all values that were set, so many reach every other member. */
const SEEN_PART_MIN = 0.99
/** And they do so within this, in ms, for 99 of 100. */
const P99_MS_MAX = 500
const SECONDS = 6
/**
 * First all set at the highest pace: nodes run for days, and in the first half minute V8 compiles more
 * than a thousand functions of a process, most of them at once. What is lost meanwhile has a row of its own.
 */
const WARM_UP_SECONDS = 12

const HEAD = [
  'shared state, 50 members',
  'set/s',
  'told/s',
  'replaced',
  'not told',
  'p50 ms',
  'p99 ms',
  'age width ms',
  'CPUs',
  'µs/told',
  'holds',
]

/** Shared state under load: every member of a group sets a register many times a second. */
export async function benchState(
  scale: number,
  progress: (line: string) => void,
): Promise<BenchResult> {
  const part = Math.min(1, scale * 3)
  const seconds = Math.max(2, Math.round(SECONDS * part))
  const warmUpSeconds = Math.max(2, Math.round(WARM_UP_SECONDS * part))
  return await benchStateOf({ nodes: NODES, paces: PACES, seconds, warmUpSeconds }, progress)
}

/** The same for some numbers of nodes and some paces. */
export async function benchStateOf(
  what: {
    readonly nodes: readonly number[]
    readonly paces: readonly number[]
    readonly seconds: number
    readonly warmUpSeconds: number
  },
  progress: (line: string) => void,
): Promise<BenchResult> {
  const rows: object[] = []
  const table: (readonly string[])[] = [HEAD]
  const { seconds, warmUpSeconds } = what
  const first = { perSecond: Math.max(...what.paces), seconds: warmUpSeconds, isWarmUp: true }
  const gos = [first, ...what.paces.map((perSecond) => ({ perSecond, seconds, isWarmUp: false }))]
  for (const nodes of what.nodes) {
    progress(`${MEMBERS} members on ${nodes} nodes`)
    await using crowd = await Crowd.open(nodes)
    for (const { isWarmUp, ...go } of gos) {
      const label = `${go.perSecond} a second each${isWarmUp ? ', to warm up' : ''}`
      progress(label)
      const row = await crowd.drive(go)
      rows.push({ nodes, members: MEMBERS, isWarmUp, ...row })
      table.push(lineOf(`${nodes} nodes, ${label}`, row))
    }
  }
  return { rows, table }
}

interface Row {
  readonly perSecond: number
  readonly seconds: number
  readonly set: number
  readonly seen: number
  readonly replaced: number
  /** Of the values that went out, those that a member was not told of. */
  readonly missed: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly ageWidthMs: number
  readonly cpuSeconds: number
  readonly holds: boolean
}

function lineOf(label: string, row: Row): readonly string[] {
  const { seconds, set, seen, replaced, missed } = row
  const whole = (value: number) => Math.round(value).toLocaleString('en-US')
  const part = (value: number, of: number) => `${((100 * value) / of).toFixed(1)} %`
  return [
    label,
    whole(set / seconds),
    whole(seen / seconds),
    part(replaced, set),
    part(missed, missed + seen),
    whole(row.p50Ms),
    whole(row.p99Ms),
    whole(row.ageWidthMs),
    (row.cpuSeconds / seconds).toFixed(2),
    ((row.cpuSeconds * 1e6) / seen).toFixed(1),
    row.holds ? 'yes' : 'no',
  ]
}

/** Processes with a node each, and the members of one group on them. */
class Crowd implements AsyncDisposable {
  readonly #children: readonly Child[]
  readonly #ground: AsyncDisposable

  private constructor(children: readonly Child[], ground: AsyncDisposable) {
    this.#children = children
    this.#ground = ground
  }

  static async open(nodes: number): Promise<Crowd> {
    await using opening = new AsyncDisposableStack()
    const cast: Cast = { processes: nodes + 1, crews: [MEMBERS] }
    const ground = opening.use(await openHomes(cast))
    const children = Array.from({ length: nodes }, () => opening.use(new Child()))
    const cards: string[] = []
    for (const [index, child] of children.entries()) {
      const part = { process: index + 1, cast, ground: ground.settings }
      const report = await child.obey({ open: part, members: MEMBERS })
      if ('card' in report) cards.push(report.card)
    }
    const meeting = children.map((child, index) => child.obey({ meet: cards.slice(0, index) }))
    await Promise.all(meeting)
    opening.move()
    return new Crowd(children, ground)
  }

  async drive(go: { readonly perSecond: number; readonly seconds: number }): Promise<Row> {
    const pids = this.#children.map(({ pid }) => pid)
    const before = cpuSeconds(pids)
    const reports = await Promise.all(this.#children.map((child) => child.obey({ go })))
    const used = cpuSeconds(pids) - before
    const counted = reports.map((report) => {
      if (!('counted' in report)) throw new Error('Expected counts')
      return report.counted
    })
    return { ...go, ...summed(counted), cpuSeconds: used }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()))
    await this.#ground[Symbol.asyncDispose]()
  }
}

function summed(
  counted: readonly StateCounted[],
): Omit<Row, 'perSecond' | 'seconds' | 'cpuSeconds'> {
  const sum = (of: (each: StateCounted) => number) =>
    counted.reduce((total, each) => total + of(each), 0)
  const set = sum((each) => each.set)
  const replaced = sum((each) => each.replaced)
  const seen = sum((each) => each.seen)
  // Members of one process are not counted as each other's: what they see has crossed a wire.
  const expected = counted.reduce((total, each) => {
    const sent = each.set - each.replaced
    return total + sent * (MEMBERS - MEMBERS / counted.length)
  }, 0)
  const missed = Math.max(0, expected - seen)
  const wanted = set * (MEMBERS - MEMBERS / counted.length)
  const delays = counted.flatMap(({ delaysMs }) => delaysMs)
  const p99Ms = percentile(delays, 0.99)
  return {
    set,
    replaced,
    seen,
    missed,
    p50Ms: percentile(delays, 0.5),
    p99Ms,
    ageWidthMs: percentile(
      counted.flatMap(({ agesMs }) => agesMs),
      0.5,
    ),
    holds: seen >= wanted * SEEN_PART_MIN && p99Ms <= P99_MS_MAX,
  }
}

class Child implements AsyncDisposable {
  readonly #child: ChildProcess

  constructor() {
    const program = fileURLToPath(new URL('./state-process.ts', import.meta.url))
    this.#child = fork(program, { execArgv: ['--conditions=ixj:src'], serialization: 'advanced' })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async obey(order: StateOrder): Promise<StateReport> {
    const ended = new AbortController()
    const exit = once(this.#child, 'exit', { signal: ended.signal }).then(
      ([code, signal]) => {
        throw new Error(`A process of the benchmark ended with ${String(signal ?? code)}`)
      },
      () => 'it has answered',
    )
    const answer = once(this.#child, 'message', { signal: ended.signal })
    this.#child.send(order)
    const [report] = (await Promise.race([answer, exit])) as [StateReport]
    ended.abort()
    return report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.send({ end: true } satisfies StateOrder)
    await ended
  }
}
