import type { KeyRecord, Places, Publication } from '@ixj/dns'
import type { Name } from '@ixj/names'
import { type Home, nodeSha256 } from '@ixj/node/home'
import { BINDING_DEPTH_MAX, type Uses } from '@ixj/trust'
import type { Command } from 'commander'
import { keyArgument, nameArgument, numberArgument, repeated } from '../arguments.ts'
import {
  durationArgument,
  endpointArgument,
  ipArgument,
  leaseArgument,
  usesArgument,
} from './zone-arguments.ts'

/** What is said of where a name is reached. */
export interface PlaceFlags {
  readonly endpoint?: readonly { readonly target: Name; readonly port: number }[]
  readonly address?: readonly string[]
  readonly ip?: readonly string[]
}

/** What is said of a name that is published. */
export interface PublicationFlags extends PlaceFlags {
  readonly key?: Uint8Array
  readonly uses: Uses
  readonly depth?: number
  readonly strict?: boolean
  readonly host?: readonly Name[]
  readonly next?: Uint8Array
  readonly lease?: number | 'never'
  readonly ttl?: number
  readonly mirror?: boolean
  readonly alias?: boolean
}

/** Adds `--endpoint`, `--address`, `--ip` to a command. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option(
      '--endpoint <place>',
      'where a host of it listens, as node1.acme.example:4001; repeatable',
      repeated(endpointArgument),
    )
    .option(
      '--address <multiaddr>',
      'a multiaddr for libp2p (/dnsaddr/NAME); repeatable',
      repeated(String),
    )
    .option('--ip <address>', 'an IP address of the name itself; repeatable', repeated(ipArgument))
}

/** Adds `--lease` to a command. */
export function addLeaseOption(command: Command, otherwise: string): Command {
  return command.option(
    '--lease <time>',
    `how long it stays without being renewed, as 12h, 7d, or never (default: ${otherwise})`,
    leaseArgument,
  )
}

/** Adds all options of a name that is published. */
export function addPublicationOptions(command: Command): Command {
  command
    .option(
      '--key <key>',
      'its public key; default: its key in this home, made if there is none',
      keyArgument,
    )
    .option('--uses <uses>', 'what the key may do: sign, bind, or sign,bind', usesArgument, 'sign')
    .option(
      '--depth <links>',
      'bindings that may follow below (default: 0, or 1 if it may bind)',
      numberArgument({ min: 0, max: BINDING_DEPTH_MAX }),
    )
    .option('--strict', 'its names end a minute after nobody vouches for them any more')
    .option('--host <node>', 'a node that may receive for it; repeatable', repeated(nameArgument))
  addPlaceOptions(command)
  addLeaseOption(command, '1d')
  return command
    .option('--next <key>', 'the public key that is to follow: its hash is published', keyArgument)
    .option('--ttl <time>', 'how long resolvers may keep its keys (default: 5m)', durationArgument)
    .option('--mirror', 'publish its keys as TLSA records too, for DANE')
    .option('--alias', 'let DNS-AID find it')
}

/** How long a lease lasts; nothing if that was not said. */
export function leaseOf(lease: number | 'never' | undefined): {
  readonly leaseSeconds?: number | null
} {
  if (lease === undefined) return {}
  return { leaseSeconds: lease === 'never' ? null : lease }
}

/** Where a name is reached; undefined if nothing was said of it. */
export function placesOf({ endpoint, address, ip }: PlaceFlags): Places | undefined {
  if (endpoint === undefined && address === undefined && ip === undefined) return undefined
  return {
    // In the order in which they were said.
    endpoints: (endpoint ?? []).map((place, index) => ({
      ...place,
      priority: index + 1,
      hints: [],
    })),
    addresses: address ?? [],
    ipAddresses: ip ?? [],
  }
}

/** What is to be published of a name, and whether its key was made for that. */
export async function publicationOf(
  home: Home,
  name: Name,
  flags: PublicationFlags,
): Promise<{
  readonly publication: Publication
  readonly record: KeyRecord
  readonly isNew: boolean
}> {
  const { uses, depth = uses === 'sign' ? 0 : 1, next, lease, ttl } = flags
  const isNew = flags.key === undefined && !(await home.keyNames()).includes(name)
  const key =
    flags.key ?? (isNew ? await home.createKey(name) : await home.readSigner(name)).publicKey
  // Who publishes a key of another home does not know the one that goes with it.
  const encryptionKey = flags.key === undefined ? (await home.readOpening(name)).publicKey : null
  const record: KeyRecord = {
    key,
    uses,
    depth,
    strict: flags.strict === true,
    notBefore: 0,
    encryptionKey,
    next: next === undefined ? null : nodeSha256(next),
    hosts: (flags.host ?? []).toSorted(),
  }
  const publication = {
    keys: [record],
    ...placesOf(flags),
    ...leaseOf(lease),
    ...(ttl === undefined ? {} : { keyTtlSeconds: ttl }),
    mirrorKeys: flags.mirror === true,
    agentAlias: flags.alias === true,
  }
  return { publication, record, isNew }
}
