import { BODY_BYTES, makeBody } from './body.ts'
import { agentsOf, LEAD, processOf, sendersOf, type Run } from './cast.ts'
import { eachWhenDue, sendPaced } from './paced.ts'
import type { OpenPlayer, Part, Player } from './player.ts'
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
  'nats-tls': async () => (await import('./nats/play.ts')).openNats,
  'nats-signed': async () => (await import('./nats/play.ts')).openSignedNats,
  'mqtt-0': async () => (await import('./mqtt/play.ts')).openMqtt0,
  'mqtt-1': async () => (await import('./mqtt/play.ts')).openMqtt1,
  'https-1': async () => (await import('./https/one.ts')).openHttps1,
  'https-2': async () => (await import('./https/two.ts')).openHttps2,
  a2a: async () => (await import('./a2a/play.ts')).openA2a,
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
      const [tallied] = await Promise.all([tally.end(), sendAll({ run, player, part, beganAt })])
      tell({ tallied, beganAt })
    } else if ('ask' in order) {
      tell({ delaysMs: await askPaced(player, order) })
    } else throw new Error('Expected an order')
  }
}

async function sendAll({
  run,
  player,
  part: { process: own, cast },
  beganAt,
}: {
  readonly run: Run
  readonly player: Player
  readonly part: Part
  readonly beganAt: number
}): Promise<void> {
  const all = sendersOf(run)
  const here = all.filter((agent) => processOf(agent, cast) === own)
  await Promise.all(
    here.map((from) => {
      if (run.perSecond !== undefined) {
        return sendPaced(player, run, { from, offset: all.indexOf(from) / all.length, beganAt })
      }
      const head = { run: run.number, sender: from, dueAt: 0 }
      const body = (index: number) => makeBody({ ...head, index }, run.bodyBytes)
      return player.send({ run, from, count: run.count, body })
    }),
  )
}

/** Asks so often a second, whether the answers come or not; gives each one's time to its answer. */
async function askPaced(
  player: Player,
  { ask: count, perSecond }: { readonly ask: number; readonly perSecond: number },
): Promise<number[]> {
  const delaysMs: number[] = []
  await eachWhenDue(count, preciseNow(), 1_000 / perSecond, async (index, dueAt) => {
    await player.ask(makeBody({ run: 0, sender: LEAD, index, dueAt }, BODY_BYTES))
    delaysMs.push(preciseNow() - dueAt)
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
