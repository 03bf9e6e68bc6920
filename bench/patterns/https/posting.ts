import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { Readable } from 'node:stream'
import { processOf, receiversOf, sendersIn, type AgentNumber } from '../cast.ts'
import { pipelined, type Part, type Player, type Sending, type Take } from '../player.ts'

/** Posts one body to an agent; resolves with the answer's body. */
export type Post = (port: number, path: string, body: Uint8Array) => Promise<Uint8Array>

/** One way of posting: its server, and its client. */
export interface Posting {
  readonly server: Server
  readonly post: Post
  /** Requests of one process that are on their way at once. */
  readonly window: number
  close(): Promise<void>
}

/** TLS 1.3 only, with the one certificate that both ends know. */
export function tlsOptions({ ground }: Part) {
  const certificate = ground['certificate'] ?? ''
  return {
    server: { key: ground['key'] ?? '', cert: certificate, minVersion: 'TLSv1.3' },
    client: { ca: certificate, minVersion: 'TLSv1.3' },
  } as const
}

/** Has a server listen on a free port of loopback. */
export async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Unicast: one request for each receiver. */
export async function openPosting(part: Part, posting: Posting): Promise<Player> {
  const { server, post, window } = posting
  const port = await listening(server)
  let ports: readonly number[] = []
  const portOf = (agent: AgentNumber) => ports[processOf(agent, part.cast)] ?? 0
  return {
    card: String(port),
    meet: async (cards) => {
      ports = cards.map(Number)
    },
    send: (sending) =>
      sendEach(sending, window / sendersIn(part.process, sending.run, part.cast), (agent, body) =>
        post(portOf(agent), `/inbox/${agent}`, body),
      ),
    ask: async (body) => void (await post(portOf(1), '/ask', body)),
    [Symbol.asyncDispose]: async () => {
      await posting.close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What a server does with a request's path and body: a message is taken, a question sent back. */
export function answerTo(path: string, body: Buffer, take: Take): Buffer | undefined {
  if (path === '/ask') return body
  take(Number(path.slice('/inbox/'.length)), body)
  return undefined
}

/** Reads a whole body; events, as they cost less than an iterator. */
export function readAll(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    stream.once('error', reject)
  })
}

/** Sends each message to each of its receivers, one request each, so many at once. */
export async function sendEach(
  { run, from, count, body }: Sending,
  window: number,
  post: (receiver: AgentNumber, body: Uint8Array) => Promise<unknown>,
): Promise<void> {
  const receivers = receiversOf(run, from)
  await pipelined(count * receivers.length, Math.floor(window), (index) =>
    post(receivers[index % receivers.length]!, body(Math.floor(index / receivers.length))),
  )
}
