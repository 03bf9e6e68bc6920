import { once } from 'node:events'
import { createServer as createHttpsServer, type Server } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import {
  CLASS,
  decodeMessage,
  DnsError,
  EMPTY_MESSAGE,
  encodeMessage,
  MESSAGE_BYTES_MAX,
  parseDnsName,
  TYPE,
} from '@ixj/dns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { newCertificate } from '../../../../test/world/dns/unbound.ts'
import { HttpsTransport } from '../../src/resolver/https-transport.ts'
import { STREAM_JUNK_MAX } from '../../src/resolver/limits.ts'
import { StreamTransport } from '../../src/resolver/stream-transport.ts'
import { openTcp, openTls } from '../../src/resolver/tcp-socket.ts'
import { fitOf } from '../../src/resolver/transport.ts'
import { UdpTransport } from '../../src/resolver/udp-transport.ts'

const never = new AbortController().signal

function queryOf(id: number): Uint8Array {
  return encodeMessage({
    ...EMPTY_MESSAGE,
    id,
    questions: [{ name: parseDnsName('planner.agents.test'), type: TYPE.TXT, class: CLASS.IN }],
  })
}

/** The same message as an answer. */
function answerTo(query: Uint8Array): Buffer {
  return Buffer.from(encodeMessage({ ...decodeMessage(query), response: true }))
}

