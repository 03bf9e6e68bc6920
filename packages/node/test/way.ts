import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Watch } from './mesh-bench.ts'

/** A way to an address on which traffic can be seen, and can stop without an end. */
export async function openWay(address: string) {
  const watch = new Watch()
  const sockets: Socket[] = []
  const bytes = { there: 0, back: 0 }
  const [, port] = /\/tcp\/(\d+)/.exec(address)!
  const server = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1')
    sockets.push(near, far)
    for (const socket of [near, far]) socket.on('error', () => watch.changed())
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
    goOn: () => sockets.forEach((socket) => socket.resume()),
    [Symbol.dispose]: () => {
      sockets.forEach((socket) => socket.destroy())
      server.close()
    },
  }
}
