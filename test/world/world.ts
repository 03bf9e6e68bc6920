import {
  issueTo,
  type AuditLog,
  ManualClock,
  memoryStore,
  openHost,
  openHostWith,
  ruleTable,
  type Clock,
  type Host,
  type HostAbilities,
  type HostOptions,
  type HistoryRows,
  type Identity,
  type Policy,
  type ReplayJournal,
  type Rule,
  type Sealer,
  type SpawnOptions,
  type Store,
  type Transport,
  type ZoneKeySource,
} from '@ixj/agent'
import { openMemoryNetwork, type LinkConditions, type MemoryNode } from '@ixj/agent/memory'
import { nodeSha256, nodeSigner, openNodeVerifier } from '@ixj/node'
import { parseName, type Name } from '@ixj/names'
import {
  AnchorSet,
  type AnchorFields,
  type SignedStatement,
  type FreshnessRule,
  type Signer,
  type Verifier,
} from '@ixj/trust'
import { plainOpeningKey, plainSealer } from './reference/hpke.ts'
import { seededBytes, seededRandom } from './random.ts'

/** When a world's clock starts: 2026-11-01T00:00:00Z. */
export const WORLD_START = Date.UTC(2026, 10, 1)

/** A year: bindings and grants of a world's lasting names. */
export const YEAR_SECONDS = 365 * 24 * 3_600

/** How a world makes keys and checks signatures. */
export interface KeyRing {
  signer(seed: Uint8Array): Signer
  readonly verifier: Verifier
}

/** How a world's network behaves, see `MemoryNetworkOptions`, and its keys: Ed25519 by default. */
export interface WorldOptions extends Partial<LinkConditions> {
  readonly keys?: KeyRing
}

/** What a node of a world is opened with. */
export interface WorldNodeOptions {
  readonly rules?: readonly Rule[]
  /** In place of the rules. */
  readonly policy?: Policy
  /** Anchors besides the node's own organisation. */
  readonly anchors?: readonly AnchorFields[]
  /** What organisations say of each other, as the node has it at home. */
  readonly crossCertificates?: readonly SignedStatement[]
  readonly store?: Store
  /** What the node keeps of bundles, and of the places that they took; default: nothing lasts. */
  readonly history?: HistoryRows
  readonly journal?: ReplayJournal
  /** The node's own clock, in place of the world's. */
  readonly clock?: Clock
  /** How far the node's own clock stands before the world's, in ms. */
  readonly clockAheadMs?: number
  /** The node's identity, where it was made before. */
  readonly identity?: Identity
  /** In place of the anchor of its organisation's own key. */
  readonly ownAnchor?: AnchorFields
  /** Where the node records its decisions; default: nowhere. */
  readonly audit?: AuditLog
  /** Default: the world's, which answers at once. */
  readonly verifier?: Verifier
  /** Default: one that answers at once; null: none. */
  readonly sealer?: Sealer | null
  /** The DNS, for the anchors of the node. */
  readonly zoneKeys?: (anchors: AnchorSet) => ZoneKeySource
  /** Identities whose keys the node has at hand, so that it publishes their statuses. */
  readonly authorities?: readonly Identity[]
  /** Where it has from what few hosts do; default: at hand. */
  readonly abilities?: HostAbilities
  /** What its own anchor asks of statuses. */
  readonly freshness?: FreshnessRule
}

/** A node of a world. */
export interface WorldNode {
  readonly host: Host
  readonly transport: MemoryNode
  readonly identity: Identity
}

/** Real hosts over the memory network, with a virtual clock and seeded chance. */
export class World {
  readonly seed: number
  readonly clock: ManualClock
  readonly random: () => number
  readonly bytes: (length: number) => Uint8Array
  readonly verifier: Verifier
  readonly network
  readonly #keys: KeyRing
  readonly hosts: Host[] = []

  constructor(seed = 1, { keys = ed25519Ring(), ...options }: WorldOptions = {}) {
    this.seed = seed
    this.#keys = keys
    this.verifier = keys.verifier
    this.random = seededRandom(seed)
    this.bytes = seededBytes(this.random)
    // Hosts use node:crypto only, which answers at once; setImmediate lets every promise chain end.
    const settle = () => new Promise<void>((done) => setImmediate(done))
    this.clock = new ManualClock({ now: WORLD_START, settle })
    this.network = openMemoryNetwork({ clock: this.clock, random: this.random, ...options })
  }

  /** A new key. */
  key(): Signer {
    return this.#keys.signer(this.bytes(32))
  }

