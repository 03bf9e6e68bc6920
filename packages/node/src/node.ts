import {
  type Agent,
  type Clock,
  type Decision,
  type Host,
  openHost,
  type Policy,
  type Queue,
  TransportError,
} from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import { ExplanationKeeper } from './explanations/explanation-keeper.ts'
import type { Door, DoorSettings } from './door/door.ts'
import { openNodeDoor } from './door/node-door.ts'
import { type Home, openHome } from './home/home.ts'
import { learnedStore } from './home/home-learned.ts'
import { type Keeper, type Mesh, openMesh } from './mesh.ts'
import { nodeSealer } from './hpke-sealer.ts'
import { NodeError } from './node-error.ts'
import { type FilePolicy, openFilePolicy } from './policy/file-policy.ts'
import { generateNodeKey, nodeRandom, nodeSha256, openNodeVerifier } from './node-keys.ts'
import type { Resolver } from '@ixj/dns'
import type { FileAuditLog } from './audit/audit-log.ts'
import { openNodeAudit } from './audit/node-audit.ts'
import { openNodeDns } from './dns/node-dns.ts'
import { openSearch, type Search } from './dns/search.ts'
import { withZones } from './dns/zone-anchors.ts'
import { openNodeHistory } from './history/node-history.ts'
import type { DnsSettings } from './home/dns-file.ts'
import { HomeError } from './home/home-error.ts'
import { applySuccessor, type SignedStatement, type Successor, TrustError } from '@ixj/trust'
import { statusAuthorities } from './status-authorities.ts'
import { watchNotices } from './watched-notices.ts'
import { systemClock } from './system-clock.ts'

/** How often a closing node wakes its process; it is there for the process to live, not to wake. */
const ALIVE_MS = 60_000

/** How a node is opened. */
export interface NodeOptions {
  /** The node's own name, canonical; its key and statements lie in the home. */
  readonly name: string
  /** The home, or its folder. */
  readonly home: Home | string
  /** Multiaddrs to listen on, such as `/ip4/127.0.0.1/tcp/0`; default: none, it only dials. */
  readonly listen?: readonly string[]
  /** Multiaddrs of neighbours that are dialled for ever; see {@link Node.keepDialing}. */
  readonly connect?: readonly string[]
  /** Zone anchors beside those of the home. */
  readonly anchors?: {
    /**
     * DNSKEY and DS lines in zone-file form. A zone at or above the node's own name is trusted for
     * all purposes, another to connect and to send; an anchor of the home stands before one here.
     */
    readonly dns: string
  }
  /** Makes the node a relay: pages come in by {@link Node.door}. Default: it has none. */
  readonly door?: DoorSettings
  /** Whom to ask about names; default: as the home's dns.json says. */
  readonly dns?: DnsOptions
  /** Default: the home's policy.cedar, read again whenever it changes. */
  readonly policy?: Policy
  /** Default: {@link systemClock}. */
  readonly clock?: Clock
}

/** How a node asks the DNS. It is asked only where there is a zone anchor. */
export interface DnsOptions extends Partial<DnsSettings> {
  /** In place of one that asks the upstreams; it is not closed with the node. */
  readonly resolver?: Resolver
}

/** A process that runs agents on the mesh: one libp2p peer with a name of its own. */
export class Node implements AsyncDisposable {
  readonly name: Name
  /** The node's part without I/O. */
  readonly host: Host
  /** The node's connections. */
  readonly mesh: Mesh
  /** Where pages come in, to be put behind an HTTP server; undefined if it has none. */
  readonly door: Door | undefined
  /** The home's policy, to hear of its changes; undefined if another one decides. */
  readonly policy: FilePolicy | undefined
  /** Where the node records what it decides. */
  readonly audit: FileAuditLog
  readonly #home: Home
  readonly #locks: AsyncDisposableStack
  readonly #search: Search
  readonly #locked = new Set<Name>()

  /** Use {@link openNode}. */
  constructor(parts: {
    readonly host: Host
    readonly mesh: Mesh
    readonly door: Door | undefined
    readonly home: Home
    readonly search: Search
    readonly audit: FileAuditLog
    readonly policy: FilePolicy | undefined
    /** What is given back when the node has closed. */
    readonly locks: AsyncDisposableStack
  }) {
    this.name = parts.host.name
    this.host = parts.host
    this.mesh = parts.mesh
    this.door = parts.door
    this.policy = parts.policy
    this.audit = parts.audit
    this.#home = parts.home
    this.#locks = parts.locks
    this.#search = parts.search
  }

