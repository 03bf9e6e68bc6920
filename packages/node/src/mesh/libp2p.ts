import { yamux } from '@chainsafe/libp2p-yamux'
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { noiseOverTcp } from './noise-over-tcp.ts'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Resolver } from '@ixj/dns'
import type { MeshCounts } from './counts.ts'
import { Handshakes } from './handshakes.ts'
import { validatedDns } from './validated-dns.ts'
import * as limits from './limits.ts'

/** What libp2p is told from outside. */
export interface Libp2pOptions {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  readonly gossip: (components: GossipSubComponents) => GossipSub
  /** Whether an inbound connection is refused before any byte of it is read. */
  readonly refuses: () => boolean
  readonly counts: MeshCounts
  /** Looks names in addresses up; default: the system. */
  readonly resolver?: Resolver
}

/** A libp2p node that is not started: TCP, noise, yamux, each option with its reason. */
export function openLibp2p(options: Libp2pOptions): Promise<Libp2p> {
  const handshakes = new Handshakes(options.counts)
  return createLibp2p({
    privateKey: options.privateKey,
    start: false,
    addresses: { listen: [...options.listen] },
    transports: [tcp()],
    connectionEncrypters: [noiseOverTcp],
    streamMuxers: [
      // Its own pings, one in 30 s, are what windows grow by.
      yamux({ streamOptions: { maxStreamWindowSize: limits.STREAM_WINDOW_BYTES_MAX } }),
    ],
    connectionGater: {
      denyInboundConnection: (connection) => {
        if (options.refuses()) return true
        handshakes.begin(connection)
        return false
      },
      denyInboundUpgradedConnection: (_peer, connection) => {
        handshakes.end(connection)
        return false
      },
    },
    connectionManager: {
      maxConnections: limits.CONNECTIONS_MAX,
      inboundConnectionThreshold: limits.INBOUND_CONNECTIONS_PER_SECOND,
      // Handshakes bounds them, and refuses nobody; this leaves room for those that are ending.
      maxIncomingPendingConnections: limits.CONNECTIONS_MAX,
      dialTimeout: limits.DIAL_MS_MAX,
      addressDialTimeout: limits.DIAL_MS_MAX,
      ...(options.resolver === undefined ? {} : { resolvers: validatedDns(options.resolver) }),
      // Keepers redial; libp2p gives up after five attempts.
      reconnectRetries: 0,
    },
    // It opens a stream for each ping, and pings whoever is heard all the time: see `pulse.ts`.
    connectionMonitor: { enabled: false },
    services: {
      // gossipsub refuses to start without it, but nothing waits for what it says: a peer is who
      // noise proved, and may gossip when it was admitted.
      identify: identify({ runOnConnectionOpen: false }),
      gossip: options.gossip,
    },
  })
}
