import { afterEach, describe, expect, it, vi } from 'vitest'
import { DOOR_STALL_MS, DOOR_SWEEP_MS, type DoorLimits } from '../../src/door/limits.ts'
import { Fleet } from '../../../../test/world/fleet.ts'
import { RawPage } from '../../../../test/world/raw-page.ts'
import { TownPage, TownRelay } from '../../../../test/world/relay-town.ts'

const fleet = new Fleet({ seed: 17, now: Date.now() })
const soon = () => AbortSignal.timeout(10_000)
let opened = new AsyncDisposableStack()
afterEach(async () => {
  await opened.disposeAsync()
  opened = new AsyncDisposableStack()
})

async function openRelay(limits: Partial<DoorLimits>): Promise<TownRelay> {
  return opened.use(await TownRelay.open(fleet, 0, { limits }))
}

/** Holds this process up, so that no timer runs and nothing is read. */
function stall(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('a relay that was held up itself', () => {
  const heldUpMs = DOOR_STALL_MS + DOOR_SWEEP_MS + 300

  it('cuts no page for what it has not read meanwhile', async () => {
    const relay = await openRelay({ idleMs: 500 })
    const page = opened.use(await TownPage.open(fleet, 1, [relay.address]))
    await page.admitted(1, soon())
    stall(heldUpMs)
    await vi.waitFor(() => expect(relay.door.counts.stalls).toBe(1))
    await new Promise((done) => setTimeout(done, 2 * DOOR_SWEEP_MS))
    expect(relay.door.counts.cuts.silent).toBe(0)
    expect(relay.door.load.loggedIn).toBe(1)
  })

  it('gives whoever was logging in some time more', async () => {
    const relay = await openRelay({ loginMs: 700 })
    const page = opened.use(await TownPage.open(fleet, 1, [relay.address]))
    await vi.waitFor(() => expect(relay.door.load.sockets).toBe(1), { interval: 1 })
    stall(heldUpMs)
    await page.admitted(1, soon())
    expect(relay.door.counts.cuts['not-admitted']).toBe(0)
    expect(relay.door.counts.sockets).toBe(1)
  })

  it('cuts who does not end a frame that it began, as soon as it has read what came', async () => {
    const relay = await openRelay({ progressMs: 600 })
    const raw = new RawPage(relay.address.url)
    opened.defer(() => raw.socket.terminate())
    await raw.challenge()
    raw.socket.send('a', { fin: false })
    await new Promise((done) => setTimeout(done, DOOR_SWEEP_MS + 100))
    stall(heldUpMs)
    const before = performance.now()
    expect(await raw.ended()).toMatchObject({ code: 4411 })
    expect(relay.door.counts).toMatchObject({ stalls: 1, cuts: { slow: 1 } })
    expect(performance.now() - before).toBeLessThan(2 * DOOR_SWEEP_MS)
  })

  it('cuts who says nothing all the same, once it has had that time', async () => {
    const relay = await openRelay({ loginMs: 700 })
    const raw = new RawPage(relay.address.url)
    opened.defer(() => raw.socket.terminate())
    await raw.challenge()
    stall(heldUpMs)
    expect(await raw.ended()).toMatchObject({ code: 4408 })
    expect(relay.door.counts.cuts['not-admitted']).toBe(1)
  })
})
