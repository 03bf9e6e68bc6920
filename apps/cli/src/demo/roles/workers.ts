import type { Agent, Body, Group, IncomingRequest } from '@ixj/agent'
import type { Node } from '@ixj/node'
import { readPackage } from '../packages.ts'
import { CREW, LEDGER, PLANNER, RESULTS } from '../setup.ts'
import { openRole, untilEnd, type RoleOptions } from './opening.ts'

/** Workers in each process. */
const WORKERS = 4
/** How long a result is sent again until the ledger has it: as long as its round is worth. */
const RESULT_LIFESPAN_MS = 5_000

/** Four workers: their keys are made here, their names and rights come from the planner. */
export async function runWorkers(
  role: 'workers-1' | 'workers-2',
  options: RoleOptions,
): Promise<void> {
  const node = await openRole(role, options, [PLANNER, LEDGER])
  const first = role === 'workers-1' ? 1 : 1 + WORKERS
  const labels = Array.from({ length: WORKERS }, (_, index) => `w${first + index}`)
  const counters = await Promise.all(labels.map((label) => openWorker(node, label, options)))
  const sum = (of: keyof Count) => counters.reduce((before, count) => before + count[of], 0)
  await untilEnd(role, node, {
    signal: options.signal,
    sent: () => sum('sent'),
    tasks: () => ({ sent: sum('tasks'), acknowledged: sum('acknowledged') }),
  })
}

/** What one worker did so far. */
interface Count {
  /** Messages of any kind. */
  sent: number
  /** Results among them, which are tasks. */
  tasks: number
  acknowledged: number
  /** Folders. */
  done: number
}

async function openWorker(node: Node, label: string, options: RoleOptions): Promise<Count> {
  const { signal } = options
  const worker = await node.askName(PLANNER, label, { signal })
  const crew = await worker.join(CREW)
  const count = { sent: 0, tasks: 0, acknowledged: 0, done: 0 }
  void (async () => {
    for await (const request of worker.requests({ signal }))
      await work(request, worker, crew, count)
  })()
  return count
}

interface Round {
  readonly root: string
  readonly workers: readonly string[]
  readonly folders: readonly string[]
}

/** Does this worker's part of a round, sends each result to the ledger, then tells the planner. */
async function work(
  request: IncomingRequest,
  worker: Agent,
  crew: Group,
  count: Count,
): Promise<void> {
  const round = readRound(request.body)
  if (round === undefined) {
    await request.refuse('form', 'not a round of folders')
    return
  }
  const place = round.workers.indexOf(worker.name)
  const own = round.folders.filter((_, index) => index % round.workers.length === place)
  const sending: Promise<unknown>[] = []
  for (const folder of own) {
    const found = await readPackage(round.root, folder)
    sending.push(sendResult(worker, { ...found }, count))
  }
  await Promise.all(sending)
  if (count.done === 0) await crew.publish({ text: `${worker.name} has begun` })
  count.done += own.length
  crew.state.set('done', count.done)
  await request.reply({ done: own.length })
  count.sent += 2
}

/** A result is a task: the ledger acknowledges it when it cannot be lost any more. */
async function sendResult(worker: Agent, found: Body, count: Count): Promise<void> {
  count.sent += 1
  count.tasks += 1
  const task = await worker.send(RESULTS, found, { class: 'task', lifespanMs: RESULT_LIFESPAN_MS })
  await task.acknowledged?.all()
  count.acknowledged += 1
}

function readRound(body: Body): Round | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { root, workers, folders } = body as Partial<Round>
  if (typeof root !== 'string' || !isTexts(workers) || !isTexts(folders)) return undefined
  return { root, workers, folders }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