  /** Where this node can be dialled: multiaddrs with `/p2p/` and its peer id. */
  get addresses(): readonly string[] {
    return this.mesh.addresses
  }

  /** Decisions so far, by code; `accepted` counts those that passed. */
  get counts(): Host['counts'] {
    return this.host.counts
  }

  /** Nodes that are connected and proved their names. */
  get neighbours(): readonly Name[] {
    return this.host.neighbours
  }

  /**
   * Opens an agent whose key and statements lie in the home; no other process may open it there
   * until this node has closed. The node's own name gives the node as an agent, which ends with the
   * node: do not dispose of it alone. For a key that is not in the home, see `host.openAgent`.
   * @throws HomeError `in-use` and as {@link Home.readIdentity}; TrustError `key-file`, or why its
   * chain does not hold here; AgentError `open-already`
   */
  async openAgent(agent: string): Promise<Agent> {
    const name = parseName(agent)
    if (name === this.name) return this.host.self
    const identity = await this.#home.readIdentity(name)
    if (!this.#locked.has(name)) {
      // Before the lock is there, so that of two calls at once one is told `open-already`.
      this.#locked.add(name)
      try {
        this.#locks.use(await this.#home.lock(name))
      } catch (cause) {
        this.#locked.delete(name)
        throw cause
      }
    }
    return await this.host.openAgent(identity)
  }

