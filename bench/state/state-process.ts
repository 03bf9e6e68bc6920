import type { Group, Queue, StateChange } from '@ixj/agent'
import { openNode } from '@ixj/node'
import { letHeapGrow } from '@ixj/node/heap-growth'
import type { ApplicationValue } from '@ixj/trust'
import { agentsOf } from '../patterns/cast.ts'
import { homeFolder } from '../patterns/ixj/ground.ts'
import { agentName, crewName, nodeName } from '../patterns/ixj/names.ts'
import type { Part } from '../patterns/player.ts'
import { preciseNow } from '../patterns/tally.ts'

/** What a process of the benchmark is told. */
export type StateOrder =
  | { readonly open: Part; readonly members: number }
  | { readonly meet: readonly string[] }
  | { readonly go: { readonly perSecond: number; readonly seconds: number } }
  | { readonly end: true }

/** What it tells. */
export type StateReport =
  { readonly card: string } | { readonly done: true } | { readonly counted: StateCounted }

/** What one process set, and what its members saw of others. */
export interface StateCounted {
  /** Values set here. */
  readonly set: number
  /** Of these, values that never went out, since a newer one of theirs came first. */
  readonly replaced: number
  /** New values that members here were told of, over all members. */
  readonly seen: number
  /** Of a sample of these: ms from when it was due to being told. */
  readonly delaysMs: readonly number[]
  /** Of the registers at the end: the most that their ages may be, in ms. */
  readonly agesMs: readonly number[]
}

/** One in so many deliveries is timed. */
const SAMPLE = 17
/** What is under way when the last value was set has so long. */
const DRAIN_MS = 1_500
const QUEUE_MAX = 262_144

type Orders = () => Promise<StateOrder>

async function obey(orders: Orders): Promise<void> {
  const first = await orders()
  if (!('open' in first)) throw new Error('Expected to be told what to open')
  const { open: part, members } = first
  const name = nodeName(part.process, 0)
  const home = homeFolder(part.ground['homes'] ?? '', name)
  // As the programs of ixj do.
  letHeapGrow()
  await using node = await openNode({ name, home, listen: ['/ip4/127.0.0.1/tcp/0'] })
  tell({ card: node.addresses[0] ?? '' })
  const crews: Group[] = []
  for (;;) {
    const order = await orders()
    if ('end' in order) return
    if ('meet' in order) {
      for (const card of order.meet) node.keepDialing(card)
      for (const agent of agentsOf(part.process, part.cast)) {
        const opened = await node.openAgent(agentName(agent))
        crews.push(await opened.join(crewName(members), { spoken: true }))
      }
      await Promise.all(crews.map((crew) => allPresent(crew, members)))
      tell({ done: true })
    } else if ('go' in order) tell({ counted: await drive(crews, order.go) })
  }
}

async function allPresent(crew: Group, members: number): Promise<void> {
  await using changes = crew.presence()
  while (crew.members().length < members) await changes.take()
}

/** Every member here sets its pose so often a second; what they see of others is counted. */
async function drive(
  crews: readonly Group[],
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<StateCounted> {
  const own = new Set(
    crews.flatMap((crew) => crew.members().slice(0, crews.length)).map(({ name }) => name),
  )
  const delaysMs: number[] = []
  let seen = 0
  const readers = crews.map((crew) => crew.state.changes({ queueMax: QUEUE_MAX }))
  const reading = readers.map((reader) =>
    readAll(reader, ({ kind, register }) => {
      if (kind !== 'set' || own.has(register.sender)) return
      seen += 1
      if (seen % SAMPLE === 0) delaysMs.push(preciseNow() - dueOf(register.value))
    }),
  )
  const replacedBefore = replacedBy(crews)
  const count = perSecond * seconds
  const began = preciseNow()
  await Promise.all(
    crews.map(async (crew, place) => {
      for (let index = 0; index < count; index++) {
        // Members of a process do not all set in one moment.
        const due = began + ((index + place / crews.length) * 1_000) / perSecond
        const wait = due - preciseNow()
        if (wait > 0) await pause(wait)
        crew.state.set('pose', [due, 1.25, -3.5, 0.75])
      }
    }),
  )
  await pause(DRAIN_MS)
  for (const reader of readers) reader.close()
  await Promise.all(reading)
  const [first] = crews
  return {
    set: count * crews.length,
    replaced: replacedBy(crews) - replacedBefore,
    seen,
    delaysMs,
    agesMs: first?.state.entries().map(({ age }) => age[1] - age[0]) ?? [],
  }
}

/** When a value was due: who is late for its own pace is charged with that. */
function dueOf(value: ApplicationValue): number {
  if (!Array.isArray(value) || typeof value[0] !== 'number') throw new Error('Expected a pose')
  return value[0]
}

function replacedBy(crews: readonly Group[]): number {
  return crews.reduce((sum, { state }) => sum + state.counts.replaced, 0)
}

async function readAll(queue: Queue<StateChange>, take: (change: StateChange) => void) {
  for await (const change of queue) take(change)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function tell(report: StateReport): void {
  process.send?.(report)
}

function orderQueue(): Orders {
  const waiting: StateOrder[] = []
  let wake: (() => void) | undefined
  process.on('message', (order: StateOrder) => {
    waiting.push(order)
    wake?.()
  })
  return async () => {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return waiting.shift()!
  }
}

if (process.argv[1] === import.meta.filename) {
  process.once('disconnect', () => process.exit(1))
  await obey(orderQueue())
  process.removeAllListeners('disconnect')
  process.disconnect()
}
