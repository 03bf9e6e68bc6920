import { issueRevocation } from '@ixj/agent'
import {
  generateNodeKey,
  type Mesh,
  nodeRandom,
  nodeSha256,
  openMesh,
  openNodeVerifier,
  systemClock,
} from '@ixj/node'
import { memoryStore, openHost, type Host, type Identity } from '@ixj/agent'
import { AnchorSet } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { bindAnyhow } from '../world/made-statement.ts'
import { ownAnchor, World } from '../world/world.ts'
import { acceptsCutOff, stolenKey, type Whose } from './cut-off.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']
const NODES = 6

interface Station {
  readonly host: Host
  readonly mesh: Mesh
}

/** A real node over libp2p, which publishes the statuses of `authorities`. */
async function openStation(
  acme: Identity,
  identity: Identity,
  authorities: readonly Identity[],
): Promise<Station> {
  const mesh = await openMesh({ listen: LISTEN })
  const host = await openHost({
    identity,
    anchors: new AnchorSet([ownAnchor(acme)]),
    transport: mesh,
    clock: systemClock,
    random: nodeRandom,
    verifier: openNodeVerifier(),
    generateKey: generateNodeKey,
    store: memoryStore(),
    hash: nodeSha256,
    authorities,
  })
  return { host, mesh }
}

/** Nodes in a line, so that the last is as many hops away as there are nodes before it. */
async function openLine(acme: Identity, identities: readonly Identity[]): Promise<Station[]> {
  const stations: Station[] = []
  for (const identity of identities) {
    const authorities = stations.length === 0 ? [acme] : []
    const station = await openStation(acme, identity, authorities)
    const before = stations.at(-1)
    if (before !== undefined) {
      station.mesh.keepDialing(before.mesh.addresses[0]!)
      await turns(() => station.host.neighbours.includes(before.host.name))
    }
    stations.push(station)
  }
  return stations
}

/** Waits, a turn of the event loop at a time, until something is so. */
async function turns(isSo: () => boolean): Promise<void> {
  const end = performance.now() + ROW_MS_MAX / 2
  while (!isSo()) {
    if (performance.now() > end) throw new Error('It did not come to pass in time')
    await new Promise((done) => setImmediate(done))
  }
}

describe('A2: a stolen key after its revocation', () => {
  it(
    'is refused on every connected node within 5 s',
    async () => {
      const world = new World(SEED)
      const acme = world.organisation('acme.example')
      const times = { notBefore: 0, notAfter: 2 ** 45 }
      const identities: Identity[] = []
      for (let index = 1; index <= NODES; index++) {
        identities.push(await bindAnyhow(world, acme, `n${index}.acme.example`, times))
      }
      const stations = await openLine(acme, identities)
      const latencies: number[] = []
      const rounds = scaled(500)
      for (let round = 0; round < rounds; round++) {
        const stolen = await bindAnyhow(world, acme, `t${round}.acme.example`, times)
        const before = stations.map(({ host }) => host.generation)
        const target = { kind: 'key', name: stolen.name, key: stolen.signer.publicKey } as const
        const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }
        const notice = await issueRevocation(acme, target, context)
        const started = performance.now()
        await stations[0]!.host.takeNotice(notice.bytes)
        await turns(() => stations.every(({ host }, index) => host.generation > before[index]!))
        latencies.push(performance.now() - started)
        for (const { host } of stations) {
          await expect(host.openAgent(stolen)).rejects.toMatchObject({ code: 'revoked' })
        }
      }
      for (const { host } of stations) await host[Symbol.asyncDispose]()
      const slowest = Math.max(...latencies)
      const inTime = latencies.filter((ms) => ms <= 5_000).length
      expect(
        report({
          id: 'A2',
          what: `revoked keys, over libp2p, ${NODES} nodes in a line; the slowest took ${slowest.toFixed(0)} ms`,
          count: inTime,
          of: rounds,
          counted: 'refused on every node within 5 s',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )

  it(
    'is refused by a node that is cut off in bounded time',
    async () => {
      const bounds: readonly (readonly [Whose, number])[] = [
        ['foreign', 120_000],
        ['strict', 120_000],
        ['own', 600_000],
      ]
      let tried = 0
      let refused = 0
      const rounds = scaled(500)
      for (const [index, [whose, bound]] of bounds.entries()) {
        for (let round = 0; round < rounds; round++) {
          const world = new World(SEED + index * 1_000 + round)
          const acme = world.organisation('acme.example')
          const issuedAt = world.clock.now() + 1_000_000
          const stolen = await stolenKey(world, acme, whose)
          // Revoked just after the last status that the node heard, so that it had all the time.
          const now = issuedAt + bound + 1 + Math.floor(world.random() * 1e6)
          const made = await stolen.bundle(now)
          tried += 1
          refused += (await acceptsCutOff(world, acme, { whose, made, issuedAt, now })) ? 0 : 1
        }
      }
      expect(
        report({
          id: 'A2',
          what: 'stolen keys at a node that is cut off: other organisations and strict after 120 s, own after 600 s',
          count: refused,
          of: tried,
          counted: 'refused',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
