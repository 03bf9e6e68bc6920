import type { Name } from '@ixj/names'
import {
  checkName,
  SKEW_MS,
  toHex,
  TrustError,
  type AnchorSet,
  type Random,
  type Signer,
  type Verifier,
} from '@ixj/trust'
import { holds } from '../bundles/signed-body.ts'
import type { Clock } from '../clock.ts'
import {
  PRESENCE_BYTES_MAX,
  PRESENCE_CHANGE_MS,
  PRESENCE_FETCHES_MAX,
  PRESENCE_MEMBERS_MAX,
  PRESENCE_MS,
  PRESENCE_NODES_MAX,
  PRESENCE_PER_SECOND,
  PROOF_WAIT_MS,
  QUEUE_MAX,
} from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { KnownProof, ProofBook } from '../neighbours/proof-book.ts'
import { checkMember, mayAnswer, type ProvenNode } from '../neighbours/right.ts'
import { ChainCache } from '../pipeline/chain-cache.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { AgentError } from '../agent-error.ts'
import { Queue } from '../queue.ts'
import type { Peer, Transport } from '../transport.ts'
import {
  decodeAnnouncement,
  membersBytes,
  sealAnnouncement,
  type Announcement,
  type PresentMember,
} from './announcement.ts'
import { Roster, type Member, type PresenceChange } from './roster.ts'

/** What a node's presence is kept with. */
export interface PresenceContext {
  readonly node: { readonly name: Name; readonly signer: Signer; readonly proof: KnownProof }
  readonly clock: Clock
  readonly random: Random
  readonly verifier: Verifier
  readonly anchors: AnchorSet
  readonly proofs: ProofBook
  readonly transport: Transport
  neighbour(peer: Peer | null): Exchange | undefined
  /** Members changed, so a publish that waits for them may go on. */
  changed(): void
  /** An announcement of ours could not be sent; the next one tells all again. */
  unsent(topic: Name, cause: unknown): void
}

interface Topic {
  readonly local: Map<string, PresentMember>
  readonly roster: Roster
  readonly watchers: Set<Queue<PresenceChange>>
  cancel: (() => void) | undefined
  due: number
  /** Time of our last announcement: each is later than the one before, or it would be no news. */
  toldAt: number
  /** Node keys whose announcement is being checked. */
  readonly hearing: Set<string>
  /** How often each node key may still be heard. */
  readonly budgets: Map<string, Budget>
}

/**
 * Who is in each group that is open here. Every node tells the members that it hosts, within 100 ms
 * of a change and every 5 s; each claim carries the proof by which anyone can check it.
 */
export class Presence {
  readonly #context: PresenceContext
  readonly #topics = new Map<Name, Topic>()
  /** Members' rights that held, each until it ends. */
  readonly #rights = new ChainCache()

  constructor(context: PresenceContext) {
    this.#context = context
  }

  /** A member here; others are told. @throws AgentError `argument` past the limit */
  join(name: Name, member: PresentMember): void {
    const topic = this.#topics.get(name) ?? this.#open(name)
    if (topic.local.size >= PRESENCE_MEMBERS_MAX) {
      throw new AgentError(
        'argument',
        `Cannot host another member of ${name}: the limit is ${PRESENCE_MEMBERS_MAX}`,
      )
    }
    const members = [...topic.local.values(), member]
    if (membersBytes(members) > PRESENCE_BYTES_MAX) {
      const limit = `${PRESENCE_BYTES_MAX} bytes of presence`
      throw new AgentError(
        'argument',
        `Cannot host another member of ${name}: the limit is ${limit}`,
      )
    }
    topic.local.set(toHex(member.agentKey), member)
    this.#tell(topic, { kind: 'joined', member: this.#localMember(name, member) })
    this.poke(name)
  }

  /** A member here has left; others are told at once, since nothing of the topic may be open later. */
  async leave(name: Name, key: Uint8Array): Promise<void> {
    const topic = this.#topics.get(name)
    const member = topic?.local.get(toHex(key))
    if (topic === undefined || member === undefined) return
    topic.local.delete(toHex(key))
    this.#tell(topic, { kind: 'left', member: this.#localMember(name, member) })
    await this.#announce(name, topic)
    if (topic.local.size > 0) return
    topic.cancel?.()
    for (const watcher of topic.watchers) watcher.close()
    this.#topics.delete(name)
  }

