import type { RelayAddress } from '@ixj/browser'
import { parseName } from '@ixj/names'
import type { ChildProcess } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { DoorLimits } from '../../packages/node/src/door/limits.ts'
import { Fleet, FLEET_CREW } from '../world/fleet.ts'
import { TownPage } from '../world/relay-town.ts'
import type { RelayTold } from './crowded-relay.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, SEED, scaled } from './scale.ts'
import type { AttackersTold } from './socket-attackers.ts'
import { start, told } from './started.ts'

/** Honest pages, and attacks of each kind. */
const HONEST = scaled(1_000)
const ATTACKS = scaled(100)
const CUT_MS_MAX = 5_000
/** How long the message may take that shows that honest pages are there. */
const HEARD_MS_MAX = 10_000

/** An honest page that follows the crew; how many messages it has heard. */
class Follower implements AsyncDisposable {
  readonly page: TownPage
  /** Resolves when it has heard this. */
  readonly heard: (body: string) => Promise<void>

  private constructor(page: TownPage, heard: (body: string) => Promise<void>) {
    this.page = page
    this.heard = heard
  }

  static async open(fleet: Fleet, index: number, address: RelayAddress): Promise<Follower> {
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

/** Kills it when the stack is closed. */
function kill(open: AsyncDisposableStack, child: ChildProcess): ChildProcess {
  open.defer(() => void child.kill('SIGKILL'))
  return child
}

describe('A17: abuse of WebSockets', () => {
  it(
    'is cut within 5 s, and harms no honest socket',
    async () => {
      await using open = new AsyncDisposableStack()
      const now = Date.now()
      const fleet = new Fleet({ seed: SEED, now })
      const limits: Partial<DoorLimits> = {
        socketsPerAddressMax: HONEST + 1,
        upgradesPerSecond: HONEST + 1,
      }
      // The relay and the attackers have processes of their own: what honest pages do is no work of theirs.
      const words = [SEED, now, JSON.stringify(limits), 'paths']
      const relay = kill(open, start('crowded-relay.ts', words))
      const { url, name, meshAddress } = await told<RelayTold>(relay)
      const address = { url, name: parseName(name) }
      const station = open.use(await fleet.open(1))
      station.mesh.keepDialing(meshAddress)
      const followers: Follower[] = []
      while (followers.length < HONEST) {
        followers.push(open.use(await Follower.open(fleet, 2 + followers.length, address)))
      }
      const attackers = kill(open, start('socket-attackers.ts', [url, name, SEED, now, ATTACKS]))
      const { cuts } = await told<AttackersTold>(attackers)
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
