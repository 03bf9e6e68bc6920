import { TransportError } from '@ixj/agent'
import type { Name } from '@ixj/names'
import type { AnchorSet } from '@ixj/trust'
import type { Keeper, Mesh } from '../mesh.ts'
import { findEndpoints } from './endpoint-search.ts'
import type { NodeDns } from './node-dns.ts'
import { isPublicAddress } from './private-address.ts'

/** Names whose nodes are kept connected because an agent here writes to them; more are refused. */
export const SEARCHES_MAX = 256
/** How long one search may take: a few questions, each with its retry. */
const SEARCH_MS_MAX = 10_000
/** A name is looked up again so often while it is sought: its nodes move. */
const SEARCH_AGAIN_MS = 60_000

/** Finds and dials the nodes of names that agents here write to. */
export interface Search extends AsyncDisposable {
  /** Looks for a name's nodes, now and each minute, and keeps dialling what it finds. */
  seek(name: Name): void
  /** Lets go of a name's nodes; connections stay. */
  forgo(name: Name): void
  /** What the last search for a name asked and found: sentences for people. */
  notes(name: Name): readonly string[]
}

/** What is known of one name. */
interface Sought {
  keepers: ReadonlyMap<string, Keeper>
  notes: readonly string[]
  /** Cancels the next look. */
  cancel: () => void
  readonly ending: AbortController
  running: Promise<void>
}

/** Opens the search of one node. It does nothing where no zone is trusted. */
export function openSearch(options: {
  readonly mesh: Mesh
  readonly dns: NodeDns
  readonly anchors: AnchorSet
  readonly own: Name
  /** Whether a node of this name is a neighbour. */
  readonly isConnected: (node: Name) => boolean
}): Search {
  const { mesh, dns, anchors, own } = options
  const { clock, resolver } = dns
  const all = new Map<Name, Sought>()
  /** Searches that were let go of and have not ended. */
  const leaving = new Set<Promise<void>>()
  let closed = false

  function look(name: Name, sought: Sought): void {
    sought.running = lookOnce(name, sought)
  }

  async function lookOnce(name: Name, sought: Sought): Promise<void> {
    try {
      await search(name, sought)
    } catch (cause) {
      sought.notes = [`the search failed: ${String(cause)}`]
    }
    if (sought.ending.signal.aborted) return
    sought.cancel = clock.at(clock.now() + SEARCH_AGAIN_MS, () => look(name, sought))
  }

  async function search(name: Name, sought: Sought): Promise<void> {
    if (resolver === undefined) return
    const signal = AbortSignal.any([sought.ending.signal, AbortSignal.timeout(SEARCH_MS_MAX)])
    const now = () => clock.now()
    const { isConnected } = options
    const by = { resolver, anchors, now, isConnected, signal }
    const { zone, addresses, notes } = await findEndpoints(name, by)
    if (sought.ending.signal.aborted) return
    const before = sought.keepers
    const keepers = new Map<string, Keeper>()
    const outcomes = addresses.map((address) => {
      if (!mayDial(zone, address)) return `${address}: of no public network, so it is not dialled`
      const keeper = before.get(address) ?? keep(address, mayLearn(zone, address))
      if (keeper === undefined) return `${address}: no address`
      keepers.set(address, keeper)
      return `${address}: dialled`
    })
    sought.notes = [...notes, ...outcomes]
    // Nothing found says nothing of what was found before: servers may be out of reach.
    if (keepers.size === 0) return
    sought.keepers = keepers
    const gone = [...before].filter(([address]) => !keepers.has(address))
    await Promise.all(gone.map(([, keeper]) => keeper[Symbol.asyncDispose]()))
  }

  function mayDial(zone: string | undefined, address: string): boolean {
    return dns.dialPrivate || mayLearn(zone, address)
  }

  /**
   * What is dialled only since the settings allow it is not remembered: the next run may not. A
   * slice that was given away is somebody else's, though its name lies below ours.
   */
  function mayLearn(zone: string | undefined, address: string): boolean {
    const isOurs = zone !== undefined && zone === anchors.for(own)?.name
    return isOurs || isPublicAddress(address)
  }

  /** Whoever wrote the record may have written anything: what is no address is passed over. */
  function keep(address: string, learn: boolean): Keeper | undefined {
    try {
      return mesh.keepDialing(address, { learn })
    } catch (cause) {
      if (cause instanceof TransportError) return undefined
      throw cause
    }
  }

  async function end(sought: Sought): Promise<void> {
    sought.ending.abort()
    sought.cancel()
    await sought.running
    await Promise.all([...sought.keepers.values()].map((keeper) => keeper[Symbol.asyncDispose]()))
  }

  return {
    seek: (name) => {
      if (closed || resolver === undefined || all.has(name)) return
      if (all.size >= SEARCHES_MAX || !anchors.asksDns(name)) return
      const sought: Sought = {
        keepers: new Map(),
        notes: [],
        cancel: () => {},
        ending: new AbortController(),
        running: Promise.resolve(),
      }
      all.set(name, sought)
      look(name, sought)
    },
    forgo: (name) => {
      const sought = all.get(name)
      if (sought === undefined) return
      all.delete(name)
      const ended = end(sought).finally(() => leaving.delete(ended))
      leaving.add(ended)
    },
    notes: (name) => all.get(name)?.notes ?? [],
    [Symbol.asyncDispose]: async () => {
      closed = true
      await Promise.all([...leaving, ...[...all.values()].map((sought) => end(sought))])
      all.clear()
    },
  }
}
