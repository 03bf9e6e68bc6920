import { issueTo, type Agent, type GrantRequest, type Group, type Identity } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { nodeRandom, nodeSha256, nodeSigner, systemClock } from '@ixj/node'
import { toBase64url } from '@ixj/trust'
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  openBenchNode,
  readIdentity,
  writeIdentity,
  type BenchNode,
  type IdentityText,
} from './node.ts'
import { percentile, type BenchResult } from '../table.ts'
import { preciseNow, type ReceiverOrder, type ReceiverReport } from './receiver.ts'

/** One measured row. */
interface Row {
  readonly what: string
  readonly deliveries: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU seconds of both processes for a million deliveries. */
  readonly cpuSecondsPerMillion: number
}

const CREW = 'crew.acme.example'
const RECEIVERS = 8
const BODY = nodeRandom(180)
/** Messages that are on their way at once: what a program with many tasks keeps open. */
const WINDOW = 1_024
const LIFETIME = { lifetimeSeconds: 3_600 }

/** Births, 1×1 and 1×8 between two processes over loopback, every message signed and checked. */
export async function benchPatterns(
  scale: number,
  progress: (line: string) => void,
): Promise<BenchResult> {
  const acme: Identity = {
    name: parseName('acme.example'),
    signer: nodeSigner(nodeRandom(32)),
    statements: [],
  }
  const anchor = { name: acme.name, key: toBase64url(acme.signer.publicKey) }
  await using receiver = openReceiver()
  const sink = await member(acme, 'm1.acme.example', [crewGrant()])
  const others = await Promise.all(
    Array.from({ length: RECEIVERS - 1 }, (_, index) =>
      member(acme, `m${index + 2}.acme.example`, [crewGrant()]),
    ),
  )
  receiver.order({
    open: { node: await member(acme, 'n2.acme.example', []), anchor },
    agents: [sink, ...others],
    crew: CREW,
  })
  const told = await receiver.report()
  if (!('address' in told)) throw new Error('Expected an address')
  await using node = await openBenchNode({
    node: await member(acme, 'n1.acme.example', []),
    anchor,
  })
  node.mesh.keepDialing(told.address)
  const planner = await openPlanner(acme, node)
  await using crew = await planner.join(parseName(CREW))
  await using changes = crew.presence()
  while (crew.members().length <= RECEIVERS) await changes.take()
  const rows: Row[] = []
  progress('births')
  rows.push(await births(planner, receiver, Math.ceil(1_000 * scale)))
  progress('1×1')
  rows.push(await oneToOne(planner, receiver, Math.ceil(30_000 * scale)))
  progress(`1×${RECEIVERS}`)
  rows.push(await oneToMany(crew, receiver, Math.ceil(10_000 * scale)))
  receiver.order({ end: true })
  return { rows, table: tableOf(rows) }
}

function tableOf(rows: readonly Row[]): BenchResult['table'] {
  const lines = rows.map((row) => [
    row.what,
    String(row.deliveries),
    row.perSecond.toFixed(0),
    row.p50Ms.toFixed(2),
    row.p99Ms.toFixed(2),
    row.cpuSecondsPerMillion.toFixed(0),
  ])
  return [['', 'deliveries', 'per second', 'p50 ms', 'p99 ms', 'CPU s per million'], ...lines]
}

/** Spawn, bind, grant, first message accepted by another process; one after the other. */
async function births(planner: Agent, receiver: Receiver, count: number): Promise<Row> {
  const grants = [{ actions: ['publish'], topics: ['m1.acme.example'] }] as const
  return await measure('birth to first message', receiver, { count, of: 'inbox' }, async () => {
    for (let index = 0; index < count; index++) {
      const sentAt = preciseNow()
      await using child = await planner.spawn(`b${index}`, { lifetimeSeconds: 60, grants })
      await child.send(parseName('m1.acme.example'), { sentAt, body: BODY })
    }
  })
}

