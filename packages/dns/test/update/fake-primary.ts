import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import {
  decodeMessage,
  EMPTY_MESSAGE,
  encodeMessage,
  type Message,
  parseDnsName,
  type Primary,
  signTsig,
  type TsigKey,
  verifyTsig,
} from '@ixj/dns'
import { freePort } from '../../../../test/world/dns/free-port.ts'
import { newTsigKey } from '../../../../test/world/dns/tsig-secret.ts'

/** One request as it came, its signature checked. */
export interface Received {
  readonly bytes: Uint8Array
  readonly message: Message
  readonly mac: Uint8Array
  readonly transport: 'udp' | 'tcp'
  /** The port that it came from; 0 over TCP. */
  readonly port: number
  /** How many came before it. */
  readonly index: number
}

/** A server that says what a test wants. */
export interface FakePrimary extends AsyncDisposable {
  readonly primary: Primary
  readonly received: readonly Received[]
}

/**
 * What to send for a request: messages one after the other; none is silence. `close` ends a TCP
 * connection, `cut` does so within a message.
 */
export type Respond = (request: Received, key: TsigKey) => readonly (Uint8Array | 'close' | 'cut')[]

/** The clock of both sides. */
export const NOW = 1_795_000_000_000

/** Starts a server on 127.0.0.1 that answers over UDP and TCP. */
export async function startFakePrimary(respond: Respond): Promise<FakePrimary> {
  const key = newTsigKey('ourtool')
  const port = await freePort()
  const received: Received[] = []
  const answer = (bytes: Uint8Array, transport: Received['transport'], from = 0) => {
    const message = decodeMessage(bytes)
    const { mac } = verifyTsig(bytes, message.tsig, { keys: [key], now: NOW })
    const request = { bytes, message, mac, transport, port: from, index: received.length }
    received.push(request)
    return respond(request, key)
  }
  const packets = createSocket('udp4')
  packets.on('message', (bytes, { port: from }) => {
    for (const each of answer(Uint8Array.from(bytes), 'udp', from)) {
      if (typeof each !== 'string') packets.send(each, from, '127.0.0.1')
    }
  })
  const open = new Set<Socket>()
  const streams = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => socket.destroy())
    let request = Buffer.alloc(0)
    socket.on('data', (part: Buffer) => {
      request = Buffer.concat([request, part])
      if (request.length < 2 || request.length < 2 + request.readUInt16BE(0)) return
      for (const each of answer(Uint8Array.from(request.subarray(2)), 'tcp')) {
        if (each === 'close') socket.end()
        else if (each === 'cut') socket.end(Buffer.from([0, 100, 1, 2, 3]))
        else socket.write(Buffer.concat([Buffer.of(each.length >> 8, each.length & 0xff), each]))
      }
    })
  })
  packets.bind(port, '127.0.0.1')
  streams.listen(port, '127.0.0.1')
  await Promise.all([once(packets, 'listening'), once(streams, 'listening')])
  let ids = 0
  return {
    primary: {
      server: { address: '127.0.0.1', port },
      key,
      now: () => NOW,
      random: (length) => Uint8Array.from({ length }, () => ids++),
    },
    received,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      packets.close()
      streams.close()
      await once(streams, 'close')
    },
  }
}

/** The reply to a request, not signed. */
export function replyTo({ message }: Received, change: Partial<Message> = {}): Uint8Array {
  const { id, opcode, questions } = message
  return encodeMessage({ ...EMPTY_MESSAGE, id, opcode, response: true, questions, ...change })
}

/** The reply to a request, signed as an answer to it. */
export function signedReplyTo(
  request: Received,
  key: TsigKey,
  change: Partial<Message> = {},
): Uint8Array {
  return signTsig(replyTo(request, change), { key, now: NOW, priorMac: request.mac }).bytes
}

/** The zone of these tests. */
export const zone = parseDnsName('agents.test')
