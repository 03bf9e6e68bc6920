import { join } from 'node:path'
import { issueTo, type SpawnOptions } from '@ixj/agent'
import {
  createZone,
  delegationEdits,
  type DnsName,
  formatZoneAnchors,
  keyOwner,
  openZoneServer,
  parseDnsName,
  ROOT,
  TYPE,
  type Upstream,
  writeKeyRecord,
  type ZoneEdit,
  type ZoneServer,
  type ZoneStore,
} from '@ixj/dns'
import { type Name, parseName } from '@ixj/names'
import {
  AnchorSet,
  isBinding,
  makeRootAnchor,
  PURPOSES,
  type RootAnchor,
  type Signer,
  type Uses,
} from '@ixj/trust'
import { rootRecordsOf, zonesOf } from '../src/dns/zone-anchors.ts'
import { type Home, openHome } from '../src/home.ts'
import { DEFAULT_POLICY } from '../src/policy.ts'
import { nodeRandom, nodeSha256 } from '../src/node-keys.ts'
import { type Node, openNode } from '../src/node.ts'
import { systemClock } from '../src/system-clock.ts'

/** How a member of an organisation stands in the DNS. */
export interface Published {
  readonly uses?: Uses
  readonly depth?: number
  readonly hosts?: readonly Name[]
}

/** An organisation with a zone and an embedded server of its own. */
export class Organisation implements AsyncDisposable {
  readonly name: Name
  readonly folder: string
  readonly store: ZoneStore
  readonly server: ZoneServer
  readonly root: Signer

  constructor(parts: Pick<Organisation, 'name' | 'folder' | 'store' | 'server' | 'root'>) {
    this.name = parts.name
    this.folder = parts.folder
    this.store = parts.store
    this.server = parts.server
    this.root = parts.root
  }

  /** The zone's key, as its owner would tell it to others. */
  get anchorLines(): string {
    return formatZoneAnchors([this.store.anchor])
  }

  get upstream(): Upstream {
    const { address, port } = this.server.addresses[0]!
    return { suffix: this.store.zone, transport: 'udp', address, port }
  }

  /** Publishes records of any kind. */
  async publish(...sets: readonly (readonly [DnsName, number, Uint8Array])[]): Promise<void> {
    await this.store.apply(
      sets.map(([name, type, data]): ZoneEdit => {
        return { kind: 'set', name, type, ttl: 5, data: [data] }
      }),
    )
  }

  /** Publishes a name's key. */
  async publishKey(name: Name, key: Uint8Array, of: Published = {}): Promise<void> {
    const record = {
      key,
      uses: of.uses ?? 'sign',
      depth: of.depth ?? 0,
      hosts: of.hosts ?? [],
      strict: false,
      notBefore: 0,
      encryptionKey: null,
      next: null,
    } as const
    await this.publish([keyOwner(name), TYPE.TXT, writeKeyRecord(record)])
  }

  /** A home that trusts this organisation's zone for everything. */
  async home(label: string): Promise<Home> {
    const home = await openHome(join(this.folder, label))
    const anchors = zonesOf(this.anchorLines).map((zone) => ({ ...zone, purposes: PURPOSES }))
    await home.writeAnchors(new AnchorSet(anchors))
    return home
  }

  /** Makes a name's key in a home: it is in the DNS, and has these grants of the organisation. */
  async enter(
    home: Home,
    name: Name,
    options: Published & Pick<SpawnOptions, 'grants'> = {},
  ): Promise<void> {
    const { publicKey } = await home.createKey(name)
    await this.publishKey(name, publicKey, options)
    const issuer = { name: this.name, signer: this.root, statements: [] }
    const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }
    const spawn = { lifetimeSeconds: 3_600, grants: options.grants ?? [] }
    const issued = await issueTo(issuer, { name, key: publicKey }, spawn, context)
    await home.writeStatements(
      name,
      issued.filter((signed) => !isBinding(signed)),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.store[Symbol.asyncDispose]()
  }
}

/** Opens an organisation whose own key is in its zone. */
export async function openOrganisation(folder: string, text: string): Promise<Organisation> {
  const name = parseName(text)
  const zone = parseDnsName(name)
  const store = await createZone({
    file: join((await openHome(join(folder, `${name}-zone`))).folder, 'zone.sqlite'),
    zone,
    nameservers: [{ name: parseDnsName(`ns1.${zone}`), addresses: ['127.0.0.1'] }],
    mailbox: parseDnsName(`hostmaster.${zone}`),
  })
  const server = await openZoneServer({
    zones: [store],
    listen: [{ address: '127.0.0.1', port: 0 }],
  })
  const root = await (await openHome(join(folder, `${name}-root`))).createKey(name)
  const organisation = new Organisation({ name, folder, store, server, root })
  await organisation.publishKey(name, root.publicKey, { uses: 'both', depth: 4 })
  return organisation
}

/** A root of the DNS of our own: it delegates to the zones of organisations. */
export interface RootOfTown extends AsyncDisposable {
  readonly anchor: RootAnchor
  readonly upstream: Upstream
}

/** Opens a root that knows these organisations. */
export async function openRoot(
  folder: string,
  organisations: readonly Organisation[],
): Promise<RootOfTown> {
  await using opening = new AsyncDisposableStack()
  const ns = parseDnsName('ns.root')
  const store = opening.use(
    await createZone({
      file: join((await openHome(join(folder, 'root-zone'))).folder, 'zone.sqlite'),
      zone: ROOT,
      nameservers: [{ name: ns, addresses: ['127.0.0.1'] }],
      mailbox: parseDnsName('hostmaster.root'),
    }),
  )
  for (const { store: below } of organisations) {
    const nameservers = [{ name: parseDnsName(`ns1.${below.zone}`), addresses: ['127.0.0.1'] }]
    // oxlint-disable-next-line no-await-in-loop -- One delegation after the other.
    await store.apply(delegationEdits({ child: below.zone, nameservers, ds: [below.ds] }))
  }
  const listen = [{ address: '127.0.0.1', port: 0 }]
  const server = opening.use(await openZoneServer({ zones: [store], listen }))
  const { address, port } = server.addresses[0]!
  const anchor = makeRootAnchor({ records: rootRecordsOf(formatZoneAnchors([store.anchor])) ?? [] })
  const closing = opening.move()
  return {
    anchor,
    upstream: { suffix: ROOT, transport: 'udp', address, port },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Opens a node on loopback that asks the servers of these organisations. */
export async function openDnsNode(
  name: Name,
  home: Home,
  options: {
    readonly ask: readonly Pick<Organisation, 'upstream'>[]
    readonly dialPrivate?: boolean
    readonly connect?: readonly string[]
  },
): Promise<Node> {
  return await openNode({
    name,
    home,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    connect: options.connect ?? [],
    dns: {
      upstreams: options.ask.map(({ upstream }) => upstream),
      dialPrivate: options.dialPrivate ?? true,
    },
  })
}

/** A policy that lets a sender ask, beside what the default one permits. */
export function mayAsk(sender: Name, topic: Name): string {
  return `${DEFAULT_POLICY}
    @id("may ask")
    permit (principal == Agent::"${sender}", action == Action::"request",
            resource == Topic::"${topic}");`
}

/** Where a node listens: its port, and the address with its peer. */
export function placeOf(node: Node): { readonly port: number; readonly address: string } {
  const address = node.addresses[0]!
  return { port: Number(address.split('/')[4]), address }
}
