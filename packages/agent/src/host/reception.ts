import type { Name } from '@ixj/names'
import { TrustError, type StatementStore } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { ToldFrame } from '../neighbours/frames.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import { codeOf, type Decision } from '../pipeline/decision.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal, VERDICTS } from '../pipeline/verdicts.ts'
import { isSheaf } from '../bundles/is-sheaf.ts'
import { isAnnouncement } from '../presence/announcement.ts'
import { PRESENCE_HANDED_PER_SECOND } from '../presence/limits.ts'
import type { Presence } from '../presence/presence.ts'
import { rootOfTopic, type Revoked } from '../revoked/revoked.ts'
import type { Relaying } from '../relay/relaying.ts'
import type { Channel, Peer, Receiver, Transport, Verdict } from '../transport.ts'
import type { Handover } from './handover.ts'
import { HeldSubscriptions } from './held-subscriptions.ts'
import type { HostPart } from './host-part.ts'
import type { Intake } from './intake.ts'
import type { SheafIntake } from './sheaf-intake.ts'
import type { Topics } from './topics.ts'

/** What of a node the reception hands things to. */
interface Receiving {
  readonly clock: Clock
  readonly identity: { readonly name: Name }
  readonly handover: Handover
  readonly intake: Intake
  readonly neighbours: Neighbours
  readonly presence: Presence
  readonly proofs: ProofBook
  readonly revoked: Revoked
  readonly statements: StatementStore
  readonly relaying: Pick<Relaying, 'takeInbox'>
  readonly topics: Pick<Topics, 'opened'>
  readonly transport: Pick<Transport, 'publish' | 'subscribers'>
  /** The name that a neighbour proved. */
  nameOf(peer: Peer): string
  /** A decision that is not about a bundle, as of now. */
  plain(
    about: 'presence' | 'state' | 'subscription',
    action: string,
    topic: string,
    sender: string,
    cause: unknown,
  ): Decision
  record(decision: Decision): void
}

/** What takes in several bundles in one message: asked for with the first, since most pages meet none. */
export interface SheavesAbility {
  sheaves(): Promise<{ readonly SheafIntake: typeof SheafIntake }>
}

/** Where a node's transport hands in what arrives, and from where it goes to the part it is for. */
export class Reception implements Receiver {
  readonly #core: Receiving
  readonly #parts: readonly HostPart[]
  readonly #held: HeldSubscriptions
  readonly #ability: SheavesAbility
  #sheaves: SheafIntake | undefined
  /** How many announcements a neighbour may still hand on. */
  readonly #handed = new WeakMap<Exchange, Budget>()

  constructor(
    core: Receiving,
    { parts, ability }: { readonly parts: readonly HostPart[]; readonly ability: SheavesAbility },
  ) {
    this.#core = core
    this.#parts = parts
    this.#ability = ability
    this.#held = new HeldSubscriptions(core.clock)
  }

  /** Ends what waits here. */
  close(): void {
    this.#held.close()
  }

  connected(peer: Peer, initiator: boolean): void {
    this.#core.neighbours.connected(peer, initiator)
  }

