import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../../../../test/world/dns/free-port.ts'

/** A way to a server that loses answers over UDP; TCP passes. */
export interface LossyPath extends AsyncDisposable {
  readonly port: number
  /** Answers that it will lose from now on. */
  toLose: number
  /** Packets that went to the server. */
  passed: number
}

/** Opens one before a server on 127.0.0.1. */
export async function openLossyPath(serverPort: number): Promise<LossyPath> {
  const port = await freePort()
  const near = createSocket('udp4')
  const far = new Set<ReturnType<typeof createSocket>>()
  near.on('message', (packet, { port: client }) => {
    path.passed++
    const socket = createSocket('udp4')
    far.add(socket)
    socket.on('message', (answer) => {
      if (path.toLose > 0) path.toLose--
      else near.send(answer, client, '127.0.0.1')
    })
    socket.send(packet, serverPort, '127.0.0.1')
  })
  const open = new Set<Socket>()
  const streams = createServer((socket) => {
    const onward = connect(serverPort, '127.0.0.1')
    for (const each of [socket, onward]) {
      open.add(each)
      each.on('error', () => each.destroy())
    }
    socket.pipe(onward)
    onward.pipe(socket)
  })
  near.bind(port, '127.0.0.1')
  streams.listen(port, '127.0.0.1')
  await Promise.all([once(near, 'listening'), once(streams, 'listening')])
  const path: LossyPath = {
    port,
    toLose: 0,
    passed: 0,
    [Symbol.asyncDispose]: async () => {
      for (const each of open) each.destroy()
      for (const each of [near, ...far]) each.close()
      streams.close()
      await once(streams, 'close')
    },
  }
  return path
}
