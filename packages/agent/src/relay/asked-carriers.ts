import type { Name } from '@ixj/names'
import { toHex, TrustError, type Random, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { HostPart } from '../host/host-part.ts'
import { grantHost, type Identity } from '../host/identity.ts'
import type { PinnedStatements } from '../host/own-statements.ts'
import type { Topics } from '../host/topics.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { Decision } from '../pipeline/decision.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { TransportError, type Channel, type Peer, type Transport } from '../transport.ts'
import { CARRY_PROTOCOL, decodeCarry, encodeCarry } from './carry-frames.ts'
import { CARRY_GRANT_MS, CARRY_RETRY_MS } from './limits.ts'

/** What of a page's node the asking uses. */
export interface AskingNode {
  readonly clock: Clock
  readonly random: Random
  readonly hash: Sha256
  readonly transport: Transport
  readonly proofs: ProofBook
  readonly topics: Topics
  issued(issuer: Identity, statements: PinnedStatements['statements']): Promise<void>
  pinStatements(statements: PinnedStatements['statements']): Promise<PinnedStatements>
  plain(about: 'right', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/** An agent of the page. */
interface Resident {
  readonly signer: { readonly publicKey: Uint8Array }
  readonly identity: Identity
}

/** What a relay was asked to carry. */
interface Asked {
  readonly open: OpenTopic
  /** When it is asked anew. */
  again: number
  readonly unpin: () => void
}

interface Relay {
  readonly neighbour: Exchange
  readonly asked: Map<Name, Asked>
  channel: Channel | undefined
  /** Asking, one topic after the other. */
  work: Promise<void>
}

/**
 * Has every relay of a page carry what is open on it: each agent's own key lets that relay receive
 * for it, for ten minutes, asked for anew at half of them. So a relay that the page has left holds
 * no right for long.
 */
export class AskedCarriers implements HostPart {
  readonly #node: AskingNode
  readonly #residents = new Map<string, Resident>()
  readonly #relays = new Map<Peer, Relay>()

  constructor(node: AskingNode) {
    this.#node = node
  }

  /** An agent lives here: what it opens is carried by its own right. The function ends that. */
  enter(resident: Resident): () => void {
    const key = toHex(resident.signer.publicKey)
    this.#residents.set(key, resident)
    return () => {
      if (this.#residents.get(key) === resident) this.#residents.delete(key)
    }
  }

  admitted(neighbour: Exchange): void {
    const relay: Relay = {
      neighbour,
      asked: new Map(),
      channel: undefined,
      work: Promise.resolve(),
    }
    this.#relays.set(neighbour.peer, relay)
    relay.work = this.#begin(relay)
  }

  opened({ topic }: OpenTopic): void {
    for (const relay of this.#relays.values()) this.#later(relay, topic)
  }

  closed(topic: Name): void {
    for (const relay of this.#relays.values()) this.#later(relay, topic)
  }

  gone(peer: Peer): void {
    const relay = this.#relays.get(peer)
    this.#relays.delete(peer)
    for (const { unpin } of relay?.asked.values() ?? []) unpin()
  }

  sweep(now: number): void {
    for (const relay of this.#relays.values()) {
      for (const [topic, { again }] of relay.asked) if (again <= now) this.#later(relay, topic)
    }
  }

  close(): void {
    for (const peer of this.#relays.keys()) this.gone(peer)
  }

  async #begin(relay: Relay): Promise<void> {
    const { transport, topics } = this.#node
    const { peer } = relay.neighbour
    try {
      relay.channel = await transport.openChannel(peer, CARRY_PROTOCOL)
      void this.#read(relay, relay.channel)
      for (const topic of topics.shown.keys()) await this.#ask(relay, topic)
    } catch (cause) {
      this.#failed(relay, relay.neighbour.greeted.name, cause)
    }
  }

  #later(relay: Relay, topic: Name): void {
    relay.work = this.#askAfter(relay.work, relay, topic)
  }

  async #askAfter(before: Promise<void>, relay: Relay, topic: Name): Promise<void> {
    try {
      await before
      await this.#ask(relay, topic)
    } catch (cause) {
      this.#failed(relay, topic, cause)
    }
  }

  #failed({ neighbour }: Relay, topic: Name, cause: unknown): void {
    // Whoever left takes the channel along.
    if (cause instanceof TransportError && cause.code === 'closed') return
    const isTold = [TransportError, TrustError, Refusal].some((kind) => cause instanceof kind)
    if (!isTold) throw cause
    this.#node.record(this.#node.plain('right', 'carry', topic, neighbour.greeted.name, cause))
  }

  /** Tells a relay how a topic stands: open as it was told, open anew, or closed. */
  async #ask(relay: Relay, topic: Name): Promise<void> {
    const { clock, topics } = this.#node
    const { asked, channel } = relay
    if (channel === undefined || this.#relays.get(relay.neighbour.peer) !== relay) return
    const open = topics.shown.get(topic)
    const before = asked.get(topic)
    if (open === undefined) {
      if (!asked.delete(topic)) return
      before?.unpin()
      await channel.send(encodeCarry({ kind: 'end', topic }))
      return
    }
    if (before?.open === open && before.again > clock.now()) return
    const next = await this.#right(relay, open)
    if (next === undefined) return
    asked.set(topic, next.asked)
    await channel.send(encodeCarry(next.frame))
    before?.unpin()
  }

  /** A new grant to the relay, and the proof that holds it; undefined for what needs none. */
  async #right({ neighbour }: Relay, open: OpenTopic) {
    const { proofs, clock, random, hash, topics } = this.#node
    // Whoever is of a pool is where its node is: a relay cannot stand in for it.
    if (open.isImplied === true) return undefined
    const claim = open.claim ?? (await open.prepare?.())
    const { topic, of } = open
    const key = claim?.right.agentKey ?? topics.sinks(topic)[0]?.key
    const resident = key === undefined ? undefined : this.#residents.get(toHex(key))
    if (claim === undefined || resident === undefined) return undefined
    const { identity } = resident
    const { name: node, key: nodeKey } = neighbour.greeted
    const now = clock.now()
    const grant = await grantHost(
      identity,
      { topic: of === 'group' ? identity.name : topic, node, nodeKey },
      {
        now,
        random,
        hash,
        lifeMs: CARRY_GRANT_MS,
        issued: (issuer, statements) => this.#node.issued(issuer, statements),
      },
    )
    const { statements, unpin } = await this.#node.pinStatements([grant])
    const held = proofs.statements(proofs.current(claim.proof))
    const proof = proofs.compose([...held, ...statements], identity)
    neighbour.push(proof)
    const frame = {
      kind: 'carry',
      topic,
      of,
      agent: identity.name,
      agentKey: identity.signer.publicKey,
      subscribe: claim.right.subscribe,
      host: grant.id,
      proof: proof.id,
    } as const
    return { frame, asked: { open, again: now + CARRY_GRANT_MS / 2, unpin } }
  }

  async #read(relay: Relay, channel: Channel): Promise<void> {
    const { greeted } = relay.neighbour
    try {
      for await (const bytes of channel.frames()) {
        const told = decodeCarry(bytes)
        if (told.kind !== 'carried' || told.code === null) continue
        // It may have been too busy for the proof: it is asked again, and not at once.
        const asked = relay.asked.get(told.topic)
        if (asked !== undefined) asked.again = this.#node.clock.now() + CARRY_RETRY_MS
        const reason = `${greeted.name} does not carry it (${told.code})`
        const cause = new Refusal('not-hosted', `Cannot be reached on ${told.topic}: ${reason}`)
        this.#node.record(this.#node.plain('right', 'carry', told.topic, greeted.name, cause))
      }
    } catch (cause) {
      this.#failed(relay, greeted.name, cause)
    }
  }
}
