import {
  type Agent,
  type Group,
  type Host,
  type Identity,
  memoryStore,
  openHost,
  type Policy,
} from '@ixj/agent'
import {
  generateNodeKey,
  type Mesh,
  nodeRandom,
  nodeSha256,
  openMesh,
  openNodeVerifier,
  systemClock,
} from '@ixj/node'
import { type AnchorFields, AnchorSet } from '@ixj/trust'
import { bindAnyhow, grantAnyhow, withStatements } from './made-statement.ts'
import { name, ownAnchor, World } from './world.ts'

const HOUR_MS = 3_600_000

/** The group of a fleet. */
export const FLEET_CREW = name('crew.acme.example')

/** Opens a host over libp2p, on a free port of this machine unless it is told to listen elsewhere. */
export async function openMeshHost(options: {
  readonly identity: Identity
  readonly anchors: readonly AnchorFields[]
  readonly policy?: Policy
  readonly listen?: readonly string[]
}): Promise<{ readonly host: Host; readonly mesh: Mesh }> {
  const { identity, anchors, policy, listen = ['/ip4/127.0.0.1/tcp/0'] } = options
  const mesh = await openMesh({ listen })
  const host = await openHost({
    identity,
    anchors: new AnchorSet(anchors),
    ...(policy === undefined ? {} : { policy }),
    transport: mesh,
    clock: systemClock,
    random: nodeRandom,
    verifier: openNodeVerifier(),
    generateKey: generateNodeKey,
    store: memoryStore(),
    hash: nodeSha256,
  })
  return { host, mesh }
}

/**
 * Nodes n0, n1, … of acme.example over libp2p and the machine's clock, each with one member m0, m1, …
 * of the crew. Who makes a fleet of the same seed and time has the same keys, so that the processes
 * of one fleet need no more than that.
 */
export class Fleet {
  readonly acme: Identity
  readonly #seed: number
  readonly #times: { readonly notBefore: number; readonly notAfter: number }

  constructor(options: { readonly seed: number; readonly now: number }) {
    this.#seed = options.seed
    this.#times = { notBefore: options.now - HOUR_MS, notAfter: options.now + HOUR_MS }
    this.acme = new World(options.seed).organisation('acme.example')
  }

  /** A node's own name. */
  async node(index: number): Promise<Identity> {
    const world = new World(this.#seed + 1 + 2 * index)
    return await bindAnyhow(world, this.acme, `n${index}.acme.example`, this.#times)
  }

  /** A member with every right in the crew. */
  async member(index: number): Promise<Identity> {
    const world = new World(this.#seed + 2 + 2 * index)
    const identity = await bindAnyhow(world, this.acme, `m${index}.acme.example`, this.#times)
    const grant = await grantAnyhow(world, this.acme, {
      subject: identity.name,
      topics: [FLEET_CREW],
      actions: ['answer', 'publish', 'request', 'subscribe'],
      ...this.#times,
    })
    return withStatements(identity, grant)
  }

  /** A node's own name, that may read the crew's messages. */
  async reader(index: number): Promise<Identity> {
    const identity = await this.node(index)
    const world = new World(this.#seed + 2 + 2 * index)
    const grant = await grantAnyhow(world, this.acme, {
      subject: identity.name,
      topics: [FLEET_CREW],
      actions: ['subscribe'],
      ...this.#times,
    })
    return withStatements(identity, grant)
  }

  /** Opens node n<index> with its member, who has joined the crew. */
  async open(
    index: number,
    options: { readonly listen?: readonly string[]; readonly policy?: Policy } = {},
  ): Promise<Station> {
    const { host, mesh } = await openMeshHost({
      identity: await this.node(index),
      anchors: [ownAnchor(this.acme)],
      ...options,
    })
    const agent = await host.openAgent(await this.member(index))
    return new Station({ host, mesh, agent, crew: await agent.join(FLEET_CREW) })
  }
}

/** One node of a fleet. */
export class Station implements AsyncDisposable {
  readonly host: Host
  readonly mesh: Mesh
  readonly agent: Agent
  readonly crew: Group

  constructor(parts: Pick<Station, 'host' | 'mesh' | 'agent' | 'crew'>) {
    this.host = parts.host
    this.mesh = parts.mesh
    this.agent = parts.agent
    this.crew = parts.crew
  }

  /** Where it can be dialled. */
  get address(): string {
    const [address] = this.mesh.addresses
    if (address === undefined) throw new Error('It listens nowhere')
    return address
  }

  /** Resolves when the group has that many members here, this one included. */
  async sees(members: number, signal: AbortSignal): Promise<void> {
    const changes = this.crew.presence({ signal })
    while (this.crew.members().length < members) {
      const next = await changes.take()
      if (next.done === true) {
        const found = this.crew.members().length
        throw new Error(`${this.host.name} sees ${found} members, ${members} were expected`)
      }
    }
    changes.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.host[Symbol.asyncDispose]()
  }
}
