import { makeBody } from './body.ts'
import { agentsOf, LEAD, processOf, sendersOf, type Run } from './cast.ts'
import { pipelined, type OpenPlayer, type Part, type Player } from './player.ts'
import { preciseNow, Tally, type Tallied } from './tally.ts'

/** What a process of a benchmark is told. */
export type Order =
  | { readonly open: Part; readonly contender: ContenderName }
  | { readonly meet: readonly string[] }
  | { readonly run: Run }
  | { readonly go: true }
  | { readonly ask: number; readonly perSecond: number }
  | { readonly end: true }

/** What it tells. */
export type Report =
  | { readonly card: string }
  | { readonly done: true }
  | { readonly tallied: Tallied; readonly beganAt: number }
  | { readonly delaysMs: readonly number[] }
  | { readonly failed: string }

/** Who is measured. */
export type ContenderName = keyof typeof players

const players = {
  ixj: async () => (await import('./ixj/play.ts')).openIxj,
  nats: async () => (await import('./nats/play.ts')).openNats,
  'nats-signed': async () => (await import('./nats/play.ts')).openSignedNats,
  'https-1': async () => (await import('./https/one.ts')).openHttps1,
  'https-2': async () => (await import('./https/two.ts')).openHttps2,
} as const satisfies Record<string, () => Promise<OpenPlayer>>

/** A process that plays its part of a contender, order by order. */
async function obey(orders: () => Promise<Order>): Promise<void> {
  let tally: Tally | undefined
  const first = await orders()
  if (!('open' in first)) throw new Error('Expected to be told what to open')
  const { open: part, contender } = first
  const open = await players[contender]()
  await using player = await open(part, (receiver, body) => tally?.take(receiver, body))
  tell({ card: player.card })
  const here = agentsOf(part.process, part.cast)
  let run: Run | undefined
  for (;;) {
    const order = await orders()
    if ('end' in order) return
    if ('meet' in order) {
      await player.meet(order.meet)
      tell({ done: true })
    } else if ('run' in order) {
      run = order.run
      tally = new Tally(run, here)
      tell({ done: true })
    } else if ('go' in order) {
      if (run === undefined || tally === undefined) throw new Error('Expected a run')
      const beganAt = preciseNow()
      const [tallied] = await Promise.all([tally.end(), sendAll(run, player, part)])
      tell({ tallied, beganAt })
    } else if ('ask' in order) {
      tell({ delaysMs: await askPaced(player, order) })
    } else throw new Error('Expected an order')
  }
}

async function sendAll(run: Run, player: Player, { process: own, cast }: Part): Promise<void> {
  const senders = sendersOf(run).filter((agent) => processOf(agent, cast) === own)
  await Promise.all(
    senders.map((from) =>
      player.send({
        run,
        from,
        count: run.count,
        body: (index) => makeBody({ run: run.number, sender: from, index }),
      }),
    ),
  )
}

/** Asks so often a second, whether the answers come or not; gives each one's time to its answer. */
async function askPaced(
  player: Player,
  { ask: count, perSecond }: { readonly ask: number; readonly perSecond: number },
): Promise<number[]> {
  const began = preciseNow()
  const delaysMs: number[] = []
  await pipelined(count, count, async (index) => {
    const due = began + (index * 1_000) / perSecond
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - preciseNow())))
    const askedAt = preciseNow()
    await player.ask(makeBody({ run: 0, sender: LEAD, index }))
    delaysMs.push(preciseNow() - askedAt)
  })
  return delaysMs
}

function tell(report: Report): void {
  process.send?.(report)
}

function orderQueue(): () => Promise<Order> {
  const waiting: Order[] = []
  let wake: (() => void) | undefined
  process.on('message', (order: Order) => {
    waiting.push(order)
    wake?.()
  })
  return async () => {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return waiting.shift()!
  }
}

if (process.argv[1] === import.meta.filename) {
  // A parent that died cannot end it.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  try {
    await obey(orderQueue())
    process.removeAllListeners('disconnect')
    process.disconnect()
  } catch (cause) {
    tell({ failed: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) })
    process.exitCode = 1
    process.removeAllListeners('disconnect')
    process.disconnect()
  }
}
