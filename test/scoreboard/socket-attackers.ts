import { answerChallenge, type Challenge } from '@ixj/agent/relay'
import { type Name, parseName } from '@ixj/names'
import { connect, type Socket } from 'node:net'
import process from 'node:process'
import { WebSocket } from 'ws'
import { Fleet } from '../world/fleet.ts'
import { loginOf, RawPage } from '../world/raw-page.ts'

/** What a process of attackers tells: each kind, and after how many ms the last of it was cut. */
export interface AttackersTold {
  readonly cuts: readonly (readonly [kind: string, ms: number])[]
}

const [, , relayUrl = '', relayName = '', ...numbers] = process.argv
const [seed = 0, now = 0, each = 0] = numbers.map(Number)
const target: Attacked = {
  url: relayUrl,
  name: parseName(relayName),
  port: Number(new URL(relayUrl).port),
}
const fleet = new Fleet({ seed, now })

/** Whom they attack. */
interface Attacked {
  readonly url: string
  readonly name: Name
  readonly port: number
}

/** Text that a client of ours would send before its frames. */
const upgrade = (path: string) =>
  [
    `GET /${path} HTTP/1.1`,
    'Host: relay',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: ixj.1',
    '',
    '',
  ].join('\r\n')

/** What an attacker does on a connection or socket of its own, until it is ended. */
type Attack = (relay: Attacked, path: string) => Promise<void>

const at = ({ url }: Attacked, path: string) => `${url}${path}`

/** A bare connection; `begin` is sent, then something each 100 ms. */
async function byHand(relay: Attacked, begin: string | Buffer, then?: Buffer): Promise<void> {
  const socket: Socket = connect(relay.port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  socket.resume()
  socket.write(begin)
  const timer = then === undefined ? undefined : setInterval(() => socket.write(then), 100)
  // By hand: `once` would take its reset, which is a way to be cut, for a failure.
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(timer)
}

/** A WebSocket that does this once it is challenged. */
async function onSocket(
  relay: Attacked,
  path: string,
  run: (raw: RawPage, challenge: Challenge) => void | Promise<void>,
): Promise<void> {
  const raw = new RawPage(at(relay, path))
  await run(raw, await raw.challenge())
  await raw.ended()
}

/** Sends so many frames, in turns with the other attackers, for as long as the socket is open. */
async function flood(
  { socket }: RawPage,
  frames: number,
  data: Buffer,
  options: { readonly fin?: boolean } = {},
): Promise<void> {
  for (let sent = 0; sent < frames && socket.readyState === WebSocket.OPEN; sent++) {
    socket.send(data, options)
    if (sent % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
  }
}

const attacks: Readonly<Record<string, Attack>> = {
  'another origin': async (relay, path) => {
    const raw = new RawPage(at(relay, path), { origin: 'https://globex.example' })
    await raw.ended()
    if (raw.status !== 403) throw new Error(`Another origin was told ${raw.status}`)
  },
  'half a handshake': (relay) => byHand(relay, 'GET / HTTP/1.1\r\nHost: relay\r\n'),
  'a handshake, byte by byte': (relay) => byHand(relay, 'GET / HTTP/1.1\r\nA: ', Buffer.from('a')),
  'no login': (relay, path) => onSocket(relay, path, () => undefined),
  'a login, and no hello': (relay, path) =>
    onSocket(relay, path, async ({ socket }, challenge) => {
      const to = { relay: relay.name, origin: 'none' }
      const page = await fleet.node(100_000 + Number(path))
      socket.send((await answerChallenge(challenge, to, loginOf(page))).bytes)
    }),
  junk: (relay, path) => onSocket(relay, path, ({ socket }) => socket.send(Buffer.alloc(64, 0xc1))),
  text: (relay, path) => onSocket(relay, path, ({ socket }) => socket.send('hello')),
  'a frame of 1 MiB': (relay, path) =>
    onSocket(relay, path, ({ socket }) => socket.send(Buffer.alloc(1024 * 1024))),
  'a frame that says to be of 8 EiB': (relay, path) =>
    byHand(
      relay,
      Buffer.concat([Buffer.from(upgrade(path)), Buffer.from('82ff7fffffffffffffff', 'hex')]),
    ),
  'fragments without end': (relay, path) =>
    onSocket(relay, path, (raw) => flood(raw, 1_000, Buffer.alloc(1), { fin: false })),
  'a frame, byte by byte': (relay, path) =>
    byHand(
      relay,
      Buffer.concat([Buffer.from(upgrade(path)), Buffer.from('82fe010000000000', 'hex')]),
      Buffer.from([0]),
    ),
  'a compressed frame': (relay, path) =>
    byHand(
      relay,
      Buffer.concat([Buffer.from(upgrade(path)), Buffer.from('c28400000000ffffffff', 'hex')]),
    ),
  'frames before login, in floods': (relay, path) =>
    onSocket(relay, path, (raw) => flood(raw, 10_000, Buffer.alloc(100))),
}

/** How long the slowest of these attacks lasted, in ms. */
async function slowest(attack: Attack, first: number): Promise<number> {
  const began = performance.now()
  const lasted = Array.from({ length: each }, async (_, index) => {
    await attack(target, `${first + index}`)
    return performance.now() - began
  })
  return Math.max(...(await Promise.all(lasted)))
}

const cuts = await Promise.all(
  Object.entries(attacks).map(async ([kind, attack], index) => {
    return [kind, await slowest(attack, (index + 1) * each)] as const
  }),
)
process.send?.({ cuts } satisfies AttackersTold)
process.disconnect()
