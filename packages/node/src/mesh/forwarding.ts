import type { Clock, Peer } from '@ixj/agent'
import type { RPC } from '@libp2p/gossipsub/message'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import { Coverage } from './coverage.ts'
import { HaveDelay } from './have-delay.ts'
import type { GossipInternals } from './internals.ts'
import {
  FORWARD_MS_MAX,
  HAVE_IDS,
  HAVE_MS,
  HAVE_PER_SECOND_MAX,
  LARGE_BYTES,
  LARGE_TIMES,
  PASSING_MAX,
} from './limits.ts'

/** What forwarding needs of the mesh. */
export interface ForwardingHost {
  readonly clock: Clock
  readonly counts: MeshCounts
}

/** A message that came from a neighbour and was not seen before. */
interface Passing {
  readonly id: Uint8Array
  readonly wire: string
  readonly source: Peer
  /** Neighbours that have said that they have it. */
  readonly saidBy: Set<Peer>
  /** Those whose word is waited for, and what they get if they do not say that they have it. */
  readonly heldBack: Map<Peer, RPC>
}

/** What is held back until then. */
interface Due {
  readonly dueAt: number
  readonly passing: Passing
}

/** Makes a call at a time to come; undefined while there is none to make. */
type Cancel = (() => void) | undefined

/**
 * Who publishes hands a message to all of its neighbours, so that many of those to whom it would be
 * forwarded have it already. Each node says what it has, many ids in one IDONTWANT, and so learns
 * from whom its neighbours have things without it. To those it forwards later, and only what they
 * have not said that they have; to all others at once. What is large waits for everybody's word.
 */
export class Forwarding {
  readonly #host: ForwardingHost
  readonly #gossip: GossipInternals
  readonly #delay: HaveDelay
  readonly #coverage = new Coverage()
  /** What came lately, by id, the oldest first. */
  readonly #passing = new Map<string, Passing>()
  /** What of it neighbours have not been told. */
  #untold: Passing[] = []
  #cancelTelling: Cancel
  /** The oldest first. */
  #later: Due[] = []
  #cancelForwarding: Cancel
  /** What gossipsub forwards at this moment. */
  #forwarded: Passing | undefined

  /** From now on gossipsub says what it has by this. */
  constructor(host: ForwardingHost, gossip: GossipInternals) {
    this.#host = host
    this.#gossip = gossip
    this.#delay = new HaveDelay(host.clock)
    gossip.opts.idontwantMinDataSize = 0
    gossip.opts.idontwantMaxMessages = HAVE_PER_SECOND_MAX
    gossip.sendIDontWants = (id, wire, source) => this.#came(id, wire, source)
  }

  /** A message was accepted: `forward` has gossipsub send it to those who have not said they have it. */
  accepted(id: string, forward: () => void): void {
    const passing = this.#passing.get(id)
    this.#forwarded = passing
    try {
      forward()
    } finally {
      this.#forwarded = undefined
    }
    if (passing === undefined || passing.heldBack.size === 0) return
    const isForAll = [...passing.heldBack.values()].some(isLarge)
    const times = isForAll ? LARGE_TIMES : 1
    this.#holdUntil(this.#host.clock.now() + this.#delay.ms * times, passing)
  }

