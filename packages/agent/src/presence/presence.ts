import type { Name } from '@ixj/names'
import { equalBytes, toHex, type Random, type Signer } from '@ixj/trust'
import { QUEUE_MAX } from '../limits.ts'
import type { Head } from '../history/topic-index.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import type { RoundTrip } from '../pipeline/clock-offset.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { AgentError } from '../agent-error.ts'
import { Queue } from '../queue.ts'
import type { Peer, Transport } from '../transport.ts'
import {
  decodeAnnouncement,
  membersBytes,
  sealAnnouncement,
  type PresentMember,
} from './announcement.ts'
import type { HearingContext } from './hearing.ts'
import {
  PRESENCE_BYTES_MAX,
  PRESENCE_CHANGE_MS,
  PRESENCE_DOUBT_MS,
  PRESENCE_FULL_HEADS_MAX,
  PRESENCE_HEADS_MAX,
  PRESENCE_HEADS_MS,
  PRESENCE_JITTER,
  PRESENCE_MEET_NODE_MS,
  PRESENCE_MEMBERS_MAX,
  PRESENCE_MS,
} from './limits.ts'
import { localMember } from './local-member.ts'
import { longestPauseMs } from './pace.ts'
import type { GroupReceiver, Member, PresenceChange } from './roster.ts'
import { endTopic, isLarge, openTopic, type PresentTopic } from './present-topic.ts'

/** What a node's presence is kept with. */
export interface PresenceContext extends HearingContext {
  readonly node: { readonly name: Name; readonly signer: Signer; readonly proof: () => KnownProof }
  readonly random: Random
  readonly transport: Transport
  /** A member came or went. */
  told(topic: Name, change: PresenceChange): void
  /** A node signed a time between two of ours. */
  measured(node: Name, trip: RoundTrip): void
  /** Members changed, so a publish that waits for them may go on. */
  changed(): void
  /** How far the streams of members here go, the longest silent first. */
  heads(topic: Name): readonly Head[]
  /** How far a node says that its members' streams go. */
  heard(topic: Name, heads: readonly Head[]): void
  /** An announcement of ours could not be sent; the next one tells all again. */
  unsent(topic: Name, cause: unknown): void
}

/**
 * Who is in each group that is open here. Every node tells the members that it hosts, within 100 ms
 * of a change and every 5 s; each claim carries the proof by which anyone can check it.
 */
export class Presence {
  readonly #context: PresenceContext
  readonly #topics = new Map<Name, PresentTopic>()

  constructor(context: PresenceContext) {
    this.#context = context
  }

  /** A member here; others are told. @throws AgentError `argument` past the limit */
  join(name: Name, member: PresentMember, known: KnownProof): void {
    const topic = this.#topics.get(name) ?? this.#open(name)
    if (topic.local.size >= PRESENCE_MEMBERS_MAX) {
      throw new AgentError(
        'argument',
        `Cannot host another member of ${name}: the limit is ${PRESENCE_MEMBERS_MAX}`,
      )
    }
    const members = [...topic.local.values()].map((local) => local.member)
    members.push(member)
    if (membersBytes(members) > PRESENCE_BYTES_MAX) {
      const limit = `${PRESENCE_BYTES_MAX} bytes of presence`
      throw new AgentError(
        'argument',
        `Cannot host another member of ${name}: the limit is ${limit}`,
      )
    }
    topic.local.set(toHex(member.agentKey), { member, known })
    topic.isNews = true
    this.#tell(name, topic, { kind: 'joined', member: localMember(name, member, this.#context) })
    this.#schedule(name, topic, PRESENCE_CHANGE_MS)
  }

