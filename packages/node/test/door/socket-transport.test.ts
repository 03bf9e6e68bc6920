import type { Transport } from '@ixj/agent'
import {
  type LoggedIn,
  type SocketPort,
  type SocketSession,
  SocketTransport,
} from '@ixj/agent/relay'
import { parseName } from '@ixj/names'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { WebSocket as Client } from 'ws'
import { ManualClock } from '../../../agent/src/manual-clock.ts'
import {
  type TransportBench,
  transportContract,
} from '../../../../test/contract/transport-contract.ts'
import { MESH_PROTOCOLS_DEFAULT } from '../../src/mesh.ts'
import { nodeSha256 as hash } from '../../src/node-keys.ts'

/** A real socket as a port; login, which has tests of its own, is left out. */
function portOf(socket: WebSocket): SocketPort {
  return {
    send: (frame) => socket.send(frame, () => {}),
    get waitingBytes() {
      return socket.bufferedAmount
    },
    end: ({ code, text }) => socket.close(code, text),
  }
}

/** A login of which nothing but the peer matters here. */
function loginOf(peer: string): LoggedIn {
  return { peer, name: parseName('side.acme.example'), key: new Uint8Array(32) }
}

function run(socket: WebSocket, session: SocketSession): void {
  socket.on('message', (data) => session.receive(data as Buffer))
  socket.on('close', () => session.ended())
}

interface Place {
  readonly transport: SocketTransport
  readonly server: WebSocketServer
}

/** Transports on loopback, each with a server for those who call it. */
async function openSocketBench(): Promise<TransportBench> {
  const clock = new ManualClock({
    now: Date.now(),
    settle: () => new Promise((done) => setImmediate(done)),
  })
  const places: Place[] = []
  let changed = Promise.withResolvers<void>()
  const find = (transport: Transport): Place => {
    const place = places.find((each) => each.transport === transport)
    if (place === undefined) throw new Error(`"${transport.peer}" is not of this bench`)
    return place
  }
  return {
    open: async (receiver) => {
      const peer = `side ${places.length + 1}`
      const transport = new SocketTransport({
        peer,
        clock,
        hash,
        protocols: MESH_PROTOCOLS_DEFAULT,
      })
      transport.attach(receiver)
      const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
      server.on('connection', (socket, request) => {
        const from = decodeURIComponent(request.url?.slice(1) ?? '')
        run(socket, transport.join(loginOf(from), portOf(socket), false))
      })
      await once(server, 'listening')
      places.push({ transport, server })
      return transport
    },
    connect: async (from, to) => {
      const { port } = find(to).server.address() as AddressInfo
      const socket = new Client(`ws://127.0.0.1:${port}/${encodeURIComponent(from.peer)}`)
      await once(socket, 'open')
      run(socket, find(from).transport.join(loginOf(to.peer), portOf(socket), true))
    },
    until: async (condition) => {
      while (!condition()) {
        await changed.promise
        changed = Promise.withResolvers()
      }
    },
    changed: () => changed.resolve(),
    advance: (ms) => clock.advance(ms),
    blame: (at, peer) => find(at).transport.blame(peer),
    [Symbol.asyncDispose]: async () => {
      for (const { transport, server } of places) {
        await transport[Symbol.asyncDispose]()
        for (const client of server.clients) client.terminate()
        await new Promise((done) => server.close(done))
      }
    },
  }
}

transportContract('socket', openSocketBench)
