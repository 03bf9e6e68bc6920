import type { Agent, Decision, Identity, Queue, ZoneKeySource, ZoneProof } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import { isGrant, type AnchorSet, type Grant } from '@ixj/trust'
import { makeBundle, proofOf, type MadeBundle } from '../../../test/world/made-bundle.ts'
import { grantAnyhow, withStatements } from '../../../test/world/made-statement.ts'
import { RawNode } from '../../../test/world/raw-node.ts'
import {
  SignedZone,
  type PublishedRecord,
  type SignedZoneOptions,
} from '../../../test/world/signed-zone.ts'
import {
  name,
  ownAnchor,
  World,
  type WorldNode,
  type WorldNodeOptions,
  type WorldOptions,
} from '../../../test/world/world.ts'
import { provingStatements } from '../src/host/identity.ts'

export const HOUR = 3_600_000
export const CREW = name('crew.acme.example')

/** A node's way to the DNS that tells how often records were checked. */
export interface Counted {
  readonly source: (anchors: AnchorSet) => ZoneKeySource
  checks: number
  /** Where set, checks wait for it. */
  gate: Promise<void> | undefined
}

/** The real source over a zone, counted. */
export function counted(zone: SignedZone): Counted {
  const count: Counted = {
    checks: 0,
    gate: undefined,
    source: (anchors) => {
      const source = zone.source(anchors)
      return {
        ...source,
        prove: async (records, now): Promise<ZoneProof> => {
          count.checks += 1
          await count.gate
          return await source.prove(records, now)
        },
      }
    },
  }
  return count
}

/** The zone acme.example, and hosts that know of acme.example only what it publishes. */
export class ZoneScene implements AsyncDisposable {
  readonly world: World
  readonly zone: SignedZone
  /** The key of acme.example: it stands in the zone, and in nobody's anchors unless a test says so. */
  readonly acme: Identity
  readonly counts = new Map<string, Counted>()

  constructor(options: SignedZoneOptions & WorldOptions & { readonly seed?: number } = {}) {
    const { seed = 1, latencyMs } = options
    this.world = new World(seed, latencyMs === undefined ? {} : { latencyMs })
    this.zone = new SignedZone(this.world, 'acme.example', options)
    this.acme = this.world.organisation('acme.example')
    this.zone.publish('acme.example', { key: this.acme.signer.publicKey })
  }

  /** A name whose key stands in the zone alone. */
  published(text: string, record: Partial<PublishedRecord> = {}, zone = this.zone): Identity {
    const identity = { name: name(text), signer: this.world.key(), statements: [] }
    zone.publish(text, { key: identity.signer.publicKey, ...record })
    return identity
  }

  /** A node whose name's key stands in the zone alone; it trusts the zone alone. */
  async node(text: string, options: WorldNodeOptions = {}): Promise<WorldNode> {
    const count = counted(this.zone)
    this.counts.set(text, count)
    return await this.world.node(this.acme, text, {
      identity: options.identity ?? this.published(text),
      ownAnchor: this.zone.anchor(),
      zoneKeys: count.source,
      ...options,
    })
  }

  /** A grant for a year, put beside the statements of its holder. */
  async grant(
    issuer: Identity,
    holder: Identity,
    fields: {
      readonly actions: Grant['actions']
      readonly topics: readonly string[]
      readonly mayDelegate?: readonly string[]
    },
  ): Promise<Identity> {
    const { mayDelegate, ...rest } = fields
    const grant = await grantAnyhow(this.world, issuer, {
      subject: holder.name,
      notAfter: this.world.clock.now() + 365 * 24 * HOUR,
      ...rest,
      ...(mayDelegate === undefined
        ? {}
        : { mayDelegate: mayDelegate.map((text) => parsePattern(text)) }),
    })
    return withStatements(holder, grant)
  }

  /** Ends every host. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.world.close()
  }
}

/** Everything that a member of the crew does. */
export const CREW_RIGHTS = {
  actions: ['answer', 'publish', 'request', 'subscribe'],
  topics: [CREW],
} as const

/** To write to an inbox, and to ask it. */
export const toInbox = (topic: string) =>
  ({ actions: ['publish', 'request'], topics: [topic] }) as const

/** Answers whatever an agent is asked with `yes`. */
export async function answering(agent: Agent): Promise<void> {
  for await (const request of agent.requests()) await request.reply('yes')
}

/** A host with the inbox `desk`, and a neighbour that carries whatever a test gives it. */
export interface ZoneDesk extends AsyncDisposable {
  readonly scene: ZoneScene
  readonly node: WorldNode
  readonly count: Counted
  readonly desk: Agent
  readonly raw: RawNode
  readonly decisions: Queue<Decision>
}

export const NODE = name('n1.acme.example')
export const DESK = name('desk.acme.example')

/** Opens it; the names of node, desk and neighbour are bound by the published key of acme.example. */
export async function openZoneDesk(
  options: SignedZoneOptions & { readonly trusts?: 'key' | 'zone' } = {},
): Promise<ZoneDesk> {
  const scene = new ZoneScene({ ...options, latencyMs: [1, 1] })
  const { world, acme, zone } = scene
  const node = await scene.node(NODE, {
    identity: await world.bind(acme, NODE),
    ...(options.trusts === 'key' ? { ownAnchor: ownAnchor(acme) } : {}),
  })
  const desk = await node.host.openAgent(await world.bind(acme, DESK))
  const carrier = await world.bind(acme, 'raw.acme.example')
  const raw = new RawNode(world, acme, carrier, undefined, () => zone.chain('acme.example'))
  await raw.meet(NODE)
  raw.transport.allow(NODE, NODE)
  await raw.reach(NODE, DESK)
  const decisions = node.host.decisions()
  const count = scene.counts.get(NODE)!
  return { scene, node, count, desk, raw, decisions, [Symbol.asyncDispose]: () => world.close() }
}

/** A bundle to the desk by a name, under a grant of its own, with these records in its proof. */
export async function toDesk(
  { scene }: ZoneDesk,
  sender: Identity,
  records: Uint8Array | undefined,
): Promise<MadeBundle> {
  const under = sender.statements.find((signed) => isGrant(signed))
  const leaves = under === undefined ? [] : [under]
  return await makeBundle(scene.world, sender, DESK, {
    ...(under === undefined ? {} : { under }),
    made: proofOf(provingStatements(sender, leaves), records),
  })
}

/** Has the neighbour carry a bundle; the code it came to, and the blame for the neighbour. */
export async function carry(
  { node, raw, decisions, scene }: ZoneDesk,
  made: MadeBundle,
  options: { readonly proved?: boolean } = {},
): Promise<{ readonly code: string; readonly blame: number }> {
  decisions.drain()
  const before = node.transport.blame(raw.peer)
  if (options.proved !== false) await raw.prove(NODE, made.proof)
  await raw.transport.publish(DESK, made.bytes)
  await scene.world.pass(5)
  const found = decisions.drain().filter(({ about }) => about === 'bundle')
  if (found.length !== 1) throw new Error(`${found.length} decisions, 1 was expected`)
  return {
    code: found[0]!.code ?? 'accepted',
    blame: node.transport.blame(raw.peer) - before,
  }
}

export const ACCEPTED = { code: 'accepted', blame: 0 }
