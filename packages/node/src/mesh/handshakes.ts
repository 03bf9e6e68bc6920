import type { MultiaddrConnection } from '@libp2p/interface'
import type { MeshCounts } from './counts.ts'
import { givesWay, sourceOf } from './waiting.ts'

/**
 * Inbound connections that have not yet proved who they are: at most as many as may wait for
 * admission after that, the oldest gives way. libp2p by itself refuses everybody when its limit is
 * reached, and 128 sockets that say nothing reach it for 10 s.
 */
export class Handshakes {
  readonly #counts: MeshCounts
  /** Oldest first. */
  readonly #pending = new Map<
    MultiaddrConnection,
    { readonly source: string; readonly connection: MultiaddrConnection }
  >()

  constructor(counts: MeshCounts) {
    this.#counts = counts
  }

  /** A connection came in. */
  begin(connection: MultiaddrConnection): void {
    const source = sourceOf(connection.remoteAddr)
    const oldest = givesWay([...this.#pending.values()], source)
    if (oldest !== undefined) {
      this.#counts.crowdedOut++
      this.end(oldest.connection)
      oldest.connection.abort(new Error('Newer connections came before it proved who it is'))
    }
    this.#pending.set(connection, { source, connection })
    connection.addEventListener('close', () => this.end(connection), { once: true })
  }

  /** The connection has proved who it is, or has ended. */
  end(connection: MultiaddrConnection): void {
    this.#pending.delete(connection)
  }
}