function frameOf(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** A TCP server of the test's own, for what real ones never do. */
async function openStreams(serve: (socket: Socket, frame: Buffer) => void) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (frame) => serve(socket, frame))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const transport = new StreamTransport('it', () => openTcp({ address: '127.0.0.1', port }))
  return {
    transport,
    sockets,
    [Symbol.asyncDispose]: async () => {
      await transport[Symbol.asyncDispose]()
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

describe('fitOf()', () => {
  const query = queryOf(0x1234)
  const answer = Uint8Array.from(answerTo(query))

  it('takes an answer by its id and question', () => {
    expect(fitOf(query, answer)).toBe('answer')
  })

  it.each([
    ['another id', answer.with(1, 0x35), 'junk'],
    ['a query', answer.with(2, 0), 'junk'],
    ['an update', answer.with(2, 0xa8), 'junk'],
    ['another spelling', answer.with(13, answer[13]! ^ 0x20), 'doubtful'],
    ['another type', answer.with(answer.length - 3, 1), 'doubtful'],
    ['no question', answer.with(5, 0), 'doubtful'],
    ['its end cut off', answer.slice(0, -1), 'doubtful'],
    ['11 bytes', answer.slice(0, 11), 'junk'],
    ['nothing', new Uint8Array(), 'junk'],
  ])('does not take %s', (_what, packet, fit) => {
    expect(fitOf(query, packet)).toBe(fit)
  })
})

describe('UdpTransport', () => {
  it('gives up an address that a referral may name and nothing can be sent to', async () => {
    const place = { address: '255.255.255.255', port: 53 }
    await using transport = new UdpTransport(place, { junk: 0, overTcp: 0 })
    // An error that ended the process would come past this promise.
    const outcome = transport.ask(queryOf(1), AbortSignal.timeout(500))
    await expect(outcome).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('StreamTransport', () => {
  it('keeps many answers apart on one connection, in any order and any pieces', async () => {
    const held: Buffer[] = []
    await using near = await openStreams((socket, part) => {
      held.push(part)
      const all = Buffer.concat(held)
      const size = queryOf(0).length + 2
      if (all.length < size * 3) return
      const frames = [2, 0, 1].map((place) =>
        frameOf(answerTo(all.subarray(place * size + 2, (place + 1) * size))),
      )
      for (const byte of Buffer.concat(frames)) socket.write(Buffer.of(byte))
    })
    // Equal ids: the connection gives each its own.
    const queries = [queryOf(7), queryOf(7), queryOf(8)]
    const answers = await Promise.all(queries.map((query) => near.transport.ask(query, never)))
    expect(answers.map((answer) => decodeMessage(answer).id)).toEqual([7, 7, 8])
    expect(near.sockets).toHaveLength(1)
  })

  it('opens another connection when the server has ended the first', async () => {
    await using near = await openStreams((socket, frame) => {
      socket.end(frameOf(answerTo(frame.subarray(2))))
    })
    for (let id = 0; id < 3; id++) {
      // oxlint-disable-next-line no-await-in-loop -- Each after the end of the one before.
      expect(decodeMessage(await near.transport.ask(queryOf(id), never)).id).toBe(id)
    }
    expect(near.sockets).toHaveLength(3)
  })

  it('asks once more when the server ends the connection just then, and no more', async () => {
    let asked = 0
    await using near = await openStreams((socket, frame) => {
      if (asked++ === 0) socket.write(frameOf(answerTo(frame.subarray(2))))
      else socket.destroy()
    })
    await near.transport.ask(queryOf(1), never)
    await expect(near.transport.ask(queryOf(2), never)).rejects.toMatchObject({
      code: 'unreachable',
    })
    expect([asked, near.sockets.length]).toEqual([3, 2])
  })

  it('ends a connection that floods', async () => {
    await using near = await openStreams((socket) => {
      const junk = frameOf(answerTo(queryOf(0xffff)))
      socket.write(Buffer.concat(Array.from({ length: STREAM_JUNK_MAX + 1 }, () => junk)))
    })
    await expect(near.transport.ask(queryOf(1), never)).rejects.toThrow(/answers to no query/)
  })

  it('takes late answers to queries that were given up', async () => {
    let count = 0
    const late: Buffer[] = []
    await using near = await openStreams((socket, frame) => {
      const size = queryOf(0).length + 2
      for (let at = 0; at < frame.length; at += size) {
        late.push(frameOf(answerTo(frame.subarray(at + 2, at + size))))
        if (++count === STREAM_JUNK_MAX + 5) socket.write(Buffer.concat(late))
      }
    })
    const stop = new AbortController()
    const givenUp = Array.from({ length: STREAM_JUNK_MAX + 4 }, (_, id) =>
      near.transport.ask(queryOf(id), stop.signal),
    )
    stop.abort(new Error('enough'))
    const outcomes = await Promise.allSettled(givenUp)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(decodeMessage(await near.transport.ask(queryOf(99), never)).id).toBe(99)
    expect(near.sockets).toHaveLength(1)
  })

  it('waits no longer than its signal', async () => {
    await using near = await openStreams(() => undefined)
    const stop = new AbortController()
    const waits = near.transport.ask(queryOf(1), stop.signal)
    stop.abort(new Error('enough'))
    await expect(waits).rejects.toThrow('enough')
  })
})

describe.runIf(realTools('HTTPS and TLS of the resolver', 'openssl'))('over TLS', () => {
  let identity: { readonly key: string; readonly certificate: string }
  beforeAll(async () => {
    identity = await newCertificate('resolver.test')
  })

  it('refuses a certificate even where the environment says not to look', async () => {
    const server = createTlsServer({ key: identity.key, cert: identity.certificate })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      const place = { address: '127.0.0.1', port, serverName: 'resolver.test' }
      await using transport = new StreamTransport('it', () =>
        openTls({ ...place, certificateAuthority: undefined }),
      )
      await expect(transport.ask(queryOf(1), never)).rejects.toThrow(/self-signed/)
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
      await new Promise((done) => server.close(done))
    }
  })

  describe('HttpsTransport at a server of HTTP/1.1', () => {
    let server: Server
    let connections = 0
    let reply: (query: Buffer) => {
      readonly status?: number
      readonly type?: string
      readonly body: Uint8Array
    }
    beforeAll(async () => {
      const files = { key: identity.key, cert: identity.certificate }
      server = createHttpsServer(files, (request, response) => {
        const parts: Buffer[] = []
        request.on('data', (part: Buffer) => parts.push(part))
        request.on('end', () => {
          const {
            status = 200,
            type = 'application/dns-message',
            body,
          } = reply(Buffer.concat(parts))
          response.writeHead(status, { 'content-type': type, location: '/other' }).end(body)
        })
      })
      server.on('secureConnection', () => connections++)
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    })
    afterAll(async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    })

    const open = () =>
      new HttpsTransport({
        address: '127.0.0.1',
        port: (server.address() as AddressInfo).port,
        serverName: 'resolver.test',
        certificateAuthority: identity.certificate,
        path: '/dns-query',
      })

    it('asks over a connection that is used again, with an id of 0', async () => {
      const ids: number[] = []
      reply = (query) => {
        ids.push(query.readUInt16BE(0))
        return { body: answerTo(query) }
      }
      await using transport = open()
      connections = 0
      for (const id of [5, 6, 7]) {
        // oxlint-disable-next-line no-await-in-loop -- One after the other.
        expect(decodeMessage(await transport.ask(queryOf(id), never)).id).toBe(id)
      }
      expect(ids).toEqual([0, 0, 0])
      // One that showed what the server speaks, if it lived so long, and the one that is kept.
      expect(connections).toBeLessThanOrEqual(2)
    })

    it.each([
      ['another status', { status: 503 }, /status 503/],
      ['a redirection', { status: 302 }, /status 302/],
      ['another type', { type: 'text/html' }, /text\/html/],
      ['too much', { body: new Uint8Array(MESSAGE_BYTES_MAX + 1) }, /over 65535 bytes/],
    ])('does not use %s', async (_what, more, message) => {
      reply = (query) => ({ body: answerTo(query), ...more })
      await using transport = open()
      const error: unknown = await transport.ask(queryOf(1), never).catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(DnsError)
      expect(error).toMatchObject({ code: 'unreachable', message: expect.stringMatching(message) })
    })
  })
})
