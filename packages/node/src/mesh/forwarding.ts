import type { Clock, Peer } from '@ixj/agent'
import type { RPC } from '@libp2p/gossipsub/message'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import { HaveDelay } from './have-delay.ts'
import type { GossipInternals } from './internals.ts'
import { FORWARD_MS_MAX, HAVE_MS, HAVE_PER_SECOND_MAX } from './limits.ts'

/** What forwarding needs of the mesh. */
export interface ForwardingHost {
  readonly clock: Clock
  readonly counts: MeshCounts
}

/** A message that came from a neighbour and was not seen before. */
interface Received {
  readonly id: Uint8Array
  readonly wire: string
  readonly source: Peer
}

/** Makes a call at a time to come; undefined while there is none to make. */
type Cancel = (() => void) | undefined

/**
 * Who publishes hands a message to all of its neighbours, so that most of those to whom it would be
 * forwarded have it already. Each node says what it has, many ids in one IDONTWANT, and forwards
 * what it accepted a little later, to those alone that have not said so.
 */
export class Forwarding {
  readonly #host: ForwardingHost
  readonly #gossip: GossipInternals
  readonly #delay: HaveDelay
  #received: Received[] = []
  #cancelTelling: Cancel
  /** The oldest first. */
  #accepted: { readonly dueAt: number; readonly forward: () => void }[] = []
  #cancelForwarding: Cancel

  /** From now on gossipsub says what it has by this. */
  constructor(host: ForwardingHost, gossip: GossipInternals) {
    this.#host = host
    this.#gossip = gossip
    this.#delay = new HaveDelay(host.clock)
    gossip.opts.idontwantMinDataSize = 0
    gossip.opts.idontwantMaxMessages = HAVE_PER_SECOND_MAX
    gossip.sendIDontWants = (id, wire, source) => this.#has({ id, wire, source })
  }

  /** A message was accepted: `forward` is called when neighbours had time to say that they have it. */
  accepted(forward: () => void): void {
    const dueAt = this.#host.clock.now() + this.#delay.ms
    // One after the other: the delay may have grown shorter meanwhile.
    this.#accepted.push({ dueAt: Math.max(dueAt, this.#accepted.at(-1)?.dueAt ?? 0), forward })
    this.#armForwarding()
  }

  /** A neighbour says that it has messages. */
  heard(peer: Peer, control: RPC.ControlMessage | undefined): void {
    for (const { messageIDs } of control?.idontwant ?? []) {
      for (const id of messageIDs) this.#delay.said(peer, id)
    }
  }

  /** A neighbour has gone. */
  gone(peer: Peer): void {
    this.#delay.gone(peer)
  }

  /** Says and forwards nothing more: this node is ending. */
  end(): void {
    this.#cancelTelling?.()
    this.#cancelForwarding?.()
    this.#received = []
    this.#accepted = []
  }

  #has(received: Received): void {
    this.#delay.came(received.id)
    this.#received.push(received)
    const { clock } = this.#host
    this.#cancelTelling ??= clock.at(clock.now() + HAVE_MS, () => {
      this.#cancelTelling = undefined
      void contain(this.#host.counts, () => this.#tell())
    })
  }

  #tell(): void {
    const ids = new Map<Peer, Uint8Array[]>()
    for (const { id, wire, source } of this.#received.splice(0)) {
      for (const peer of this.#gossip.mesh.get(wire) ?? []) {
        if (peer === source) continue
        const told = ids.get(peer)
        if (told === undefined) ids.set(peer, [id])
        else told.push(id)
      }
    }
    for (const [peer, messageIDs] of ids) this.#gossip.sendRpc(peer, haveRpc(messageIDs))
  }

  #armForwarding(): void {
    const [first] = this.#accepted
    if (first === undefined) return
    this.#cancelForwarding ??= this.#host.clock.at(first.dueAt, () => {
      this.#cancelForwarding = undefined
      this.#forward()
      this.#armForwarding()
    })
  }

  #forward(): void {
    const now = this.#host.clock.now()
    // What is due later than the most was put there before the clock was set back: it has waited.
    const next = this.#accepted.findIndex(
      ({ dueAt }) => dueAt > now && dueAt <= now + FORWARD_MS_MAX,
    )
    const due = this.#accepted.splice(0, next === -1 ? this.#accepted.length : next)
    for (const { forward } of due) void contain(this.#host.counts, forward)
  }
}

function haveRpc(messageIDs: Uint8Array[]): RPC {
  const none = { ihave: [], iwant: [], graft: [], prune: [] }
  return { subscriptions: [], messages: [], control: { ...none, idontwant: [{ messageIDs }] } }
}
