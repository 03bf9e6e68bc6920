import type { ChildProcess } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { DoorLimits } from '../../packages/node/src/door/limits.ts'
import { Fleet } from '../world/fleet.ts'
import type { RelayStanding, RelayTold } from './crowded-relay.ts'
import type { CrowdTold } from './page-crowd.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, scaled, SEED } from './scale.ts'
import { start, told } from './started.ts'

const MIB = 1024 * 1024
const PAGES = scaled(10_000)
/** Processes that the pages live in. */
const CROWDS = 2
const RESIDENT_MIB_MAX = 600
/** As `ixj-relay` starts itself. */
const RELAY_FLAGS = ['--max-semi-space-size=2']

/** How the relay stands when every page follows the group. */
async function allFollow(relay: ChildProcess): Promise<RelayStanding> {
  for (;;) {
    const standing = told<RelayStanding>(relay)
    relay.send('how do you stand?')
    const found = await standing
    if (found.following === PAGES) return found
    await new Promise((done) => setTimeout(done, 100))
  }
}

describe('P8: pages on one relay', () => {
  it(
    'take little memory, and all hear a broadcast',
    async ({ signal }) => {
      await using open = new AsyncDisposableStack()
      const keep = (child: ChildProcess) => {
        const kill = () => void child.kill('SIGKILL')
        open.defer(kill)
        // Children that outlived a row that took too long would keep its process from ending.
        signal.addEventListener('abort', kill)
        return child
      }
      const now = Date.now()
      // All pages come from one address here.
      const sockets = PAGES + 10
      const limits: Partial<DoorLimits> = {
        socketsMax: sockets,
        socketsPerAddressMax: sockets,
        enteringMax: sockets,
        upgradesPerSecond: sockets,
        loginMs: 30_000,
      }
      const words = [SEED, now, JSON.stringify(limits)]
      const relay = keep(start('crowded-relay.ts', words, RELAY_FLAGS))
      const { url, name, meshAddress, residentBytes: residentBefore } = await told<RelayTold>(relay)
      const fleet = new Fleet({ seed: SEED, now })
      const station = open.use(await fleet.open(1))
      station.mesh.keepDialing(meshAddress)
      const size = Math.ceil(PAGES / CROWDS)
      const crowds = Array.from({ length: CROWDS }, (_, at) => {
        const count = Math.min(size, PAGES - at * size)
        return keep(start('page-crowd.ts', [url, name, SEED, now, 2 + at * size, count]))
      })
      const calledAt = Date.now()
      await Promise.all(crowds.map((crowd) => told<CrowdTold>(crowd)))
      const { loggedIn, residentBytes } = await allFollow(relay)
      const loginSeconds = (Date.now() - calledAt) / 1_000
      // The station is one of the relay's neighbours.
      expect(loggedIn).toBe(PAGES + 1)
      const hearing = Promise.all(crowds.map((crowd) => told<CrowdTold>(crowd)))
      while (station.mesh.subscribers('crew.acme.example').length === 0) {
        await new Promise((done) => setTimeout(done, 50))
      }
      const sentAt = Date.now()
      await station.crew.publish('to all')
      const heard = (await hearing).flatMap((each) => (each.kind === 'heard' ? [each] : []))
      const pages = heard.reduce((sum, each) => sum + each.pages, 0)
      const lastMs = Math.max(...heard.map(({ lastAt }) => lastAt)) - sentAt
      const what = `${PAGES.toLocaleString('en-US')} logged-in pages on one relay`
      const note = `pages in ${CROWDS} processes beside it; 1 of 250 is a whole host and checks all, the others judge nothing`
      expect(
        report({
          id: 'P8',
          what: `a broadcast to ${what}`,
          count: PAGES - pages,
          of: PAGES,
          counted: 'lost',
          goal: 'none',
        }),
      ).toBe('met')
      // Beside other tests neither a second of the clock nor the memory of a few says anything.
      if (!isFull) return
      const eachKib = (residentBytes - residentBefore) / 1_024 / PAGES
      const perSecond = (PAGES / loginSeconds).toFixed(0)
      const rows = [
        {
          what: `${what}, ${eachKib.toFixed(0)} KiB each; ${perSecond} came in a second`,
          figure: residentBytes / MIB,
          unit: 'MiB resident',
          most: RESIDENT_MIB_MAX,
        },
        {
          what: `a broadcast to ${what}: the last`,
          figure: lastMs / 1_000,
          unit: 's',
          most: 1,
        },
      ]
      expect(
        rows.map(({ most, ...row }) => report({ id: 'P8', ...row, goal: { most }, note })),
      ).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})
