import type { GossipSubComponents } from '@libp2p/gossipsub'
import type {
  Connection,
  PeerId,
  Stream,
  StreamHandler,
  StreamHandlerOptions,
  Topology,
} from '@libp2p/interface'

type Registrar = GossipSubComponents['registrar']

/**
 * Stands between gossipsub and libp2p's registrar. gossipsub learns of a peer only when
 * {@link HeldRegistrar.connect} says so; its inbound streams go to `onStream`, which holds them.
 * What gossipsub is told, it is told inside `contain`: nobody waits for what it makes of that.
 */
export class HeldRegistrar implements Registrar {
  readonly #inner: Registrar
  readonly #onStream: (stream: Stream, connection: Connection) => void
  readonly #contain: (peer: PeerId, call: () => unknown) => void
  #handler: StreamHandler | undefined
  #topology: Topology | undefined

  constructor(
    inner: Registrar,
    onStream: (stream: Stream, connection: Connection) => void,
    contain: (peer: PeerId, call: () => unknown) => void,
  ) {
    this.#inner = inner
    this.#onStream = onStream
    this.#contain = contain
  }

  /** Tells gossipsub that a peer is there, over a connection whose one gossip stream is open. */
  connect(peer: PeerId, connection: Connection): void {
    this.#contain(peer, () => this.#topology?.onConnect?.(peer, connection))
  }

  /** Tells gossipsub that a peer has gone. */
  disconnect(peer: PeerId): void {
    this.#contain(peer, () => this.#topology?.onDisconnect?.(peer))
  }

  /** Hands gossipsub a stream that the peer opened. */
  deliver(stream: Stream, connection: Connection): void {
    this.#contain(connection.remotePeer, () => this.#handler?.(stream, connection))
  }

  handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void> {
    this.#handler = handler
    const hold = (stream: Stream, connection: Connection): void => {
      this.#onStream(stream, connection)
    }
    return this.#inner.handle(protocol, hold, options)
  }

  /** libp2p never hears of the topology: identify must not be what opens the gate. */
  async register(protocol: string, topology: Topology): Promise<string> {
    this.#topology = topology
    return protocol
  }

  unregister(): void {
    this.#topology = undefined
  }

  unhandle: Registrar['unhandle'] = (protocol, options) => this.#inner.unhandle(protocol, options)
  getProtocols: Registrar['getProtocols'] = () => this.#inner.getProtocols()
  getHandler: Registrar['getHandler'] = (protocol) => this.#inner.getHandler(protocol)
  getTopologies: Registrar['getTopologies'] = () => []
  use: Registrar['use'] = (protocol, middleware) => this.#inner.use(protocol, middleware)
  unuse: Registrar['unuse'] = (protocol) => this.#inner.unuse(protocol)
  getMiddleware: Registrar['getMiddleware'] = (protocol) => this.#inner.getMiddleware(protocol)
}