  disconnected(peer: Peer): void {
    const { neighbours, statements, proofs, handover } = this.#core
    neighbours.disconnected(peer)
    for (const part of this.#parts) part.gone?.(peer)
    statements.release(peer)
    proofs.release(peer)
    handover.changed()
  }

  channel(peer: Peer, protocol: string, channel: Channel): void {
    const { neighbours } = this.#core
    const neighbour = neighbours.get(peer)
    const part = this.#parts.find(({ protocols = [] }) => protocols.includes(protocol))
    if (part?.channel === undefined || neighbour === undefined) {
      neighbours.channel(peer, protocol, channel)
    } else {
      part.channel(neighbour, channel, protocol)
    }
  }

  async message(topic: string, bytes: Uint8Array, from: Peer): Promise<Verdict> {
    const core = this.#core
    const root = rootOfTopic(topic)
    if (root !== undefined) return await core.revoked.message(root, bytes, from)
    // The transport gives only topics that were joined, and those are names.
    const carrier = { topic: topic as Name, from }
    // An inbox takes none: there each bundle is acknowledged by itself.
    if (isSheaf(bytes) && core.topics.opened(carrier.topic) !== 'inbox') {
      return await this.#takeSheaf(bytes, carrier.topic, from)
    }
    if (!isAnnouncement(bytes)) {
      const isOwn = carrier.topic === core.identity.name
      if (isOwn) return (await core.relaying.takeInbox(bytes, from)).verdict
      return (await core.intake.take(bytes, carrier)).verdict
    }
    return await this.#hear(bytes, carrier, { isHanded: false })
  }

  /** What a neighbour tells of revocations, or of who is there. @throws TrustError, Refusal */
  async told(from: Exchange, frame: ToldFrame): Promise<void> {
    if (frame.kind !== 'present') return await this.#core.revoked.frame(from, frame)
    const { topic, announcements } = frame
    const now = this.#core.clock.now()
    const budget = this.#handed.get(from) ?? new Budget(PRESENCE_HANDED_PER_SECOND, now)
    this.#handed.set(from, budget)
    if (!budget.take(announcements.length, now)) {
      const limit = `${PRESENCE_HANDED_PER_SECOND} a second`
      throw new Refusal('rate', `Cannot hear ${announcements.length} announcements more: ${limit}`)
    }
    // Not waited for: proofs that they lack come after this frame.
    for (const bytes of announcements) void this.#hearHanded(bytes, topic, from)
  }

  async #hearHanded(bytes: Uint8Array, topic: Name, from: Exchange): Promise<void> {
    const verdict = await this.#hear(bytes, { topic, from: from.peer }, { isHanded: true })
    if (verdict === 'reject') this.#core.neighbours.blame(from)
  }

  /** Never rejects: what was wrong with it is recorded. */
  async #hear(
    bytes: Uint8Array,
    { topic, from }: { readonly topic: Name; readonly from: Peer },
    how: { readonly isHanded: boolean },
  ): Promise<Verdict> {
    const core = this.#core
    let leave: (() => void) | undefined
    try {
      const arrival = { kind: 'control', priority: 0, bytes: bytes.length, from } as const
      leave = core.intake.load.enter(arrival)
      await core.presence.hear(topic, bytes, from, how)
      return 'accept'
    } catch (cause) {
      const code = codeOf(cause)
      // Several neighbours hand on the same.
      if (!how.isHanded || code !== 'duplicate') {
        core.record(core.plain('presence', 'announce', topic, core.nameOf(from), cause))
      }
      return VERDICTS[code]
    } finally {
      leave?.()
    }
  }

  /** One that comes while the code for sheaves cannot be had is passed over, and told: state comes again. */
  async #takeSheaf(bytes: Uint8Array, topic: Name, from: Peer): Promise<Verdict> {
    const core = this.#core
    try {
      const { SheafIntake: Sheaves } = await this.#ability.sheaves()
      this.#sheaves ??= new Sheaves(core)
    } catch (cause) {
      core.record(core.plain('state', 'take', topic, core.nameOf(from), cause))
      return 'ignore'
    }
    return await this.#sheaves.take(bytes, { topic, from })
  }

  subscriptionChanged(peer: Peer, topic: string, subscribed: boolean): void {
    if (rootOfTopic(topic) !== undefined) return
    this.#core.handover.changed()
    if (subscribed) this.#core.presence.met(topic as Name, peer)
  }

  subscriptionHeld(peer: Peer, topic: string): void {
    // Who follows more roots than we tell it of is no reader without a right.
    if (rootOfTopic(topic) !== undefined) return
    const core = this.#core
    this.#held.add(() => {
      const neighbour = core.neighbours.get(peer)
      if (neighbour === undefined || neighbour.receives(topic as Name)) return
      const { name } = neighbour.greeted
      const reason = `Cannot let ${name} receive ${topic}: it has shown no right`
      const cause = new TrustError('not-granted', reason)
      core.record(core.plain('subscription', 'receive', topic, name, cause))
    })
  }
}
