import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket as TcpSocket } from 'node:net'
import { exchange } from '../../../../test/world/dns/ask.ts'
import { freePort } from '../../../../test/world/dns/free-port.ts'

/** One query on its way to the zone, and what the zone says to it. */
export interface Passing {
  readonly query: Uint8Array
  readonly answer: Uint8Array
  readonly over: 'udp' | 'tcp'
}

/** What the spoofer does with an answer: packets in the order in which they are sent. */
export type Trick = (passing: Passing) => readonly Packet[] | Promise<readonly Packet[]>

/** A packet that the spoofer sends. */
export interface Packet {
  readonly bytes: Uint8Array
  /** From another port than the one that was asked; over UDP alone. */
  readonly elsewhere?: boolean
}

/** Passes everything on as it is. */
export const honest: Trick = ({ answer }) => [{ bytes: answer }]

/** Somebody who sits between a resolver and a zone's server, over UDP and TCP. */
export interface Spoofer extends AsyncDisposable {
  readonly port: number
  /** Changes what it does from the next answer on. */
  trick: Trick
}

/** Opens a spoofer in front of a server on 127.0.0.1, honest at first. */
export async function openSpoofer(server: { readonly port: number }): Promise<Spoofer> {
  const port = await freePort()
  const [main, other] = [createSocket('udp4'), createSocket('udp4')]
  main.bind(port, '127.0.0.1')
  other.bind(0, '127.0.0.1')
  const streams = new Set<TcpSocket>()
  const spoofer: Spoofer = {
    port,
    trick: honest,
    [Symbol.asyncDispose]: async () => {
      for (const stream of streams) stream.destroy()
      await Promise.all([closed(main), closed(other), new Promise((done) => tcp.close(done))])
    },
  }
  const pass = async (query: Uint8Array, over: Passing['over']) => {
    const answer = await exchange(query, { port: server.port, tcp: over === 'tcp' })
    return await spoofer.trick({ query, answer, over })
  }
  main.on('message', (query, from) => {
    void pass(Uint8Array.from(query), 'udp').then(
      (packets) => sendAll(packets, { main, other, from }),
      () => undefined,
    )
  })
  const tcp = createServer((stream) => {
    streams.add(stream)
    stream.on('error', () => stream.destroy())
    stream.on('close', () => streams.delete(stream))
    readFrames(stream, async (query) => {
      for (const { bytes } of await pass(query, 'tcp')) stream.write(frameOf(bytes))
    })
  })
  tcp.listen(port, '127.0.0.1')
  await Promise.all([once(main, 'listening'), once(other, 'listening'), once(tcp, 'listening')])
  return spoofer
}

function sendAll(
  packets: readonly Packet[],
  sockets: { readonly main: Socket; readonly other: Socket; readonly from: RemoteInfo },
): void {
  const { main, other, from } = sockets
  for (const { bytes, elsewhere = false } of packets) {
    // A socket that the resolver closed in the meantime refuses: that is nobody's fault.
    ;(elsewhere ? other : main).send(bytes, from.port, from.address, () => undefined)
  }
}

function readFrames(stream: TcpSocket, take: (query: Uint8Array) => Promise<void>): void {
  let received: Buffer = Buffer.alloc(0)
  stream.on('data', (part) => {
    received = Buffer.concat([received, part])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0)
      take(Uint8Array.from(received.subarray(2, end))).catch(() => stream.destroy())
      received = received.subarray(end)
    }
  })
}

function frameOf(bytes: Uint8Array): Buffer {
  const frame = Buffer.alloc(bytes.length + 2)
  frame.writeUInt16BE(bytes.length)
  frame.set(bytes, 2)
  return frame
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve())
  })
}
