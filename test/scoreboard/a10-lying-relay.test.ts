import { AgentError, type Message } from '@ixj/agent'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Fleet } from '../world/fleet.ts'
import { LyingRelay } from '../world/lying-relay.ts'
import { OPEN_INBOXES, TownPage, TownRelay } from '../world/relay-town.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const MESSAGES = Math.max(100, scaled(5_000))
const GAP_MS_MAX = 5_000
/** A page calls and is let in, compares what it has, and fetches it: as after a partition. */
const HEALED_MS_MAX = 10_000 + 10 * MESSAGES
/** How long a page that cut its only relay may take to be back there. */
const AWAY_MS_MAX = 60_000

/** WebSockets of a page, of which those to one relay are the liar's. */
function socketsWith(liar: LyingRelay, url: string) {
  return class extends WebSocket {
    override emit(event: string | symbol, ...words: unknown[]): boolean {
      if (event !== 'message' || this.url !== url) return super.emit(event, ...words)
      for (const bytes of liar.tell(new Uint8Array(words[0] as ArrayBuffer))) {
        super.emit('message', new Uint8Array(bytes).buffer, true)
      }
      return true
    }
  }
}

/** A port that nothing listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describe('A10: a relay that forges, drops, reorders and repeats', () => {
  it(
    'is believed in nothing, and what it keeps back comes by a second one',
    async () => {
      await using open = new AsyncDisposableStack()
      const fleet = new Fleet({ seed: SEED, now: Date.now() })
      const first = open.use(await TownRelay.open(fleet, 0))
      // The second relay is not there before the first has lied.
      const port = await freePort()
      const { name } = await fleet.node(1)
      const second = { url: `ws://127.0.0.1:${port}/`, name }
      const station = open.use(await fleet.open(2, { policy: OPEN_INBOXES }))
      station.mesh.keepDialing(first.meshAddress)
      const liar = new LyingRelay(SEED)
      const WebSockets = socketsWith(liar, first.address.url)
      const page = open.use(
        await TownPage.open(fleet, 3, [first.address, second], { WebSocket: WebSockets }),
      )
      await page.admitted(1, AbortSignal.timeout(10_000))
      const { crew } = await page.member(fleet, 3)
      const queue = crew.messages({ queueMax: 2 * MESSAGES })
      await station.sees(2, AbortSignal.timeout(10_000))
      const sentAt: number[] = []
      const say = async (number: number) => {
        const until = Date.now() + AWAY_MS_MAX
        for (;;) {
          try {
            sentAt[number] = Date.now()
            await station.crew.publish(number)
            return
          } catch (cause) {
            // The page has cut the liar, and is on its way back: there is nobody else to send to.
            const isAway = cause instanceof AgentError && cause.code === 'not-handed-over'
            if (!isAway || Date.now() > until) throw cause
          }
        }
      }
      // One that is whole, so that both sides know each other.
      await say(0)
      const heard: { readonly message: Message; readonly at: number }[] = []
      const reading = (async () => {
        for await (const message of queue) heard.push({ message, at: Date.now() })
      })()
      while (heard.length === 0) await new Promise((done) => setTimeout(done, 10))
      liar.isLying = true
      for (let number = 1; number < MESSAGES; number++) {
        await say(number)
        await new Promise((done) => setTimeout(done, 5))
      }
      await new Promise((done) => setTimeout(done, GAP_MS_MAX))
      const late = heard.filter(
        ({ message, at }) =>
          message.gap > 0 && at - (sentAt[Number(message.body)] ?? 0) > GAP_MS_MAX,
      )
      const gaps = heard.filter(({ message }) => message.gap > 0)
      const missing = MESSAGES - new Set(heard.map(({ message }) => message.body)).size
      const isThere = open.use(await TownRelay.open(fleet, 1, { port }))
      station.mesh.keepDialing(isThere.meshAddress)
      const cameAt = Date.now()
      page.transport.callNow()
      const unheard = () => MESSAGES - new Set(heard.map(({ message }) => message.body)).size
      while (unheard() > 0 && Date.now() - cameAt < HEALED_MS_MAX) {
        await new Promise((done) => setTimeout(done, 20))
      }
      const healedMs = Date.now() - cameAt
      const deeds = Object.entries(liar.done).flatMap(([deed, count]) => `${count} ${deed}`)
      const forged = heard.filter(({ message }) => sentAt[Number(message.body)] === undefined)
      const doubled = heard.length - new Set(heard.map(({ message }) => message.body)).size
      expect([missing, liar.done.forge]).not.toContain(0)
      queue.close()
      await reading
      const what = `${MESSAGES} messages by a relay that lies (${deeds.join(', ')})`
      const rows = [
        { what, count: forged.length + doubled, counted: 'forged or doubled' },
        { what: 'gaps that it made', count: late.length, counted: 'told after more than 5 s' },
        {
          what: `what it kept back, ${healedMs} ms after a second relay is there`,
          count: unheard(),
          counted: 'missing',
        },
      ] as const
      const ofs = [MESSAGES, gaps.length, missing]
      expect(
        rows.map((row, at) => report({ id: 'A10', ...row, of: ofs[at] ?? 0, goal: 'none' })),
      ).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})
