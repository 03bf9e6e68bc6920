import {
  type Agent,
  type Group,
  type Host,
  type HostOptions,
  type Identity,
  memoryStore,
  openHost,
  type Policy,
  ruleTable,
} from '@ixj/agent'
import {
  openRelayTransport,
  type RelayAddress,
  type RelayTransport,
  type WebSocketClass,
} from '@ixj/browser'
import {
  generateNodeKey,
  type Mesh,
  nodeRandom,
  nodeSha256,
  openMesh,
  openNodeVerifier,
  systemClock,
} from '@ixj/node'
import {
  type Door,
  DOOR_SERVER_OPTIONS,
  type DoorSettings,
  JoinedTransport,
  openDoor,
} from '@ixj/node/door'
import { parsePattern } from '@ixj/names'
import { AnchorSet, type Signer } from '@ixj/trust'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocket } from 'ws'
import { type Fleet, FLEET_CREW } from './fleet.ts'
import { ownAnchor } from './world.ts'

/** Everybody in the organisation may write to everybody's inbox. */
export const OPEN_INBOXES: Policy = ruleTable([
  {
    id: 'colleagues',
    effect: 'permit',
    sender: parsePattern('**.acme.example'),
    actions: ['publish', 'request'],
    topic: parsePattern('**.acme.example'),
  },
])

/** Whatever a host of a town is opened with beside its transport and identity. */
function hostParts(fleet: Fleet, identity: Identity): Omit<HostOptions, 'transport'> {
  return {
    identity,
    anchors: new AnchorSet([ownAnchor(fleet.acme)]),
    policy: OPEN_INBOXES,
    clock: systemClock,
    random: nodeRandom,
    verifier: openNodeVerifier(),
    generateKey: generateNodeKey,
    store: memoryStore(),
    hash: nodeSha256,
  }
}

/** A relay of a town: a node on the mesh with a door behind an HTTP server on loopback. */
export class TownRelay implements AsyncDisposable {
  readonly host: Host
  readonly mesh: Mesh
  readonly door: Door
  readonly server: Server
  readonly #connections = new Set<Socket>()

  private constructor(parts: Pick<TownRelay, 'host' | 'mesh' | 'door' | 'server'>) {
    this.host = parts.host
    this.mesh = parts.mesh
    this.door = parts.door
    this.server = parts.server
    this.server.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

  static async open(
    fleet: Fleet,
    index: number,
    settings: Partial<DoorSettings> & { readonly port?: number } = {},
  ): Promise<TownRelay> {
    const { port = 0, ...door } = settings
    const identity = await fleet.node(index)
    const mesh = await openMesh({ listen: ['/ip4/127.0.0.1/tcp/0'] })
    const opened = openDoor({
      origins: ['none'],
      ...door,
      name: identity.name,
      signer: identity.signer,
      clock: systemClock,
      verifier: openNodeVerifier(),
      random: nodeRandom,
      hash: nodeSha256,
    })
    const transport = new JoinedTransport(mesh, opened.transport)
    const host = await openHost({ ...hostParts(fleet, identity), transport })
    const server = createServer(DOOR_SERVER_OPTIONS)
    server.on('upgrade', (request, socket, head) => opened.handleUpgrade(request, socket, head))
    const relay = new TownRelay({ host, mesh, door: opened, server })
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
    return relay
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get address(): RelayAddress {
    return { url: `ws://127.0.0.1:${this.port}/`, name: this.host.name }
  }

  /** Where nodes of the mesh dial it. */
  get meshAddress(): string {
    const [address] = this.mesh.addresses
    if (address === undefined) throw new Error('It listens nowhere')
    return address
  }

  /** Breaks every connection at once, as a process that is killed does, and closes what is left. */
  async kill(): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    await this[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close()
    await this.door[Symbol.asyncDispose]()
    for (const socket of this.#connections) socket.destroy()
    await this.host[Symbol.asyncDispose]()
  }
}

/** A page of a town, in this process: a host whose neighbours are relays. */
export class TownPage implements AsyncDisposable {
  readonly host: Host
  readonly transport: RelayTransport

  private constructor(host: Host, transport: RelayTransport) {
    this.host = host
    this.transport = transport
  }

  /** Opens page n<index>, which calls these relays. */
  static async open(
    fleet: Fleet,
    index: number,
    relays: readonly RelayAddress[],
    options: { readonly WebSocket?: WebSocketClass; readonly origin?: string } = {},
  ): Promise<TownPage> {
    return await TownPage.openAs(await fleet.node(index), fleet, relays, options)
  }

  /** Opens a page of this name. */
  static async openAs(
    identity: Identity,
    fleet: Fleet,
    relays: readonly RelayAddress[],
    options: {
      readonly WebSocket?: WebSocketClass
      readonly origin?: string
      /** The key that it logs in with, where that is not the one that its hello proves. */
      readonly login?: Signer
    } = {},
  ): Promise<TownPage> {
    const transport = openRelayTransport({
      relays,
      name: identity.name,
      signer: options.login ?? identity.signer,
      origin: options.origin ?? 'none',
      clock: systemClock,
      random: nodeRandom,
      verifier: openNodeVerifier(),
      hash: nodeSha256,
      WebSocket: options.WebSocket ?? WebSocket,
    })
    const host = await openHost({ ...hostParts(fleet, identity), transport })
    return new TownPage(host, transport)
  }

  /** Resolves when that many relays have admitted it. */
  async admitted(relays: number, signal: AbortSignal): Promise<void> {
    const count = () => this.transport.relays.filter(({ stands }) => stands === 'admitted').length
    while (count() < relays) {
      signal.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        const end = this.transport.onChange(() => {
          end()
          resolve()
        })
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      })
    }
  }

  /** Member m<index> of the crew, on this page. */
  async member(
    fleet: Fleet,
    index: number,
  ): Promise<{ readonly agent: Agent; readonly crew: Group }> {
    const agent = await this.host.openAgent(await fleet.member(index))
    return { agent, crew: await agent.join(FLEET_CREW) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.host[Symbol.asyncDispose]()
  }
}