  /** Whether what gossipsub sends to a neighbour is kept here: it is forwarded later, or not at all. */
  holdsBack(peer: Peer, rpc: RPC): boolean {
    const passing = this.#forwarded
    if (passing === undefined || rpc.messages.length === 0) return false
    if (!isLarge(rpc) && !this.#coverage.covers(passing.source, peer)) return false
    passing.heldBack.set(peer, rpc)
    return true
  }

  /** A neighbour says that it has messages. */
  heard(peer: Peer, control: RPC.ControlMessage | undefined): void {
    for (const { messageIDs } of control?.idontwant ?? []) {
      for (const id of messageIDs) this.#said(peer, id)
    }
  }

  /** A neighbour has gone. */
  gone(peer: Peer): void {
    this.#delay.gone(peer)
    this.#coverage.gone(peer)
  }

  /** Says and forwards nothing more: this node is ending. */
  end(): void {
    this.#cancelTelling?.()
    this.#cancelForwarding?.()
    this.#passing.clear()
    this.#untold = []
    this.#later = []
  }

  #came(id: Uint8Array, wire: string, source: Peer): void {
    this.#delay.came(id)
    const passing: Passing = { id, wire, source, saidBy: new Set(), heldBack: new Map() }
    this.#passing.set(this.#gossip.msgIdToStrFn(id), passing)
    const oldest = this.#passing.keys().next()
    // What is forgotten here and held back is forwarded in any case.
    if (this.#passing.size > PASSING_MAX && oldest.done !== true) this.#passing.delete(oldest.value)
    this.#untold.push(passing)
    if (this.#untold.length >= HAVE_IDS) {
      this.#cancelTelling?.()
      this.#cancelTelling = undefined
      void contain(this.#host.counts, () => this.#tell())
      return
    }
    const { clock } = this.#host
    this.#cancelTelling ??= clock.at(clock.now() + HAVE_MS, () => {
      this.#cancelTelling = undefined
      void contain(this.#host.counts, () => this.#tell())
    })
  }

  #said(peer: Peer, id: Uint8Array): void {
    this.#delay.said(peer, id)
    const passing = this.#passing.get(this.#gossip.msgIdToStrFn(id))
    if (passing === undefined || passing.source === peer || passing.saidBy.has(peer)) return
    passing.saidBy.add(peer)
    passing.heldBack.delete(peer)
    this.#coverage.had(passing.source, peer)
  }

  #tell(): void {
    const ids = new Map<Peer, Uint8Array[]>()
    for (const { id, wire, source } of this.#untold.splice(0)) {
      for (const peer of this.#gossip.mesh.get(wire) ?? []) {
        if (peer === source) continue
        const told = ids.get(peer)
        if (told === undefined) ids.set(peer, [id])
        else told.push(id)
      }
    }
    for (const [peer, messageIDs] of ids) this.#gossip.sendRpc(peer, haveRpc(messageIDs))
  }

  #holdUntil(dueAt: number, passing: Passing): void {
    const before = this.#later.findLastIndex((each) => each.dueAt <= dueAt)
    this.#later.splice(before + 1, 0, { dueAt, passing })
    // What is small does not wait for what is large.
    if (before === -1) {
      this.#cancelForwarding?.()
      this.#cancelForwarding = undefined
    }
    this.#armForwarding()
  }

  #armForwarding(): void {
    const [first] = this.#later
    if (first === undefined) return
    this.#cancelForwarding ??= this.#host.clock.at(first.dueAt, () => {
      this.#cancelForwarding = undefined
      this.#forward()
      this.#armForwarding()
    })
  }

  #forward(): void {
    const now = this.#host.clock.now()
    const most = now + FORWARD_MS_MAX * LARGE_TIMES
    // What is due later than the most was put there before the clock was set back: it has waited.
    const waits = ({ dueAt }: Due) => dueAt > now && dueAt <= most
    const due = this.#later.filter((each) => !waits(each))
    this.#later = this.#later.filter(waits)
    for (const { passing } of due) {
      for (const [peer, rpc] of passing.heldBack) {
        this.#coverage.missed(passing.source, peer)
        void contain(this.#host.counts, () => this.#gossip.sendRpc(peer, rpc))
      }
      passing.heldBack.clear()
    }
  }
}

function isLarge({ messages }: RPC): boolean {
  return messages.reduce((sum, { data }) => sum + (data?.length ?? 0), 0) >= LARGE_BYTES
}

function haveRpc(messageIDs: Uint8Array[]): RPC {
  const none = { ihave: [], iwant: [], graft: [], prune: [] }
  return { subscriptions: [], messages: [], control: { ...none, idontwant: [{ messageIDs }] } }
}
