import { setTimeout as sleep } from 'node:timers/promises'
import type { Mesh } from '@ixj/node'
import { describe, expect, it } from 'vitest'
import { flood, type GossipByHand, gossipByHand } from '../../packages/node/test/hostile-station.ts'
import { openGossip, openRaw, type sendRpc } from '../../packages/node/test/mesh-attackers.ts'
import { Watch } from '../../packages/node/test/mesh-bench.ts'
import { Fleet, openMeshHost } from '../world/fleet.ts'
import { lossOf, RemoteFleet } from '../world/remote-fleet.ts'
import { ownAnchor } from '../world/world.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const CREW = '/ixj/1/crew.acme.example'
const HONEST = isFull ? 10 : 3
/** Half of them pass no hello, half pass it under a name that has no right to the crew. */
const HOSTILE = isFull ? 200 : 2
/** RPCs a second of each on each, and how soon one that was cut comes again. */
const [PER_SECOND, PAUSE_MS] = [25, 2_000]
/** How many say hello at once: a source has room for 32 at each node. */
const GREETING = 32
/** How many honest nodes each of them attacks. */
const TARGETS = 3
const LOAD = { count: isFull ? 300 : 40, everyMs: 50, bytes: 200 }

/** All that may get a peer into a mesh, or others out of it. */
function attack(index: number): Parameters<typeof sendRpc>[1] {
  const ids = Array.from({ length: 64 }, (_, one) => new Uint8Array(32).fill(index + one))
  return {
    subscriptions: [
      { topic: CREW, subscribe: true },
      { topic: `/ixj/1/t${index}.acme.example`, subscribe: true },
    ],
    messages: [{ topic: CREW, data: Uint8Array.of(0xc1, index & 0xff, index >> 8) }],
    control: {
      ihave: [{ topicID: CREW, messageIDs: ids }],
      iwant: [{ messageIDs: ids }],
      graft: [{ topicID: CREW }],
      prune: [{ topicID: CREW, peers: [], backoff: 3_600 }],
      idontwant: [{ messageIDs: ids }],
    },
  }
}

interface Attacker extends AsyncDisposable {
  readonly byHand: GossipByHand
  /** Says hello, if that is what it does, and waits until it is admitted. */
  greet(address: string): Promise<unknown>
  /** Attacks a node until it is cut, and comes again, until the time is over. */
  besiege(address: string, ms: number): Promise<void>
}

/** Being refused, and cut in the middle of anything, is what has to happen to an attacker. */
async function tryTo(work: () => Promise<unknown>): Promise<void> {
  await work().catch((cause: unknown) => {
    if (!(cause instanceof Error)) throw cause
  })
}

async function until(ms: number, work: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    await tryTo(work)
    await sleep(PAUSE_MS)
  }
}

/** Passes no hello: it opens gossip at once. */
async function openStranger(): Promise<Attacker> {
  const raw = await openRaw(new Watch())
  return {
    byHand: { streams: new Map(), received: raw.received },
    greet: async () => undefined,
    besiege: (address, ms) =>
      until(ms, async () => {
        const stream = await openGossip(await raw.dial([address]))
        await flood(stream, attack, { perSecond: PER_SECOND, ms: 4_000 })
      }),
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
  }
}

/** Passes hello under a name of the same organisation that holds no grant. */
async function openNobody(fleet: Fleet, index: number): Promise<Attacker> {
  const identity = await fleet.node(index)
  const { host, mesh } = await openMeshHost({ identity, anchors: [ownAnchor(fleet.acme)] })
  const byHand = gossipByHand(mesh)
  return {
    byHand,
    greet: (address) => gossipTo(mesh, byHand, address),
    besiege: (address, ms) => until(ms, () => once(mesh, byHand, address)),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
}

async function gossipTo(mesh: Mesh, byHand: GossipByHand, address: string) {
  const peer = await mesh.dial(address)
  const open = () => byHand.streams.get(peer)?.writeStatus === 'writable'
  for (let wait = 0; !open() && wait < 100; wait++) await sleep(50)
  return byHand.streams.get(peer)
}

async function once(mesh: Mesh, byHand: GossipByHand, address: string): Promise<void> {
  const stream = await gossipTo(mesh, byHand, address)
  if (stream !== undefined) await flood(stream, attack, { perSecond: PER_SECOND, ms: 4_000 })
}

describe('A11: hostile peers around honest ones', () => {
  it(
    'get nothing, and keep nothing from anybody',
    async () => {
      await using honest = await RemoteFleet.start(HONEST, {
        seed: SEED,
        waitMs: ROW_MS_MAX / 2,
        dials: Math.min(3, HONEST - 1),
      })
      const addresses = await Promise.all(honest.stations.map((one) => one.call('address')))
      const fleet = new Fleet({ seed: SEED, now: Date.now() })
      await using opened = new AsyncDisposableStack()
      const attackers: Attacker[] = []
      for (let index = 0; index < HOSTILE; index++) {
        const one = index % 2 === 0 ? openStranger() : openNobody(fleet, 1_000 + index)
        attackers.push(opened.use(await one))
      }
      const targetsOf = (index: number) =>
        Array.from(
          { length: Math.min(TARGETS, HONEST) },
          (_, step) => addresses[(index + step) % HONEST]!,
        )
      // First those that say hello: all are behind one address here, where strangers crowd out.
      for (let start = 0; start < HOSTILE; start += GREETING) {
        const greetings = attackers
          .slice(start, start + GREETING)
          .flatMap((attacker, one) =>
            targetsOf(start + one).map((address) => tryTo(() => attacker.greet(address))),
          )
        await Promise.all(greetings)
      }
      const ms = LOAD.count * LOAD.everyMs + 4_000
      const attacks = attackers.flatMap((attacker, index) =>
        targetsOf(index).map((address) => attacker.besiege(address, ms)),
      )
      const sent = await honest.publish(LOAD)
      const reports = await honest.settled(sent, ROW_MS_MAX / 4)
      await Promise.all(attacks)
      const { of, missing } = lossOf(sent, reports)
      const isInMesh = ({ byHand }: Attacker) =>
        byHand.received.some(
          ({ messages, control }) =>
            messages.some(({ topic }) => topic === CREW) ||
            (control?.graft ?? []).some(({ topicID }) => topicID === CREW),
        )
      const what = `hostile peers around ${HONEST} honest ones, half of them past hello`
      const rows = [
        report({
          id: 'A11',
          what,
          count: attackers.filter(isInMesh).length,
          of: HOSTILE,
          counted: 'in the mesh',
          goal: 'none',
        }),
        report({
          id: 'A11',
          what: `messages between the honest beside ${HOSTILE} hostile peers`,
          count: of - missing,
          of,
          counted: 'delivered',
          goal: 'all',
        }),
      ]
      // They did attack: they were refused, or cut, and heard nothing of the crew.
      const after = await Promise.all(honest.stations.map((one) => one.call('report')))
      const counts = after.map(({ mesh }) => mesh)
      const total = (key: string) => counts.reduce((sum, one) => sum + (one[key] ?? 0), 0)
      expect(total('withoutRight')).toBeGreaterThan(0)
      expect(total('graylisted')).toBeGreaterThan(0)
      expect(rows).toEqual(['met', 'met'])
    },
    ROW_MS_MAX,
  )
})