  /** Everybody in the group, on this node and on others. */
  members(name: Name): readonly Member[] {
    const topic = this.#topics.get(name)
    if (topic === undefined) return []
    const local = [...topic.local.values()].map((member) => this.#localMember(name, member))
    return [...local, ...topic.roster.members()]
  }

  /** Whether anybody on another node is in the group. */
  hasOthers(name: Name): boolean {
    return (this.#topics.get(name)?.roster.members().length ?? 0) > 0
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

  /** Announces soon: somebody came who has not heard us. */
  poke(name: Name): void {
    const topic = this.#topics.get(name)
    if (topic !== undefined) this.#schedule(name, topic, PRESENCE_CHANGE_MS)
  }

  /** A node's connection has ended. */
  gone(node: Name): void {
    for (const topic of this.#topics.values()) topic.roster.gone(node)
  }

  /** Members that were not heard of are gone. */
  sweep(now: number): void {
    for (const topic of this.#topics.values()) topic.roster.sweep(now)
  }

  /**
   * Hears an announcement that came on a topic. Members whose proof does not hold here are left out.
   * @throws Refusal, TrustError
   */
  async hear(name: Name, bytes: Uint8Array, from: Peer | null): Promise<void> {
    const announcement = decodeAnnouncement(bytes)
    if (announcement.topic !== name) {
      throw new Refusal(
        'wrong-topic',
        `Cannot hear presence of ${announcement.topic}: it came on ${name}`,
      )
    }
    const topic = this.#topics.get(name)
    if (topic === undefined)
      throw new Refusal('not-hosted', `Cannot hear presence: ${name} is not open here`)
    const { signer, signerKey, time } = announcement.signed
    this.#checkTime(time)
    if (!topic.roster.isNews(signerKey, time)) {
      throw new Refusal('duplicate', `Cannot hear presence of ${signer} twice`)
    }
    // By who carries it too: junk in a node's name must not keep out what others carry of it.
    const key = `${from ?? ''} ${toHex(signerKey)}`
    if (topic.hearing.has(key) || !this.#mayHear(topic, key)) {
      throw new Refusal('rate', `Cannot hear presence of ${signer} again in this moment`)
    }
    topic.hearing.add(key)
    try {
      await this.#hearNode(topic, announcement, from)
    } finally {
      topic.hearing.delete(key)
    }
  }

  async #hearNode(topic: Topic, announcement: Announcement, from: Peer | null): Promise<void> {
    const { signer, signerKey, time } = announcement.signed
    const node = { name: signer, key: signerKey }
    await this.#checkNode(announcement, from)
    if (announcement.members.length === 0 && !topic.roster.hasNode(node.name)) {
      throw new TrustError(
        'not-granted',
        `Cannot hear presence of ${signer}: it never had a member`,
      )
    }
    const members = await this.#findMembers(announcement, node, from)
    if (announcement.members.length > 0 && members.length === 0) {
      throw new TrustError(
        'not-granted',
        `Cannot hear presence of ${signer}: no member of its holds`,
      )
    }
    // Proofs may have taken time; a newer announcement is not overwritten by this one.
    if (!topic.roster.isNews(signerKey, time)) {
      throw new Refusal('duplicate', `Cannot hear presence of ${signer}: a newer one came`)
    }
    topic.roster.announce(node, members, { time, now: this.#context.clock.now() })
    this.#context.changed()
  }

  /** Stops announcing; watchers end. */
  close(): void {
    for (const topic of this.#topics.values()) {
      topic.cancel?.()
      for (const watcher of topic.watchers) watcher.close()
    }
    this.#topics.clear()
  }

  #open(name: Name): Topic {
    const watchers = new Set<Queue<PresenceChange>>()
    const roster = new Roster((change) => {
      for (const watcher of watchers) watcher.push(change)
    })
    const topic: Topic = {
      local: new Map(),
      roster,
      watchers,
      cancel: undefined,
      due: Infinity,
      toldAt: 0,
      hearing: new Set(),
      budgets: new Map(),
    }
    this.#topics.set(name, topic)
    return topic
  }

  #tell(topic: Topic, change: PresenceChange): void {
    for (const watcher of topic.watchers) watcher.push(change)
    this.#context.changed()
  }

  #localMember(topic: Name, member: PresentMember): Member {
    const { agent, agentKey, since } = member
    return {
      name: agent,
      key: agentKey,
      node: this.#context.node.name,
      since,
      answers: mayAnswer({ ...member, topic }),
    }
  }

  #checkTime(time: number): void {
    const ahead = time - this.#context.clock.now()
    if (ahead > SKEW_MS) throw new Refusal('future', `Cannot hear presence from ${ahead} ms ahead`)
    if (ahead < -SKEW_MS) throw new Refusal('lifespan', `Cannot hear presence of ${-ahead} ms ago`)
  }

  async #checkNode(announcement: Announcement, from: Peer | null): Promise<void> {
    const { signed, proof } = announcement
    const { bindings } = await this.#material(proof, from, signed.body.length)
    const { anchors, clock, verifier } = this.#context
    checkName(
      { name: signed.signer, key: signed.signerKey, use: 'sign', purpose: 'connect' },
      { bindings, anchors, now: clock.now() },
    )
    if (!(await holds(signed, verifier))) {
      throw new TrustError(
        'bad-signature',
        `Cannot hear presence: it is not by ${signed.signer}'s key`,
      )
    }
  }

  /** 20 a second of one node from one neighbour: each may cost a signature. */
  #mayHear(topic: Topic, key: string): boolean {
    const now = this.#context.clock.now()
    let budget = topic.budgets.get(key)
    if (budget === undefined) {
      const oldest = topic.budgets.keys().next()
      if (topic.budgets.size >= PRESENCE_NODES_MAX && oldest.done !== true) {
        topic.budgets.delete(oldest.value)
      }
      budget = new Budget(PRESENCE_PER_SECOND, now)
      topic.budgets.set(key, budget)
    }
    return budget.take(1, now)
  }