  /**
   * Makes a key here, asks `parent` for the name `label` under it, and opens the agent that it is.
   * @throws AgentError `refused`, `no-answer`, `unreachable`, `failed`
   */
  async askName(
    parent: string,
    label: string,
    options: { readonly lifespanMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Agent> {
    return await this.host.askName(parent, label, options)
  }

  /** What the last search in the DNS for a name's nodes asked and found: sentences for people. */
  searchNotes(name: Name): readonly string[] {
    return this.#search.notes(name)
  }

  /** Every decision from now on, with its explanation. A slow reader loses the oldest. */
  decisions(
    options: { readonly queueMax?: number; readonly signal?: AbortSignal } = {},
  ): Queue<Decision> {
    return this.host.decisions(options)
  }

  /**
   * Dials an address now and whenever nobody is connected there, for ever; disposing of the keeper
   * ends that, and leaves the connection alone.
   * @throws NodeError `address`; TransportError `closed`
   */
  keepDialing(address: string): Keeper {
    return keepDialing(this.mesh, address)
  }

  /** Closes every agent, then the connections, then gives the names back. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    // libp2p waits for connections to end on timers that keep no process alive. Without this one, a
    // process that closes its last node ends in the midst of it, with Node's exit code 13.
    const alive = setInterval(() => undefined, ALIVE_MS)
    try {
      await this.host[Symbol.asyncDispose]()
      await this.#locks.disposeAsync()
    } finally {
      clearInterval(alive)
    }
  }
}

/**
 * Opens a node from its home: it listens, and dials, when this resolves.
 * @throws HomeError `in-use` if its name is open already, and as {@link Home.readIdentity};
 * PolicyError if the home's policy cannot be used; AuditError `cut`, `altered` if its audit log was
 * damaged or changed;
 * TrustError `key-file`, or why its chain does not hold against the home's own anchors; NodeError
 * `listen`, `address`; NameError
 */
export async function openNode(options: NodeOptions): Promise<Node> {
  const name = parseName(options.name)
  const { listen = [], connect = [], clock = systemClock } = options
  const home = typeof options.home === 'string' ? await openHome(options.home) : options.home
  const identity = await home.readIdentity(name)
  const anchors = withZones(await home.readAnchors(), options.anchors?.dns, name)
  // Whatever is open when something fails is closed again, the last first.
  await using opening = new AsyncDisposableStack()
  const own =
    options.policy === undefined
      ? opening.use(await openFilePolicy(await home.policyPath(), { clock }))
      : undefined
  const locks = new AsyncDisposableStack()
  opening.use(locks)
  locks.use(await home.lock(name))
  const verifier = openNodeVerifier()
  const audit = opening.use(await openNodeAudit({ home, identity, clock, verifier }))
  const settings = { ...(await home.readDnsSettings()), ...options.dns }
  const dns = opening.use(await openNodeDns({ anchors, settings, home, clock }))
  const mesh = opening.use(
    await listenOn({
      listen,
      clock,
      privateKeyBytes: await home.readPeerKey(name),
      learned: learnedStore(home, name),
      ...(dns.resolver === undefined ? {} : { resolver: dns.resolver }),
    }),
  )
  const { door, transport } = openNodeDoor(options.door, { identity, clock, verifier, mesh })
  if (door !== undefined) opening.use(door)
  let neighbours: () => readonly Name[] = () => []
  const isConnected = (node: Name) => neighbours().includes(node)
  const search = opening.use(openSearch({ mesh, dns, anchors, own: name, isConnected }))
  const policy = options.policy ?? own
  const history = opening.use(await openNodeHistory(home, name, clock))
  const host = await openHost({
    identity,
    anchors,
    crossCertificates: await home.readCrossCertificates(),
    ...(policy === undefined ? {} : { policy }),
    transport,
    clock,
    random: nodeRandom,
    verifier,
    generateKey: generateNodeKey,
    sealer: nodeSealer,
    store: home.store(),
    history: history.rows,
    journal: history.journal,
    hash: nodeSha256,
    audit,
    authorities: await statusAuthorities(home, anchors),
    succeeded: (signed) => void keepSuccessor(home, signed, clock),
    ...(dns.zoneKeys === undefined ? {} : { zoneKeys: dns.zoneKeys }),
    sought: (topic) => search.seek(topic),
    forgone: (topic) => search.forgo(topic),
  })
  opening.use(host)
  const keeper = opening.use(new ExplanationKeeper(home.explanationsPath, host, clock))
  const watched = opening.use(await watchNotices(home, host, { clock, refused: warnRefused }))
  neighbours = () => host.neighbours
  for (const address of connect) keepDialing(mesh, address)
  opening.move()
  locks.use(audit)
  locks.use(history)
  locks.use(dns)
  locks.use(search)
  locks.use(keeper)
  locks.use(watched)
  if (own !== undefined) locks.use(own)
  if (door !== undefined) locks.use(door)
  return new Node({ host, mesh, door, home, search, audit, policy: own, locks })
}

/** What was revoked in the home and cannot be taken is for a person to see, not for the node to end. */
function warnRefused(file: string, cause: Error): void {
  process.emitWarning(`Cannot take ${file}: ${cause.message}`, 'RevocationWarning')
}

/** The trust store follows an anchor's key, so that a restart begins with the new one. */
async function keepSuccessor(
  home: Home,
  signed: SignedStatement<Successor>,
  clock: Clock,
): Promise<void> {
  try {
    await home.updateAnchors((anchors) => {
      const context = { anchors, now: clock.now(), hash: nodeSha256 }
      return applySuccessor(signed, context) ?? anchors
    })
  } catch (cause) {
    if (!(cause instanceof HomeError || cause instanceof TrustError)) throw cause
    const reason = `the node goes on with the new key, its trust store has the old one`
    process.emitWarning(`${cause.message}: ${reason}`, 'RevocationWarning')
  }
}

async function listenOn(options: Parameters<typeof openMesh>[0]): Promise<Mesh> {
  try {
    return await openMesh(options)
  } catch (cause) {
    if (!(cause instanceof Error) || options.listen.length === 0) throw cause
    const where = options.listen.join(', ')
    // libp2p tells it in a text of many lines, stacks and all.
    const reason = /listen E\w+: [^\n]*/.exec(cause.message)?.[0] ?? cause.message.split('\n')[0]
    throw new NodeError('listen', `Cannot listen on ${where}: ${reason}`, { cause })
  }
}

function keepDialing(mesh: Mesh, address: string): Keeper {
  try {
    return mesh.keepDialing(address)
  } catch (cause) {
    if (!(cause instanceof TransportError) || cause.code !== 'refused') throw cause
    throw new NodeError('address', cause.message, { cause })
  }
}