async function oneToOne(planner: Agent, receiver: Receiver, count: number): Promise<Row> {
  const to = parseName('m1.acme.example')
  return await measure('1×1, 200 B', receiver, { count, of: 'inbox' }, () =>
    pipelined(count, () => planner.send(to, { sentAt: preciseNow(), body: BODY })),
  )
}

async function oneToMany(crew: Group, receiver: Receiver, count: number): Promise<Row> {
  return await measure(`1×${RECEIVERS}, 200 B`, receiver, { count, of: 'crew' }, () =>
    pipelined(count, () => crew.publish({ sentAt: preciseNow(), body: BODY })),
  )
}

async function pipelined(count: number, send: () => Promise<unknown>): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < count) {
      next += 1
      await send()
    }
  }
  await Promise.all(Array.from({ length: WINDOW }, one))
}

async function measure(
  what: string,
  receiver: Receiver,
  order: { readonly count: number; readonly of: 'inbox' | 'crew' },
  send: () => Promise<void>,
): Promise<Row> {
  receiver.order(order)
  await receiver.report()
  const cpu = process.cpuUsage()
  const began = preciseNow()
  await send()
  const report = await receiver.report()
  const { user, system } = process.cpuUsage(cpu)
  if (!('counted' in report)) throw new Error('Expected a count')
  const cpuSeconds = ((user + system) / 1_000 + report.cpuMs) / 1_000
  return {
    what,
    deliveries: report.counted,
    perSecond: (report.counted * 1_000) / (report.at - began),
    p50Ms: percentile(report.delays, 0.5),
    p99Ms: percentile(report.delays, 0.99),
    cpuSecondsPerMillion: (cpuSeconds * 1e6) / report.counted,
  }
}

function crewGrant(): GrantRequest {
  return { actions: ['publish', 'subscribe', 'answer'], topics: [CREW] }
}

async function openPlanner(acme: Identity, node: BenchNode): Promise<Agent> {
  const delegated = {
    topics: ['**.acme.example'],
    mayDelegate: ['*.planner.acme.example'],
  } as const
  const text = await member(
    acme,
    'planner.acme.example',
    [{ actions: ['publish', 'subscribe'], ...delegated }],
    true,
  )
  return await node.host.openAgent(readIdentity(text))
}

async function member(
  acme: Identity,
  name: string,
  grants: readonly GrantRequest[],
  binds = false,
): Promise<IdentityText> {
  const seed = nodeRandom(32)
  const signer = nodeSigner(seed)
  const child = { name: parseName(name), key: signer.publicKey }
  const options = { ...LIFETIME, grants, ...(binds ? ({ uses: 'both', depth: 1 } as const) : {}) }
  const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }
  const statements = await issueTo(acme, child, options, context)
  return writeIdentity({ name: child.name, signer, statements }, seed)
}

interface Receiver extends AsyncDisposable {
  order(order: ReceiverOrder): void
  report(): Promise<ReceiverReport>
}

function openReceiver(): Receiver {
  const program = fileURLToPath(new URL('./receiver.ts', import.meta.url))
  const child: ChildProcess = fork(program, {
    execArgv: ['--conditions=ixj:src'],
    stdio: 'inherit',
  })
  const reports: ReceiverReport[] = []
  let wake: (() => void) | undefined
  let failed: Error | undefined
  child.on('message', (report: ReceiverReport) => {
    reports.push(report)
    wake?.()
  })
  child.once('exit', (code) => {
    if (code !== 0) failed = new Error(`The receiving process ended with code ${code}`)
    wake?.()
  })
  return {
    order: (order) => void child.send(order),
    report: async () => {
      while (reports.length === 0) {
        if (failed !== undefined) throw failed
        await new Promise<void>((resolve) => (wake = resolve))
      }
      return reports.shift()!
    },
    [Symbol.asyncDispose]: async () => void child.kill(),
  }
}
