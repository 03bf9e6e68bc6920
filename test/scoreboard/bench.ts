import type { Clock, Identity } from '@ixj/agent'
import { nodeSha256 } from '@ixj/node'
import { AnchorSet, type Verifier } from '@ixj/trust'
import { type Core, openCore } from '../../packages/agent/src/host/core.ts'
import { memoryStore } from '../../packages/agent/src/host/store.ts'
import type { Sink } from '../../packages/agent/src/host/topics.ts'
import { ruleTable } from '../../packages/agent/src/pipeline/policy.ts'
import { type BundleChanges, makeBundle, type MadeBundle } from '../world/made-bundle.ts'
import { name, ownAnchor, World } from '../world/world.ts'

export const CREW = name('crew.acme.example')
export const DESK = name('desk.acme.example')

/**
 * One node of acme.example with a group and an inbox, fed by calls in place of a network: what
 * verdict the whole pipeline gives, as fast as it can.
 */
export interface Bench extends AsyncDisposable {
  readonly world: World
  readonly acme: Identity
  readonly core: Core
  /** Member of the crew; may write to the desk. */
  readonly ann: Identity
  /** Messages delivered so far. */
  delivered(): number
  /** Makes ann's bundle, its proof known to the node. */
  make(topic: string, changes?: BundleChanges): Promise<MadeBundle>
}

/** Opens a node of an organisation with the crew and the desk, fed by calls; the root key is its own. */
export async function openCrew(
  world: World,
  acme: Identity,
  clock: Clock = world.clock,
  options: { readonly verifier?: Verifier; readonly deliver?: () => void } = {},
): Promise<Core> {
  const core = await openCore({
    identity: acme,
    anchors: new AnchorSet([ownAnchor(acme)]),
    policy: ruleTable(),
    transport: world.network.open('n1'),
    clock,
    random: world.bytes,
    verifier: options.verifier ?? world.verifier,
    generateKey: () => world.key(),
    store: memoryStore(),
    hash: nodeSha256,
  })
  const proof = core.proofs.compose([])
  for (const [topic, of] of [
    [CREW, 'group'],
    [DESK, 'inbox'],
  ] as const) {
    const nobody = { agent: null, agentKey: null, subscribe: null, host: null }
    const right = { kind: 'right', topic, of, carrier: topic, ...nobody, proof: proof.id } as const
    const sink: Sink = {
      agent: DESK,
      key: acme.signer.publicKey,
      deliver: options.deliver ?? (() => {}),
      asked: () => false,
      awaits: () => false,
      refused: () => {},
    }
    await core.open({ topic, of, carrier: topic, right, until: Infinity, proof }, sink)
  }
  return core
}

/** Opens a bench whose signatures are checked by this verifier. */
export async function openBench(seed: number, verifier?: Verifier): Promise<Bench> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  let delivered = 0
  const core = await openCrew(world, acme, world.clock, {
    ...(verifier === undefined ? {} : { verifier }),
    deliver: () => void (delivered += 1),
  })
  const grants = [CREW, DESK].map(
    (topic) => ({ actions: ['publish', 'request'], topics: [topic] }) as const,
  )
  const ann = await world.bind(acme, 'ann.acme.example', { grants })
  return {
    world,
    acme,
    core,
    ann,
    delivered: () => delivered,
    make: async (topic, changes = {}) => {
      const under = ann.statements.find(
        ({ statement }) =>
          statement.kind === 'grant' && statement.topics.some((each) => each === topic),
      )
      const leaf = under?.statement.kind === 'grant' ? { under: under as never } : {}
      const made = await makeBundle(world, ann, topic, { ...leaf, ...changes })
      core.proofs.compose(await core.keepStatements(made.proof.statements))
      return made
    },
    [Symbol.asyncDispose]: () => core.dispose(),
  }
}
