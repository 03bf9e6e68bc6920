import type { Clock, Peer } from '@ixj/agent'
import type { RPC } from '@libp2p/gossipsub/message'
import { Asking } from './asking.ts'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import { Coverage } from './coverage.ts'
import { HaveDelay } from './have-delay.ts'
import type { GossipInternals } from './internals.ts'
import {
  ANEW_MS,
  ASKED_MS,
  FORWARD_MS_MAX,
  FORWARD_MS_MIN,
  HAVE_PER_SECOND_MAX,
  LARGE_BYTES,
  LARGE_FORWARD_MS_MAX,
  LARGE_FORWARD_MS_MIN,
  PASSING_MAX,
} from './limits.ts'
import { offerAnnouncementsOnce } from './offering.ts'
import { Telling } from './telling.ts'

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
  /** Whether those that are taken to have it wait on. */
  readonly isFirst: boolean
  readonly passing: Passing
}

/** Makes a call at a time to come; undefined while there is none to make. */
type Cancel = (() => void) | undefined

/**
 * Who publishes hands a message to all of its neighbours, so that many of those to whom it would be
 * forwarded have it already. Each node says what it has, many ids in one IDONTWANT, and so learns
 * from whom its neighbours have things without it. To those it forwards later, and only what they
 * have not said that they have; to all others at once. What is large waits for everybody's word, and
 * longer for those that are taken to have it. What a neighbour offers is not asked for at once: it is
 * on its way, or held back.
 */
export class Forwarding {
  readonly #host: ForwardingHost
  readonly #gossip: GossipInternals
  readonly #telling: Telling
  readonly #asking: Asking
  readonly #delay: HaveDelay
  readonly #largeDelay: HaveDelay
  readonly #coverage = new Coverage()
  /** Neighbours that brought something new that was accepted. */
  readonly #bringers = new Set<Peer>()
  /** When each neighbour last said that nothing is to be taken for granted of it. */
  readonly #forgotAt = new Map<Peer, number>()
  /** What came lately, by id, the oldest first. */
  readonly #passing = new Map<string, Passing>()
  /** The oldest first. */
  #later: Due[] = []
  #cancelForwarding: Cancel
  /** What gossipsub forwards at this moment. */
  #forwarded: Passing | undefined

