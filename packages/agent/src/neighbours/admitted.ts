import type { Name } from '@ixj/names'
import type { Peer } from '../transport.ts'
import type { Exchange } from './exchange.ts'

/**
 * Neighbours that proved their names. A relay has thousands of pages, each of which asks for a few
 * topics by name: what concerns one topic is found without a look at all.
 */
export class AdmittedNeighbours {
  readonly #byPeer = new Map<Peer, Exchange>()
  readonly #nodes = new Set<Exchange>()
  /** Pages that asked for a topic by name. */
  readonly #pages = new Map<Name, Set<Exchange>>()

  get(peer: Peer): Exchange | undefined {
    return this.#byPeer.get(peer)
  }

  has(peer: Peer): boolean {
    return this.#byPeer.has(peer)
  }

  all(): readonly Exchange[] {
    return [...this.#byPeer.values()]
  }

  /** Those that are no pages. */
  nodes(): readonly Exchange[] {
    return [...this.#nodes]
  }

  /** Who may have to do with a topic: all nodes, and the pages that asked for it. */
  concerned(topic: Name): readonly Exchange[] {
    return [...this.#nodes, ...(this.#pages.get(topic) ?? [])]
  }

  add(neighbour: Exchange, options: { readonly isPage: boolean }): void {
    this.delete(neighbour.peer)
    this.#byPeer.set(neighbour.peer, neighbour)
    if (!options.isPage) this.#nodes.add(neighbour)
  }

  /** The neighbour that has gone. */
  delete(peer: Peer): Exchange | undefined {
    const neighbour = this.#byPeer.get(peer)
    if (neighbour === undefined) return undefined
    this.#byPeer.delete(peer)
    this.#nodes.delete(neighbour)
    for (const topic of neighbour.carried) this.endCarrying(neighbour, topic)
    return neighbour
  }

  /** A page asks for a topic by name. */
  carry(page: Exchange, topic: Name): void {
    page.carried.add(topic)
    const pages = this.#pages.get(topic)
    if (pages === undefined) this.#pages.set(topic, new Set([page]))
    else pages.add(page)
  }

  /** It does so no longer; false if it did not before. */
  endCarrying(page: Exchange, topic: Name): boolean {
    if (!page.carried.delete(topic)) return false
    const pages = this.#pages.get(topic)
    pages?.delete(page)
    if (pages?.size === 0) this.#pages.delete(topic)
    return true
  }
}
