import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { PING_MS, PINGS_UNANSWERED_MAX } from '../src/mesh/limits.ts'
import { MeshBench, Watch } from './mesh-bench.ts'

/** A way to an address on which traffic can be seen, and can stop without an end. */
async function openWay(address: string) {
  const watch = new Watch()
  const sockets: Socket[] = []
  const bytes = { there: 0, back: 0 }
  const [, port] = /\/tcp\/(\d+)/.exec(address)!
  const server = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1')
    sockets.push(near, far)
    const pass = (from: Socket, to: Socket, way: keyof typeof bytes) =>
      from.on('data', (data) => {
        bytes[way] += data.length
        to.write(data)
        watch.changed()
      })
    pass(near, far, 'there')
    pass(far, near, 'back')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`,
    bytes,
    until: (condition: () => boolean) => watch.until(condition),
    stop: () => sockets.forEach((socket) => socket.pause()),
    [Symbol.dispose]: () => {
      sockets.forEach((socket) => socket.destroy())
      server.close()
    },
  }
}

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
