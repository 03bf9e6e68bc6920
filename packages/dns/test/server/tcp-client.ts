import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection to 127.0.0.1 over which messages of the DNS go. */
export interface TcpClient extends Disposable {
  readonly socket: Socket
  send(message: Uint8Array): void
  /** The next message; rejects when the connection has ended. */
  next(): Promise<Uint8Array>
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>
}

/** Connects to a port. */
export async function connectTcp(port: number): Promise<TcpClient> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const arrived: Uint8Array[] = []
  const waiting: { resolve: (message: Uint8Array) => void; reject: (error: Error) => void }[] = []
  let held = Buffer.alloc(0)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void closed.then(() => waiting.forEach(({ reject }) => reject(new Error('It has ended'))))
  socket.on('error', () => socket.destroy())
  socket.on('data', (part: Buffer) => {
    held = Buffer.concat([held, part])
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0)
      const message = Uint8Array.from(held.subarray(2, end))
      held = held.subarray(end)
      const first = waiting.shift()
      if (first === undefined) arrived.push(message)
      else first.resolve(message)
    }
  })
  return {
    socket,
    closed,
    send: (message) => {
      socket.write(Uint8Array.of(message.length >> 8, message.length & 0xff))
      socket.write(message)
    },
    next: () => {
      const message = arrived.shift()
      if (message !== undefined) return Promise.resolve(message)
      if (socket.destroyed) return Promise.reject(new Error('It has ended'))
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    [Symbol.dispose]: () => socket.destroy(),
  }
}