  /** From now on gossipsub says what it has by this. */
  constructor(host: ForwardingHost, gossip: GossipInternals) {
    this.#host = host
    this.#gossip = gossip
    this.#delay = new HaveDelay(host.clock, { leastMs: FORWARD_MS_MIN, mostMs: FORWARD_MS_MAX })
    const large = { leastMs: LARGE_FORWARD_MS_MIN, mostMs: LARGE_FORWARD_MS_MAX }
    this.#largeDelay = new HaveDelay(host.clock, large)
    const { clock, counts } = host
    this.#telling = new Telling({
      clock,
      counts,
      isMember: (wire, peer) => gossip.mesh.get(wire)?.has(peer) === true,
      members: () => new Set([...gossip.mesh.values()].flatMap((peers) => [...peers])),
      sendRpc: (peer, rpc) => gossip.sendRpc(peer, rpc),
    })
    this.#asking = new Asking({ clock, counts, waitMs: ASKED_MS }, gossip)
    offerAnnouncementsOnce(gossip)
    gossip.opts.idontwantMinDataSize = 0
    gossip.opts.idontwantMaxMessages = HAVE_PER_SECOND_MAX
    gossip.sendIDontWants = (id, wire, source) => this.#came(id, wire, source)
    const { score } = gossip
    const copied = score.duplicateMessage.bind(score)
    score.duplicateMessage = (from, id, wire) => {
      // What a neighbour that has gone had sent is still looked at.
      if (gossip.streamsOutbound.has(from)) this.#telling.copied(from)
      copied(from, id, wire)
    }
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
    if (passing === undefined) return
    if (this.#gossip.streamsOutbound.has(passing.source)) this.#bringers.add(passing.source)
    if (passing.heldBack.size === 0) return
    const isForAll = [...passing.heldBack.values()].some(isLarge)
    if (isForAll) {
      this.#telling.hurry()
      this.#largeDelay.came(passing.id)
    }
    const { ms } = isForAll ? this.#largeDelay : this.#delay
    this.#hold({ dueAt: this.#host.clock.now() + ms, isFirst: isForAll, passing })
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
      if (messageIDs.length === 0) this.#forget(peer)
      for (const id of messageIDs) this.#said(peer, id)
    }
  }

  /** A neighbour has gone; if it brought things, others are told to take nothing for granted. */
  gone(peer: Peer): void {
    this.#telling.gone(peer)
    if (this.#bringers.delete(peer)) this.#telling.anew()
    this.#delay.gone(peer)
    this.#largeDelay.gone(peer)
    this.#coverage.gone(peer)
    this.#forgotAt.delete(peer)
  }

  /** Says and forwards nothing more: this node is ending. */
  end(): void {
    this.#telling.end()
    this.#asking.end()
    this.#cancelForwarding?.()
    this.#passing.clear()
    this.#later = []
  }

  #came(id: Uint8Array, wire: string, source: Peer): void {
    this.#delay.came(id)
    const passing: Passing = { id, wire, source, saidBy: new Set(), heldBack: new Map() }
    this.#passing.set(this.#gossip.msgIdToStrFn(id), passing)
    const oldest = this.#passing.keys().next()
    // What is forgotten here and held back is forwarded in any case.
    if (this.#passing.size > PASSING_MAX && oldest.done !== true) this.#passing.delete(oldest.value)
    const members = this.#gossip.mesh.get(wire) ?? []
    this.#telling.came(
      passing,
      [...members].filter((peer) => peer !== source),
    )
  }

  #said(peer: Peer, id: Uint8Array): void {
    this.#delay.said(peer, id)
    this.#largeDelay.said(peer, id)
    const passing = this.#passing.get(this.#gossip.msgIdToStrFn(id))
    if (passing === undefined || passing.source === peer || passing.saidBy.has(peer)) return
    passing.saidBy.add(peer)
    passing.heldBack.delete(peer)
    this.#coverage.had(passing.source, peer)
  }

  /** Nothing is to be taken for granted of a neighbour: it may have from nobody what is held back. */
  #forget(peer: Peer): void {
    const now = this.#host.clock.now()
    // It looks through all that is held back, and who says it honestly does so seldom.
    if (Math.abs(now - (this.#forgotAt.get(peer) ?? -Infinity)) < ANEW_MS / 2) return
    this.#forgotAt.set(peer, now)
    if (!this.#coverage.forget(peer)) return
    for (const { passing, isFirst } of this.#later) {
      const rpc = passing.heldBack.get(peer)
      // What all wait for goes when it does.
      if (rpc === undefined || isFirst) continue
      passing.heldBack.delete(peer)
      void contain(this.#host.counts, () => this.#gossip.sendRpc(peer, rpc))
    }
  }

  #hold(due: Due): void {
    const before = this.#later.findLastIndex(({ dueAt }) => dueAt <= due.dueAt)
    this.#later.splice(before + 1, 0, due)
    // What is small does not wait for what is large.
    if (before === -1) {
      this.#cancelForwarding?.()
      this.#cancelForwarding = undefined
    }
    this.#armForwarding()
  }

  #armForwarding(): void {
    // Nearly all was said by now: to wake for each of these would cost more than to say it.
    const waiting = this.#later.findIndex(({ passing }) => passing.heldBack.size > 0)
    this.#later.splice(0, waiting === -1 ? this.#later.length : waiting)
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
    const most = now + FORWARD_MS_MAX
    // What is due later than the most was put there before the clock was set back: it has waited.
    const end = this.#later.findIndex(({ dueAt }) => dueAt > now)
    const due = this.#later.splice(0, end === -1 ? this.#later.length : end)
    const late = this.#later.findIndex(({ dueAt }) => dueAt > most)
    if (late !== -1) due.push(...this.#later.splice(late))
    for (const { passing, isFirst } of due) {
      for (const [peer, rpc] of passing.heldBack) {
        if (isFirst && this.#coverage.covers(passing.source, peer)) continue
        this.#coverage.missed(passing.source, peer)
        passing.heldBack.delete(peer)
        void contain(this.#host.counts, () => this.#gossip.sendRpc(peer, rpc))
      }
      if (passing.heldBack.size === 0) continue
      this.#hold({ dueAt: now + LARGE_FORWARD_MS_MAX, isFirst: false, passing })
    }
  }
}

function isLarge({ messages }: RPC): boolean {
  return messages.reduce((sum, { data }) => sum + (data?.length ?? 0), 0) >= LARGE_BYTES
}
