import type { Clock, Group, HistoryRows, Identity, ReplayJournal, Store } from '@ixj/agent'
import { memoryHistory, memoryJournal } from '@ixj/agent'
import { AnchorSet, isGrant, type Verifier } from '@ixj/trust'
import type { Core } from '../../packages/agent/src/host/core.ts'
import { openWorldCore } from '../world/open-core.ts'
import { allAbilities } from '../../packages/agent/src/host/open-host.ts'
import { Host } from '../../packages/agent/src/host/host.ts'
import { memoryStore } from '../../packages/agent/src/host/store.ts'
import { ruleTable, type Policy } from '../../packages/agent/src/pipeline/policy.ts'
import { type BundleChanges, makeBundle, type MadeBundle } from '../world/made-bundle.ts'
import { name, ownAnchor, World } from '../world/world.ts'

export const CREW = name('crew.acme.example')
export const DESK = name('desk.acme.example')

/** A node of acme.example that has joined the crew, fed by calls in place of a network. */
export interface Station extends AsyncDisposable {
  readonly core: Core
  readonly crew: Group
}

/**
 * Opens a station. Its name is the anchor's own, so that it holds at any time that a clock may show.
 */
export async function openStation(
  world: World,
  acme: Identity,
  options: {
    readonly clock?: Clock
    readonly verifier?: Verifier
    readonly store?: Store
    readonly policy?: Policy
    readonly history?: HistoryRows
    readonly journal?: ReplayJournal
  } = {},
): Promise<Station> {
  const core = await openWorldCore(world, {
    identity: acme,
    anchors: new AnchorSet([ownAnchor(acme)]),
    policy: ruleTable(),
    ...options,
    transport: world.network.open('n1'),
  })
  const host = await new Host(core, allAbilities).openSelf()
  const crew = await host.self.join(CREW)
  return { core, crew, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
}

/** A station and a member of the crew who writes to it. */
export interface Bench extends AsyncDisposable {
  readonly world: World
  readonly acme: Identity
  /** The member. */
  readonly ann: Identity
  readonly core: Core
  readonly crew: Group
  /** Makes the member's bundle, its proof known to the node. */
  make(changes?: BundleChanges): Promise<MadeBundle>
  /** Ends the node, and opens it anew with what it remembers. */
  restart(): Promise<Station>
}

/** Opens a bench whose signatures are checked by this verifier. */
export async function openBench(seed: number, verifier?: Verifier): Promise<Bench> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const memory = { store: memoryStore(), history: memoryHistory(), journal: memoryJournal() }
  const options = { ...memory, ...(verifier === undefined ? {} : { verifier }) }
  let station = await openStation(world, acme, options)
  const { core, crew } = station
  const ann = await world.bind(acme, 'ann.acme.example', {
    grants: [{ actions: ['publish'], topics: [CREW] }],
  })
  const [under] = ann.statements.filter(isGrant)
  if (under === undefined) throw new Error('The member has no grant')
  const { proof } = await makeBundle(world, ann, CREW, { under })
  core.proofs.compose(await core.keepStatements(proof.statements))
  const restart = async () => {
    await world.until(Promise.resolve(station[Symbol.asyncDispose]()))
    station = await openStation(world, acme, options)
    station.core.proofs.compose(await station.core.keepStatements(proof.statements))
    return station
  }
  return {
    world,
    acme,
    ann,
    core,
    crew,
    restart,
    make: (changes = {}) => makeBundle(world, ann, CREW, { under, ...changes }),
    [Symbol.asyncDispose]: () => station[Symbol.asyncDispose](),
  }
}
