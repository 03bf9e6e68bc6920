import { setImmediate as turn } from 'node:timers/promises'
import { toHex } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { Fleet, type Station } from '../../../test/world/fleet.ts'

const SEED = 0x57a7e
const UPDATES = 50

/** Stations that are all connected and see each other. */
async function openStations(count: number, opening: AsyncDisposableStack) {
  const fleet = new Fleet({ seed: SEED, now: Date.now() })
  const stations: Station[] = []
  for (let index = 0; index < count; index++) {
    const station = opening.use(await fleet.open(index))
    for (const { address } of stations) await station.mesh.dial(address)
    stations.push(station)
  }
  const signal = AbortSignal.timeout(20_000)
  await Promise.all(stations.map((station) => station.sees(count, signal)))
  return stations
}

/** Resolves when a member sees this value of everybody's pose. */
async function seesAll({ crew }: Station, names: readonly string[], value: number): Promise<void> {
  const changes = crew.state.changes({ queueMax: 65_536, signal: AbortSignal.timeout(20_000) })
  const hasAll = () => names.every((each) => crew.state.get(each, 'pose')?.value === value)
  while (!hasAll()) {
    const next = await changes.take()
    if (next.done === true) throw new Error(`${crew.topic} does not show ${value} of all`)
  }
  changes.close()
}

describe('shared state over libp2p', () => {
  it('comes to the newest of everybody’s registers, the same for all, with ages that hold', async () => {
    await using opening = new AsyncDisposableStack()
    const stations = await openStations(3, opening)
    const names = stations.map(({ agent }) => agent.name)
    const seen = Promise.all(stations.map((station) => seesAll(station, names, UPDATES)))
    for (let value = 1; value <= UPDATES; value++) {
      for (const { crew } of stations) crew.state.set('pose', value)
      await turn()
    }
    const setAt = Date.now()
    await seen
    const digests = stations.map(({ crew }) => toHex(crew.state.snapshot().digest))
    expect(new Set(digests).size).toBe(1)
    for (const { crew } of stations) {
      for (const { age } of crew.state.entries()) {
        // All of them were set up to some ms before: the truth lies between.
        const passed = Date.now() - setAt
        expect(age[0]).toBeLessThanOrEqual(passed + 1_000)
        expect(age[1]).toBeGreaterThanOrEqual(passed - 1)
        expect(age[1]).toBeLessThan(30_000)
      }
    }
  })

  it('is given to one that joins later', async () => {
    await using opening = new AsyncDisposableStack()
    const fleet = new Fleet({ seed: SEED, now: Date.now() })
    const first = opening.use(await fleet.open(0))
    first.crew.state.set('mode', 'idle')
    const second = opening.use(await fleet.open(1))
    const changes = second.crew.state.changes({ signal: AbortSignal.timeout(20_000) })
    await second.mesh.dial(first.address)
    const next = await changes.take()
    expect(next.value).toMatchObject({ kind: 'set', register: { register: 'mode', value: 'idle' } })
  })
})