  /** Few proofs are fetched at once, all within one proof's time; the next announcement tells again. */
  async #findMembers(
    { topic, members }: Announcement,
    node: ProvenNode,
    from: Peer | null,
  ): Promise<readonly { readonly member: Member; readonly until: number }[]> {
    const { clock } = this.#context
    const deadline = clock.now() + PROOF_WAIT_MS
    const found: { readonly member: Member; readonly until: number }[] = []
    for (let index = 0; index < members.length; index += PRESENCE_FETCHES_MAX) {
      if (clock.now() >= deadline) break
      const some = members.slice(index, index + PRESENCE_FETCHES_MAX)
      const checked = await Promise.all(
        some.map((member) => this.#checkMember(topic, member, node, from)),
      )
      found.push(...checked.filter((entry) => entry !== undefined))
    }
    return found
  }

  async #checkMember(
    topic: Name,
    member: PresentMember,
    node: ProvenNode,
    from: Peer | null,
  ): Promise<{ readonly member: Member; readonly until: number } | undefined> {
    try {
      const material = await this.#material(member.proof, from, 0)
      const { anchors, clock } = this.#context
      const now = clock.now()
      const until = this.#rights.through(rightKey(topic, member, node), now, () => {
        const right = checkMember({ ...member, topic }, node, { material, anchors, now })
        return { value: right.until, until: right.until }
      })
      const { agent, agentKey, since } = member
      const answers = mayAnswer({ ...member, topic })
      return { member: { name: agent, key: agentKey, node: node.name, since, answers }, until }
    } catch (cause) {
      // One member that does not hold here must not hide the others of its node.
      if (cause instanceof TrustError || cause instanceof Refusal) return undefined
      throw cause
    }
  }

  async #material(id: Uint8Array, from: Peer | null, bytes: number) {
    const idText = toHex(id)
    const known = this.#context.proofs.material(idText)
    if (known !== undefined) return known
    await this.#context.neighbour(from)?.waitForProof(id, bytes)
    const found = this.#context.proofs.material(idText)
    if (found === undefined) throw new Refusal('proof-missing', `Cannot complete proof ${idText}`)
    return found
  }

  #schedule(name: Name, topic: Topic, inMs: number): void {
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

  async #announce(name: Name, topic: Topic): Promise<void> {
    const { node, clock, random, transport, proofs } = this.#context
    try {
      const members = [...topic.local.values()]
      topic.toldAt = Math.max(clock.now(), topic.toldAt + 1)
      const bytes = await sealAnnouncement(
        { node: node.name, topic: name, proof: node.proof.id, members },
        { signer: node.signer, now: topic.toldAt, random },
      )
      for (const peer of transport.subscribers(name)) {
        const neighbour = this.#context.neighbour(peer)
        neighbour?.push(node.proof)
        for (const member of members) {
          const proof = proofs.get(toHex(member.proof))
          if (proof !== undefined) neighbour?.push(proof)
        }
      }
      await transport.publish(name, bytes)
    } catch (cause) {
      this.#context.unsent(name, cause)
    }
    if (topic.local.size === 0) return
    // Give or take a fifth, so that many nodes do not speak at once. Whole ms: times are integers.
    const jitter = ((random(1)[0] ?? 0) / 255) * 0.4 + 0.8
    this.#schedule(name, topic, Math.round(PRESENCE_MS * jitter))
  }
}

function rightKey(topic: Name, member: PresentMember, node: ProvenNode): string {
  const { agent, agentKey, proof, subscribe, answer, host } = member
  const ids = [agentKey, proof, subscribe, answer, host, node.key]
  return [topic, agent, node.name, ...ids.map((id) => (id === null ? '' : toHex(id)))].join('|')
}