  /** A member here has left; others are told at once, since nothing of the topic may be open later. */
  async leave(name: Name, key: Uint8Array): Promise<void> {
    const topic = this.#topics.get(name)
    const local = topic?.local.get(toHex(key))
    if (topic === undefined || local === undefined) return
    topic.local.delete(toHex(key))
    topic.isNews = true
    this.#tell(name, topic, {
      kind: 'left',
      member: localMember(name, local.member, this.#context),
    })
    await this.#announce(name, topic)
    if (topic.local.size > 0 || topic.listens) return
    endTopic(topic)
    this.#topics.delete(name)
  }

  /** Hears who is in a group without a member here, so that it can be passed on. */
  listen(name: Name): void {
    const topic = this.#topics.get(name) ?? this.#open(name)
    topic.listens = true
  }

  /** Hears it no longer, but for members here. */
  unlisten(name: Name): void {
    const topic = this.#topics.get(name)
    if (topic === undefined) return
    topic.listens = false
    if (topic.local.size > 0) return
    endTopic(topic)
    this.#topics.delete(name)
  }

  /** Everybody in the group, on this node and on others. */
  members(name: Name): readonly Member[] {
    const topic = this.#topics.get(name)
    if (topic === undefined) return []
    const local = [...topic.local.values()].map(({ member }) =>
      localMember(name, member, this.#context),
    )
    return [...local, ...topic.roster.members()]
  }

  /** Members on other nodes to whom the group's secret can be given. */
  receivers(name: Name): readonly GroupReceiver[] {
    return this.#topics.get(name)?.roster.receivers() ?? []
  }

  /** The node that hosts a group's member of this name and key; undefined where none is known. */
  hostOf(name: Name, member: Name, key: Uint8Array): Name | undefined {
    const topic = this.#topics.get(name)
    if (topic?.local.get(toHex(key))?.member.agent === member) return this.#context.node.name
    return topic?.roster.hostOf(member, key)
  }

  /** Since when a member is there, by its node's clock; undefined: it is not. */
  since(name: Name, member: Pick<Member, 'name' | 'key'>): number | undefined {
    const topic = this.#topics.get(name)
    const local = topic?.local.get(toHex(member.key))?.member
    return local?.agent === member.name ? local.since : topic?.roster.since(member)
  }

  /** Whether anybody on another node is in the group. */
  hasOthers(name: Name): boolean {
    return (this.#topics.get(name)?.roster.nodes ?? 0) > 0
  }

  /** Changes from now on. A slow reader loses the oldest. */
  watch(name: Name, signal: AbortSignal | undefined): Queue<PresenceChange> {
    const topic = this.#topics.get(name)
    const onClose = () => void topic?.watchers.delete(queue)
    const queue: Queue<PresenceChange> = new Queue(QUEUE_MAX, {
      ...(signal === undefined ? {} : { signal }),
      onClose,
    })
    topic?.watchers.add(queue)
    return queue
  }

  /** A neighbour receives the topic from now on. */
  met(name: Name, peer: Peer): void {
    const topic = this.#topics.get(name)
    if (topic === undefined) return
    if (isLarge(topic)) topic.handing.met(peer)
    else this.#greet(name, topic)
  }

  /** A member here has written: the others are told how far its stream goes. */
  headsChanged(name: Name): void {
    const topic = this.#topics.get(name)
    if (topic === undefined || topic.local.size === 0) return
    const { clock } = this.#context
    topic.cancelHeads ??= clock.at(clock.now() + PRESENCE_HEADS_MS, () => {
      topic.cancelHeads = undefined
      void this.#tellHeads(name, topic)
    })
  }

  /**
   * A node's connection has ended. Where others are there that may bring word of it, it has a moment:
   * not every end is a crash. It has lost us as well, so we tell that we are here.
   */
  gone(node: Name): void {
    const { clock, transport } = this.#context
    const now = clock.now()
    for (const [name, topic] of this.#topics) {
      const hasOthers = transport.subscribers(name).length > 0
      topic.roster.gone(node, { now, lostAt: hasOthers ? now + PRESENCE_DOUBT_MS : now })
      const many = PRESENCE_MEET_NODE_MS * topic.roster.nodes
      if (hasOthers) this.#tellAgain(name, topic, Math.min(PRESENCE_DOUBT_MS / 2, many))
    }
  }

  /** Members that were not heard of are gone. */
  sweep(now: number): void {
    for (const { roster, handing } of this.#topics.values()) {
      roster.sweep(now)
      handing.sweep(now)
    }
  }

  /**
   * Hears an announcement that came on a topic, or that a neighbour handed on. Members whose proof does
   * not hold here are left out.
   * @throws Refusal, TrustError
   */
  async hear(
    name: Name,
    bytes: Uint8Array,
    from: Peer,
    { isHanded }: { readonly isHanded: boolean },
  ): Promise<void> {
    const announcement = decodeAnnouncement(bytes)
    if (announcement.topic !== name) {
      throw new Refusal(
        'wrong-topic',
        `Cannot hear presence of ${announcement.topic}: it came on ${name}`,
      )
    }
    const topic = this.#topics.get(name)
    if (topic === undefined) {
      throw new Refusal('not-hosted', `Cannot hear presence: ${name} is not open here`)
    }
    const arrivedAt = this.#context.clock.now()
    const { signer, signerKey } = announcement.signed
    // What we said ourselves comes back from whoever repeats it, and may be long untrue.
    if (equalBytes(signerKey, this.#context.node.signer.publicKey)) {
      throw new Refusal('duplicate', `Cannot hear presence of ${signer}: it is our own`)
    }
    const isNew = !topic.roster.hasNode(signer)
    await topic.hearing.hear(announcement, from)
    // It may have been closed meanwhile: nothing is begun for it then.
    if (this.#topics.get(name) !== topic) return
    const { signed, proof, members } = announcement
    topic.handing.keep({ nodeKey: signerKey, time: signed.time, proof, members }, bytes)
    // How long ago that was said nobody knows, so it measures nothing.
    const trip = isHanded ? undefined : topic.echoes.heard(announcement, arrivedAt)
    if (trip !== undefined) this.#context.measured(signer, trip)
    this.#context.heard(name, announcement.heads)
    this.#context.changed()
    if (!isNew || !topic.roster.hasNode(signer)) return
    if (isHanded) topic.handing.learned(signerKey, from)
    // A node that nobody here knew does not know us either; it may be hops away.
    if (!isLarge(topic)) this.#greet(name, topic)
  }

  /** Stops announcing; watchers end. */
  close(): void {
    for (const topic of this.#topics.values()) endTopic(topic)
    this.#topics.clear()
  }

  #open(name: Name): PresentTopic {
    const topic = openTopic(name, this.#context)
    this.#topics.set(name, topic)
    return topic
  }

  /** Announces soon: somebody came who has not heard us. */
  #greet(name: Name, topic: PresentTopic): void {
    this.#tellAgain(name, topic, PRESENCE_MEET_NODE_MS * topic.roster.nodes)
  }

  #tell(name: Name, topic: PresentTopic, change: PresenceChange): void {
    this.#context.told(name, change)
    for (const watcher of topic.watchers) watcher.push(change)
    this.#context.changed()
  }

  /** Who only listens has nobody to tell of. */
  #tellAgain(name: Name, topic: PresentTopic, inMs: number): void {
    if (topic.local.size > 0) this.#schedule(name, topic, Math.max(PRESENCE_CHANGE_MS, inMs))
  }

  #schedule(name: Name, topic: PresentTopic, inMs: number): void {
    const { clock } = this.#context
    const due = Math.round(clock.now() + inMs)
    if (topic.cancel !== undefined && topic.due <= due) return
    topic.cancel?.()
    topic.due = due
    topic.cancel = clock.at(due, () => {
      topic.cancel = undefined
      void this.#announce(name, topic)
    })
  }

  async #announce(name: Name, topic: PresentTopic): Promise<void> {
    const { random, proofs } = this.#context
    // Records of the DNS lapse: each proof is told as it is now.
    const proven = [...topic.local.values()].map(({ member, known }) => {
      const proof = proofs.current(known)
      return { proof, member: { ...member, proof: proof.id } }
    })
    const members = proven.map(({ member }) => member)
    // News is told again soon, since gossip may not have brought it to all.
    const pauseMs = topic.isNews ? PRESENCE_MS : longestPauseMs(topic.roster.nodes + 1)
    topic.isNews = false
    const heads = this.#context.heads(name).slice(-PRESENCE_FULL_HEADS_MAX)
    await this.#publish(name, topic, { members, heads, proofs: proven.map(({ proof }) => proof) })
    if (topic.local.size === 0) return
    // So that many nodes do not speak at once. Whole ms: times are integers.
    const jitter = 1 + PRESENCE_JITTER * (2 * ((random(1)[0] ?? 0) / 255) - 1)
    this.#schedule(name, topic, Math.round(pauseMs * jitter))
  }

  /** Tells the heads alone: who is here was told, and is told again by itself. */
  async #tellHeads(name: Name, topic: PresentTopic): Promise<void> {
    if (topic.local.size === 0) return
    const heads = this.#context.heads(name).slice(-PRESENCE_HEADS_MAX)
    await this.#publish(name, topic, { members: null, heads, proofs: [] })
  }

  async #publish(
    name: Name,
    topic: PresentTopic,
    told: {
      readonly members: readonly PresentMember[] | null
      readonly heads: readonly Head[]
      readonly proofs: readonly KnownProof[]
    },
  ): Promise<void> {
    const { node, clock, random, transport } = this.#context
    try {
      const own = node.proof()
      const { members, heads } = told
      topic.toldAt = Math.max(clock.now(), topic.toldAt + 1)
      const nonce = random(16)
      topic.echoes.told(nonce, clock.now())
      const echoes = topic.echoes.take(clock.now())
      const bytes = await sealAnnouncement(
        { node: node.name, topic: name, proof: own.id, members, heads, echoes },
        { signer: node.signer, now: topic.toldAt, random: () => nonce },
      )
      const nodeKey = node.signer.publicKey
      topic.handing.keep({ nodeKey, time: topic.toldAt, proof: own.id, members }, bytes)
      for (const peer of transport.subscribers(name)) {
        const neighbour = this.#context.neighbour(peer)
        neighbour?.push(own)
        for (const proof of told.proofs) neighbour?.push(proof)
      }
      await transport.publish(name, bytes)
    } catch (cause) {
      this.#context.unsent(name, cause)
    }
  }
}
