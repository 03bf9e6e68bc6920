import { parseName } from '@ixj/names'
import { openBenchNode, readIdentity, type IdentityText, type NodeText } from './node.ts'

/** What the receiving process is told. */
export type ReceiverOrder =
  | { readonly open: NodeText; readonly agents: readonly IdentityText[]; readonly crew: string }
  | { readonly count: number; readonly of: 'inbox' | 'crew' }
  | { readonly end: true }

/** What it tells. */
export type ReceiverReport =
  | { readonly address: string }
  | { readonly ready: true }
  | {
      readonly counted: number
      /** Differences of arrival and the time in the message, in ms. */
      readonly delays: readonly number[]
      /** When the last one came, in ms since the Unix epoch, with fractions. */
      readonly at: number
      readonly cpuMs: number
    }

/** Milliseconds since the Unix epoch, with fractions; the same clock in both processes. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now()
}

/** The receiving process: one inbox, and the members of a group. */
async function run(): Promise<void> {
  const orders = orderQueue()
  const first = await orders()
  if (!('open' in first)) throw new Error('Expected to be told what to open')
  await using node = await openBenchNode(first.open)
  const agents = await Promise.all(
    first.agents.map((text) => node.host.openAgent(readIdentity(text))),
  )
  const crew = parseName(first.crew)
  const groups = await Promise.all(agents.map((agent) => agent.join(crew)))
  const [inbox] = agents
  if (inbox === undefined) throw new Error('Expected at least one agent')
  tell({ address: node.mesh.addresses[0] ?? '' })
  const queues = {
    inbox: [inbox.messages({ queueMax: 65_536 })],
    crew: groups.map((group) => group.messages({ queueMax: 65_536 })),
  }
  for (;;) {
    const order = await orders()
    if ('end' in order) return
    if (!('count' in order)) throw new Error('Expected a count')
    const cpu = process.cpuUsage()
    const delays: number[] = []
    tell({ ready: true })
    await Promise.all(
      queues[order.of].map(async (queue) => {
        for (let taken = 0; taken < order.count; taken++) {
          const { value } = await queue.take()
          if (value === undefined) throw new Error('The queue ended')
          const { sentAt } = value.body as { sentAt: number }
          delays.push(preciseNow() - sentAt)
        }
        if (queue.lost > 0) throw new Error(`${queue.lost} messages were lost in a queue`)
      }),
    )
    const { user, system } = process.cpuUsage(cpu)
    tell({ counted: delays.length, delays, at: preciseNow(), cpuMs: (user + system) / 1_000 })
  }
}

function tell(report: ReceiverReport): void {
  process.send?.(report)
}

function orderQueue(): () => Promise<ReceiverOrder> {
  const waiting: ReceiverOrder[] = []
  let wake: (() => void) | undefined
  process.on('message', (order: ReceiverOrder) => {
    waiting.push(order)
    wake?.()
  })
  return async () => {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return waiting.shift()!
  }
}

if (process.argv[1] === import.meta.filename) {
  await run()
  process.disconnect()
}