  /** An organisation: a root key that is its own anchor. */
  organisation(text: string): Identity {
    return { name: parseName(text), signer: this.key(), statements: [] }
  }

  /** An identity bound by another, for a year unless said otherwise. */
  async bind(
    parent: Identity,
    text: string,
    options: Partial<SpawnOptions> = {},
  ): Promise<Identity> {
    const opening = options.sealable === true ? plainOpeningKey(this.bytes(32)) : undefined
    const child = { name: parseName(text), signer: this.key(), opening }
    const statements = await issueTo(
      parent,
      {
        name: child.name,
        key: child.signer.publicKey,
        encryptionKey: opening?.publicKey ?? null,
      },
      { lifetimeSeconds: YEAR_SECONDS, ...options },
      { clock: this.clock, random: this.bytes, hash: nodeSha256 },
    )
    return { ...child, statements }
  }

  /** Opens a node of an organisation on the memory network; its peer is its name. */
  async node(
    organisation: Identity,
    text: string,
    options: WorldNodeOptions = {},
  ): Promise<WorldNode> {
    const identity = options.identity ?? (await this.bind(organisation, text))
    const transport = this.network.open(text)
    const host = await this.host(organisation, identity, transport, options)
    return { host, transport, identity }
  }

  /** Opens a host over a transport of the caller's. */
  async host(
    organisation: Identity,
    identity: Identity,
    transport: Transport,
    options: WorldNodeOptions = {},
  ): Promise<Host> {
    const { freshness } = options
    const own = {
      ...(options.ownAnchor ?? ownAnchor(organisation)),
      ...(freshness === undefined ? {} : { freshness }),
    }
    const anchors = new AnchorSet([own, ...(options.anchors ?? [])])
    const given: HostOptions = {
      identity,
      anchors,
      policy: options.policy ?? ruleTable(options.rules ?? []),
      transport,
      clock: options.clock ?? aheadOf(this.clock, options.clockAheadMs ?? 0),
      random: this.bytes,
      verifier: options.verifier ?? this.verifier,
      generateKey: () => this.key(),
      store: options.store ?? memoryStore(),
      ...(options.history === undefined ? {} : { history: options.history }),
      ...(options.journal === undefined ? {} : { journal: options.journal }),
      ...(options.sealer === null ? {} : { sealer: options.sealer ?? plainSealer(this.bytes) }),
      hash: nodeSha256,
      ...(options.audit === undefined ? {} : { audit: options.audit }),
      crossCertificates: options.crossCertificates ?? [],
      ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
      ...(options.zoneKeys === undefined ? {} : { zoneKeys: options.zoneKeys(anchors) }),
    }
    const { abilities } = options
    const host = await (abilities === undefined ? openHost(given) : openHostWith(given, abilities))
    this.hosts.push(host)
    return host
  }

  /** Connects nodes in every pair and lets hello and presence pass. */
  async connect(...names: readonly string[]): Promise<void> {
    for (const [index, from] of names.entries()) {
      for (const to of names.slice(index + 1)) this.network.connect(from, to)
    }
    await this.pass(500)
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms)
  }

  /** The result of work that needs time to pass, at most 60 s of it. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { done: false }
    const settled = work.finally(() => (state.done = true))
    settled.catch(() => 'the caller awaits it below')
    for (let passed = 0; !state.done && passed < 60_000; passed += 50) await this.pass(50)
    return await settled
  }

  /** Ends every host. */
  async close(): Promise<void> {
    const closing = Promise.all(this.hosts.map((host) => host[Symbol.asyncDispose]()))
    await this.until(closing)
  }
}

/** Keys as they are in use. */
export function ed25519Ring(): KeyRing {
  return { signer: nodeSigner, verifier: openNodeVerifier() }
}

/** A clock that shows another time than the world's, and runs with it. */
function aheadOf(clock: Clock, ms: number): Clock {
  if (ms === 0) return clock
  return { now: () => clock.now() + ms, at: (time, run) => clock.at(time - ms, run) }
}

/** An organisation's own anchor: trusted for everything. */
export function ownAnchor(organisation: Identity): AnchorFields {
  return {
    name: organisation.name,
    keys: [organisation.signer.publicKey],
    purposes: ['connect', 'grant', 'send'],
  }
}

/** Another organisation's anchor: its nodes connect and its names send. */
export function foreignAnchor(organisation: Identity): AnchorFields {
  return { name: organisation.name, keys: [organisation.signer.publicKey] }
}

/** A name for tests, checked. */
export function name(text: string): Name {
  return parseName(text)
}
