import { expect, test } from 'vitest'
import { PING_MS, PINGS_UNANSWERED_MAX } from '../src/mesh/limits.ts'
import { MeshBench } from './mesh-bench.ts'
import { openWay } from './way.ts'

test('a neighbour that says nothing is asked for a sign of life, and cut when none comes', async () => {
  await using bench = new MeshBench()
  const [victim, raw] = [await bench.victim(), await bench.raw()]
  using way = await openWay(raw.address)
  await victim.mesh.dial(way.address)
  victim.mesh.admit(raw.peer)
  // What is heard in one time is looked at when it is over; what was opened at the start, too.
  await bench.clock.advance(PING_MS)
  for (let time = 0; time < 3 * PINGS_UNANSWERED_MAX; time++) {
    const { there, back } = way.bytes
    await bench.clock.advance(PING_MS)
    await bench.clock.advance(PING_MS)
    await way.until(() => way.bytes.there > there && way.bytes.back > back)
    await victim.mesh.openChannel(raw.peer, '/ixj/hello/1').then((channel) => channel.close())
  }
  expect(victim.told.disconnections).toEqual([])
  way.stop()
  for (let time = 0; time <= PINGS_UNANSWERED_MAX; time++) await bench.clock.advance(PING_MS)
  expect(victim.told.disconnections).toEqual([])
  await bench.clock.advance(PING_MS)
  expect(victim.told.disconnections).toEqual([raw.peer])
  expect(victim.mesh.counts).toMatchObject({ silent: 1, contained: 0 })
})
