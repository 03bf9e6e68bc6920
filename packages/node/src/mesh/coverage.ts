import type { Peer } from '@ixj/agent'
import { COVERED_MIN, COVERED_MAX, COVERED_SOURCES_MAX, MISSED_COST } from './limits.ts'

/**
 * Which neighbours have what a neighbour brings without this node: learned from what they say that
 * they have. What a neighbour says counts for what it is sent itself, and for nobody else.
 */
export class Coverage {
  /** By neighbour, and by the one from whom a message came here: how often it had it, bounded. */
  readonly #credit = new Map<Peer, Map<Peer, number>>()

  /** Whether this neighbour is taken to have what comes from the source. */
  covers(source: Peer, peer: Peer): boolean {
    return (this.#credit.get(peer)?.get(source) ?? 0) >= COVERED_MIN
  }

  /** The neighbour had something that came here from the source, and not from this node. */
  had(source: Peer, peer: Peer): void {
    const sources = this.#credit.get(peer) ?? new Map<Peer, number>()
    this.#credit.set(peer, sources)
    const credit = Math.min(COVERED_MAX, (sources.get(source) ?? 0) + 1)
    // The longest unused goes: a neighbour fills its own table alone.
    sources.delete(source)
    sources.set(source, credit)
    const oldest = sources.keys().next()
    if (sources.size > COVERED_SOURCES_MAX && oldest.done !== true) sources.delete(oldest.value)
  }

  /** The neighbour was taken to have something, and did not say so in time. */
  missed(source: Peer, peer: Peer): void {
    const sources = this.#credit.get(peer)
    const credit = (sources?.get(source) ?? 0) - MISSED_COST
    if (credit > 0) sources?.set(source, credit)
    else sources?.delete(source)
  }

  /** Nothing is taken for granted of a neighbour any more; false where nothing was. */
  forget(peer: Peer): boolean {
    return this.#credit.delete(peer)
  }

  /** A neighbour has gone: nothing is known of it any more. */
  gone(peer: Peer): void {
    this.forget(peer)
    for (const sources of this.#credit.values()) sources.delete(peer)
  }
}
