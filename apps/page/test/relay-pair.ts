import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Agent, type Group, issueTo, type SpawnOptions } from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import type { Upstream } from '@ixj/dns'
import { type Home, type Node, nodeRandom, nodeSha256, openNode, systemClock } from '@ixj/node'
import { type AnchorSet, formatAnchors, fromBase64url, toBase64url } from '@ixj/trust'
import { acme, born, openField, openOffice } from '../../../packages/node/test/home-bench.ts'
import { buildLibrary } from '../build/build-library.ts'
import { openWebPlace, type WebPlace } from './web-place.ts'

/** The group in which pages listen. */
export const CREW = 'crew.acme.example'
const RELAYS = [parseName('relay1.acme.example'), parseName('relay2.acme.example')]
const CLERK = parseName('clerk.acme.example')
/** The agent in Node. */
export const SPEAKER = parseName('speaker.acme.example')
const listen = ['/ip4/127.0.0.1/tcp/0']
const member: SpawnOptions = {
  lifetimeSeconds: 600,
  grants: [
    { actions: ['answer', 'subscribe'], topics: [CREW] },
    // Whatever they write to: two grants that fit are one too many.
    { actions: ['publish', 'request'], topics: ['**.acme.example'] },
  ],
}

/** Two relays, each an origin with the library beside it, and one agent in Node that speaks. */
export interface RelayPair extends AsyncDisposable {
  readonly places: readonly WebPlace[]
  /** An origin that is no relay's, without a policy of its own, whose files lie in `folder`. */
  readonly elsewhere: WebPlace
  readonly folder: string
  /** The home of the organisation's own key. */
  readonly office: Home
  readonly relays: readonly Node[]
  /** What the agent in Node has joined. */
  readonly crew: Group
  readonly speaker: Agent
  /** Waits until the agent in Node sees all of these in the crew. */
  present(names: readonly Name[]): Promise<void>
  /** What a page is given for its key: a member of the crew, that trusts what all trust. */
  ticketFor(name: string, key: string): Promise<string>
  /** Ends a relay as a crash does: every connection breaks, nothing is said. */
  kill(index: number): Promise<void>
}

/** Whom all of them trust in place of the organisation's key, and where they look. */
export interface ZoneTrust {
  readonly anchors: AnchorSet
  readonly upstream: Upstream
}

/** Opens them; with a zone in which the organisation's key stands they trust that. */
export async function openRelayPair(
  openZone?: (organisationKey: Uint8Array) => Promise<ZoneTrust>,
): Promise<RelayPair> {
  await using opening = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'ixj-pair-'))
  opening.defer(() => rm(folder, { recursive: true, force: true }))
  const site = join(folder, 'site')
  await buildLibrary(site, fileURLToPath(new URL('./tab-program.ts', import.meta.url)))
  await writeFile(
    join(site, 'index.html'),
    '<!doctype html><link rel="icon" href="data:,"><title>page</title>',
  )
  const office = await openOffice(join(folder, 'office'))
  const { signer } = await office.readIdentity(acme)
  const zone = await openZone?.(signer.publicKey)
  if (zone !== undefined) await office.writeAnchors(zone.anchors)
  const dns = zone === undefined ? {} : { dns: { upstreams: [zone.upstream] } }
  const places = [opening.use(await openWebPlace(site)), opening.use(await openWebPlace(site))]
  const elsewhere = opening.use(await openWebPlace(site, { policy: false }))
  const origins = [...places, elsewhere].map(({ url }) => url)
  const relays: Node[] = []
  for (const [index, name] of RELAYS.entries()) {
    const home = await openField(join(folder, `relay${index + 1}`), office)
    await born({ office, home, name })
    const connect = relays.flatMap(({ addresses }) => addresses)
    const relay = opening.use(
      await openNode({ name, home, listen, connect, door: { origins }, ...dns }),
    )
    places[index]!.node = relay
    relays.push(relay)
  }
  const field = await openField(join(folder, 'field'), office)
  await born({ office, home: field, name: CLERK })
  await born({ office, home: field, name: SPEAKER }, member)
  const connect = relays.flatMap(({ addresses }) => addresses)
  const clerk = opening.use(await openNode({ name: CLERK, home: field, listen, connect, ...dns }))
  const speaker = await clerk.openAgent(SPEAKER)
  const crew = await speaker.join(CREW)
  const opened = opening.move()
  return {
    places,
    elsewhere,
    folder: site,
    office,
    relays,
    crew,
    speaker,
    present: (names) => seen(crew, names),
    ticketFor: (name, key) => ticketOf(office, places, { name, key }),
    kill: async (index) => {
      const place = places[index]!
      place.node = undefined
      place.breakAll()
      await relays[index]![Symbol.asyncDispose]()
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function seen(crew: Group, names: readonly Name[]): Promise<void> {
  const changes = crew.presence()
  const isThere = (name: Name) => crew.members().some((each) => each.name === name)
  if (names.every(isThere)) return changes.close()
  for await (const _ of changes) {
    if (names.every(isThere)) return changes.close()
  }
}

async function ticketOf(
  office: Home,
  places: readonly WebPlace[],
  { name, key }: { readonly name: string; readonly key: string },
): Promise<string> {
  const statements = await issueTo(
    await office.readIdentity(acme),
    { name: parseName(name), key: fromBase64url(key) },
    member,
    { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
  )
  return JSON.stringify({
    relays: places.map(({ port }, index) => ({
      url: `ws://127.0.0.1:${port}/ixj`,
      name: RELAYS[index],
    })),
    anchors: JSON.parse(formatAnchors(await office.readAnchors())) as unknown,
    statements: statements.map(({ envelope }) => toBase64url(envelope)),
  })
}
