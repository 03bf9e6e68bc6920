import type { Agent, Body, Group, IncomingRequest } from '@ixj/agent'
import type { Node } from '@ixj/node'
import { readPackage } from '../packages.ts'
import { CREW, LEDGER, PLANNER, RESULTS } from '../setup.ts'
import { openRole, untilEnd, type RoleOptions } from './opening.ts'

/** Workers in each process. */
const WORKERS = 4

/** Four workers: their keys are made here, their names and rights come from the planner. */
export async function runWorkers(
  role: 'workers-1' | 'workers-2',
  options: RoleOptions,
): Promise<void> {
  const node = await openRole(role, options, [PLANNER, LEDGER])
  const first = role === 'workers-1' ? 1 : 1 + WORKERS
  const labels = Array.from({ length: WORKERS }, (_, index) => `w${first + index}`)
  const counters = await Promise.all(labels.map((label) => openWorker(node, label, options)))
  const sent = () => counters.reduce((sum, counter) => sum + counter(), 0)
  await untilEnd(role, node, { signal: options.signal, sent })
}

async function openWorker(node: Node, label: string, options: RoleOptions): Promise<() => number> {
  const { signal } = options
  const worker = await node.askName(PLANNER, label, { signal })
  const crew = await worker.join(CREW)
  const count = { sent: 0, done: 0 }
  void (async () => {
    for await (const request of worker.requests({ signal }))
      await work(request, worker, crew, count)
  })()
  return () => count.sent
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
  count: { sent: number; done: number },
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
    sending.push(worker.send(RESULTS, { ...found }))
    count.sent += 1
  }
  await Promise.all(sending)
  if (count.done === 0) await crew.publish({ text: `${worker.name} has begun` })
  count.done += own.length
  await crew.publish({ done: count.done }, { class: 'state' })
  await request.reply({ done: own.length })
  count.sent += 2
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
