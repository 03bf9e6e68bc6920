import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Fleet, FLEET_CREW } from '../world/fleet.ts'
import { TownPage, TownRelay } from '../world/relay-town.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, SEED, scaled } from './scale.ts'
import type { AttackersTold } from './socket-attackers.ts'

/** Honest pages, and attacks of each kind. */
const HONEST = scaled(1_000)
const ATTACKS = scaled(100)
const CUT_MS_MAX = 5_000
/** How long the message may take that shows that honest pages are there. */
const HEARD_MS_MAX = 10_000

/** Attackers in a process of their own, so that their work is not taken for the relay's. */
function startAttackers({ address }: TownRelay, now: number): ChildProcess {
  const file = fileURLToPath(new URL('socket-attackers.ts', import.meta.url))
  const words = [address.url, address.name, SEED, now, ATTACKS].map(String)
  return spawn(process.execPath, ['--conditions=ixj:src', file, ...words], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

/** An honest page that follows the crew; how many messages it has heard. */
class Follower implements AsyncDisposable {
  readonly page: TownPage
  /** Resolves when it has heard this. */
  readonly heard: (body: string) => Promise<void>

  private constructor(page: TownPage, heard: (body: string) => Promise<void>) {
    this.page = page
    this.heard = heard
  }

  static async open(fleet: Fleet, index: number, { address }: TownRelay): Promise<Follower> {
    const page = await TownPage.openAs(await fleet.reader(index), fleet, [address])
    await page.admitted(1, AbortSignal.timeout(10_000))
    const crew = await page.host.self.join(FLEET_CREW, { quiet: true })
    const queue = crew.messages()
    return new Follower(page, async (body) => {
      for await (const message of queue) if (message.body === body) return
    })
  }

  /** Whether its socket is the one that it logged in with. */
  get isUnharmed(): boolean {
    const [relay] = this.page.transport.relays
    return relay?.stands === 'admitted' && relay.lastEnd === ''
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.page[Symbol.asyncDispose]()
  }
}

describe('A17: abuse of WebSockets', () => {
  it(
    'is cut within 5 s, and harms no honest socket',
    async () => {
      await using open = new AsyncDisposableStack()
      const now = Date.now()
      const fleet = new Fleet({ seed: SEED, now })
      // On loopback all have one address: here each path stands for one.
      const relay = await TownRelay.open(fleet, 0, {
        addressOf: ({ url: path = '' }) => `address ${path}`,
        limits: { socketsPerAddressMax: HONEST + 1, upgradesPerSecond: HONEST + 1 },
      })
      open.use(relay)
      const station = open.use(await fleet.open(1))
      station.mesh.keepDialing(relay.meshAddress)
      const followers: Follower[] = []
      while (followers.length < HONEST) {
        followers.push(open.use(await Follower.open(fleet, 2 + followers.length, relay)))
      }
      const attackers = startAttackers(relay, now)
      open.defer(() => void attackers.kill('SIGKILL'))
      const ended = once(attackers, 'exit').then(() => expect.fail('the attackers have ended'))
      const told = once(attackers, 'message') as Promise<[AttackersTold]>
      const [{ cuts }] = await Promise.race([told, ended])
      const late = cuts.filter(([, ms]) => ms > CUT_MS_MAX)
      const [slowest] = cuts.toSorted((left, right) => right[1] - left[1])
      const heard: Follower[] = []
      const hearing = followers.map(async (follower) => {
        await follower.heard('still there?')
        heard.push(follower)
      })
      await station.crew.publish('still there?')
      const over = new Promise((done) => setTimeout(done, HEARD_MS_MAX).unref())
      await Promise.race([Promise.all(hearing), over])
      const kinds = cuts.length
      const rows = [
        {
          what: `${kinds} kinds of abuse, ${ATTACKS} of each at once`,
          count: late.length,
          of: kinds,
          counted: `kinds cut later than after ${CUT_MS_MAX / 1_000} s`,
          goal: 'none',
          note: `the slowest: ${slowest?.[0]}, ${Math.round(slowest?.[1] ?? 0)} ms`,
        },
        {
          what: 'honest pages beside them',
          count: heard.filter(({ isUnharmed }) => isUnharmed).length,
          of: HONEST,
          counted: 'never cut, and heard a message afterwards',
          goal: 'all',
        },
      ] as const
      expect(rows.map((row) => report({ id: 'A17', ...row }))).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})
