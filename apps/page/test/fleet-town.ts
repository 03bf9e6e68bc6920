import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueTo } from '@ixj/agent'
import { type Node, nodeRandom, nodeSha256, openHome, openNode, systemClock } from '@ixj/node'
import { parseName } from '@ixj/names'
import { formatAnchors, fromBase64url, toBase64url } from '@ixj/trust'
import { fleetHome, OFFICE, PERSON, setUpFleet } from '../../cli/src/demo/fleet/fleet-setup.ts'
import { ACME, fleetNode, GARAGES, RELAYS, THIEF_ROLE } from '../../cli/src/demo/fleet/names.ts'
import { openDispatch, openGarage } from '../../cli/src/demo/fleet/open-garage.ts'
import { Refusals } from '../../cli/src/demo/fleet/refusals.ts'
import { openThief, type Thief } from '../../cli/src/demo/fleet/thief.ts'
import { buildPage } from '../build/build-page.ts'
import { openWebPlace, type WebPlace } from './web-place.ts'

const listen = ['/ip4/127.0.0.1/tcp/0']

/** A warehouse with two relays, each an origin that serves the page. */
export interface FleetTown extends AsyncDisposable {
  readonly places: readonly WebPlace[]
  readonly relays: readonly Node[]
  readonly nodes: readonly Node[]
  /** Who has copied the robots' keys, and does nothing yet. */
  readonly thief: Thief
  /** Ids of what the thief sent. */
  readonly tried: ReadonlySet<string>
  /** What the organisation gives to a person's key. */
  ticketFor(name: string, key: string): Promise<string>
  /** What went wrong in robots. */
  readonly failures: unknown[]
}

/** Opens it; the robots work at once. */
export async function openFleetTown(): Promise<FleetTown> {
  await using opening = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'ixj-fleet-'))
  opening.defer(() => rm(folder, { recursive: true, force: true }))
  const site = join(folder, 'site')
  await Promise.all([buildPage(site), setUpFleet(folder)])
  const places: WebPlace[] = []
  for (const _ of RELAYS) places.push(opening.use(await openWebPlace(site)))
  const origins = places.map(({ url }) => url)
  const relays: Node[] = []
  for (const [index, name] of RELAYS.entries()) {
    const home = fleetHome(folder, name.split('.')[0]!)
    const connect = relays.flatMap(({ addresses }) => addresses)
    const relay = opening.use(await openNode({ name, home, listen, connect, door: { origins } }))
    places[index]!.node = relay
    relays.push(relay)
  }
  const connect = relays.flatMap(({ addresses }) => addresses)
  const failures: unknown[] = []
  const failed = (cause: unknown) => void failures.push(cause)
  const nodes: Node[] = []
  for (const role of ['dispatch', ...GARAGES]) {
    const home = fleetHome(folder, role)
    const others = nodes.flatMap(({ addresses }) => addresses)
    const options = { listen, connect: [...connect, ...others] }
    const node = opening.use(await openNode({ name: fleetNode(role), home, ...options }))
    nodes.push(node)
    const parts = { refusals: new Refusals(node, { hear: () => {}, failed }), failed }
    const opened = role === 'dispatch' ? openDispatch(node, parts) : openGarage(node, role, parts)
    opening.use(await opened)
  }
  const tried = new Set<string>()
  const den = opening.use(
    await openNode({
      name: fleetNode(THIEF_ROLE),
      home: fleetHome(folder, THIEF_ROLE),
      listen,
      connect: [...connect, ...nodes.flatMap(({ addresses }) => addresses)],
    }),
  )
  const hear = ({ id }: { readonly id: string }) => void tried.add(id)
  const thief = opening.use(await openThief(den, folder, { clock: systemClock, hear, failed }))
  const ticketFor = async (name: string, key: string) => {
    const office = await openHome(fleetHome(folder, OFFICE))
    const statements = await issueTo(
      await office.readIdentity(ACME),
      { name: parseName(name), key: fromBase64url(key) },
      PERSON,
      { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
    )
    return JSON.stringify({
      relays: places.map(({ port }, index) => ({
        url: `ws://127.0.0.1:${port}/ixj`,
        name: RELAYS[index],
      })),
      anchors: JSON.parse(formatAnchors(await office.readAnchors())),
      statements: statements.map(({ envelope }) => toBase64url(envelope)),
    })
  }
  const opened = opening.move()
  return {
    places,
    relays,
    nodes,
    thief,
    tried,
    failures,
    ticketFor,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
