import { answerChallenge, type Challenge } from '@ixj/agent/relay'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Fleet } from '../world/fleet.ts'
import { loginOf, RawPage } from '../world/raw-page.ts'
import { OPEN_INBOXES, TownPage, TownRelay } from '../world/relay-town.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, SEED, scaled } from './scale.ts'

/** Honest pages, and attacks of each kind. */
const HONEST = scaled(1_000)
const ATTACKS = scaled(100)
const CUT_MS_MAX = 5_000

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
type Attack = (relay: TownRelay, path: string, fleet: Fleet) => Promise<void>

const url = (relay: TownRelay, path: string) => `${relay.address.url}${path}`

/** A bare connection; `begin` is sent, then something each 100 ms. */
async function byHand(relay: TownRelay, begin: string | Buffer, then?: Buffer): Promise<void> {
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
  relay: TownRelay,
  path: string,
  run: (raw: RawPage, challenge: Challenge) => void | Promise<void>,
): Promise<void> {
  const raw = new RawPage(url(relay, path))
  await run(raw, await raw.challenge())
  await raw.ended()
}

const attacks: Readonly<Record<string, Attack>> = {
  'another origin': async (relay, path) => {
    const raw = new RawPage(url(relay, path), { origin: 'https://globex.example' })
    await raw.ended()
    expect(raw.status).toBe(403)
  },
  'half a handshake': (relay) => byHand(relay, 'GET / HTTP/1.1\r\nHost: relay\r\n'),
  'a handshake, byte by byte': (relay) => byHand(relay, 'GET / HTTP/1.1\r\nA: ', Buffer.from('a')),
  'no login': (relay, path) => onSocket(relay, path, () => undefined),
  'a login, and no hello': (relay, path, fleet) =>
    onSocket(relay, path, async ({ socket }, challenge) => {
      const to = { relay: relay.host.name, origin: 'none' }
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
    onSocket(relay, path, ({ socket }) => {
      for (let part = 0; part < 1_000; part++) socket.send(Buffer.alloc(1), { fin: false })
    }),
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
    onSocket(relay, path, ({ socket }) => {
      for (let frame = 0; frame < 10_000; frame++) socket.send(Buffer.alloc(100))
    }),
}

/** How long the slowest of these attacks lasted, in ms. */
async function slowest(relay: TownRelay, fleet: Fleet, attack: Attack, first: number) {
  const began = performance.now()
  const lasted = Array.from({ length: ATTACKS }, async (_, index) => {
    await attack(relay, `${first + index}`, fleet)
    return performance.now() - began
  })
  return Math.max(...(await Promise.all(lasted)))
}

describe('A17: abuse of WebSockets', () => {
  it(
    'is cut within 5 s, and harms no honest socket',
    async () => {
      await using open = new AsyncDisposableStack()
      const fleet = new Fleet({ seed: SEED, now: Date.now() })
      // On loopback all have one address: here each path stands for one.
      const relay = await TownRelay.open(fleet, 0, {
        addressOf: ({ url: path = '' }) => `address ${path}`,
        limits: { socketsPerAddressMax: HONEST + 1, upgradesPerSecond: HONEST + 1 },
      })
      open.use(relay)
      const station = open.use(await fleet.open(1, { policy: OPEN_INBOXES }))
      station.mesh.keepDialing(relay.meshAddress)
      const pages: TownPage[] = []
      while (pages.length < HONEST) {
        pages.push(open.use(await TownPage.open(fleet, 2 + pages.length, [relay.address])))
        await pages.at(-1)!.admitted(1, AbortSignal.timeout(10_000))
      }
      const cuts: [string, number][] = []
      let first = 0
      await Promise.all(
        Object.entries(attacks).map(async ([kind, attack]) => {
          first += ATTACKS
          cuts.push([kind, await slowest(relay, fleet, attack, first)])
        }),
      )
      const late = cuts.filter(([, ms]) => ms > CUT_MS_MAX)
      const answering = (async () => {
        for await (const request of station.agent.requests()) await request.reply(request.body)
      })()
      const answers = await Promise.allSettled(
        pages.map(({ host }) => host.self.request(station.agent.name, 'still there?')),
      )
      await station.agent[Symbol.asyncDispose]()
      await answering
      const unharmed = pages.filter(
        ({ transport }, index) =>
          transport.relays[0]?.stands === 'admitted' &&
          transport.relays[0].lastEnd === '' &&
          answers[index]?.status === 'fulfilled',
      )
      const kinds = cuts.length
      const rows = [
        {
          what: `${kinds} kinds of abuse, ${ATTACKS} of each at once`,
          count: late.length,
          of: kinds,
          counted: `kinds cut later than after ${CUT_MS_MAX / 1_000} s`,
          goal: 'none',
          note: `the slowest: ${cuts
            .toSorted((left, right) => right[1] - left[1])[0]
            ?.map((each) => (typeof each === 'number' ? Math.round(each) : each))
            .join(', ')} ms`,
        },
        {
          what: 'honest pages beside them',
          count: unharmed.length,
          of: HONEST,
          counted: 'never cut, and answered through the relay afterwards',
          goal: 'all',
        },
      ] as const
      expect(rows.map((row) => report({ id: 'A17', ...row }))).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})
