import { isAtOrBelow, matches, type Name, type Pattern } from '@ixj/names'
import { equalBytes, findGrants, type Action, type Grant, type SignedStatement } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Sink } from '../host/topics.ts'
import { boundUntil, grantsOf, provingStatements } from '../host/identity.ts'
import { QUEUE_MAX } from '../limits.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import { bundleDecision } from '../pipeline/decision.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Accepted } from '../pipeline/context.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { PresentMember } from '../presence/announcement.ts'
import type { Member, PresenceChange } from '../presence/roster.ts'
import type { Queue } from '../queue.ts'
import type { Activity } from './activity.ts'
import type { HistoryAbilities } from './history-abilities.ts'
import type { MemberParts } from './parts.ts'
import { audienceOf, type Audience } from './audience.ts'
import { readOptions, rememberedMessages, type MessagesOptions } from './history-messages.ts'
import { FanOut, type FanOutOptions } from './fan-out.ts'
import {
  readMessage,
  type Body,
  type ManyReceipt,
  type Message,
  type Receipt,
  type TaskReceipt,
} from './message.ts'
import type { SealingAbilities } from './sealing-abilities.ts'
import type { StateAbilities } from './state-abilities.ts'
import type { SendOptions } from './send-options.ts'
import type { Pending } from './pending.ts'
import { Readers } from './readers.ts'
import type { Sender } from './sender.ts'
import { isGivenSecret } from '../sealing/secret-type.ts'
import type { SecretGiver } from '../sealing/secret-giver.ts'
import type { GroupState } from '../state/group-state.ts'
import { isUpdate } from '../state/register-update.ts'

/** Options of {@link Group.publish}. */
export interface PublishOptions extends SendOptions {
  readonly to?: Audience
}

/** How a group is joined. */
export interface JoinOptions {
  /**
   * Whether what this member sends to the group is sealed to its members, unless a verb says
   * otherwise; default false. An owner of the group, or who holds `invite` and `publish`, gives the
   * members their secret.
   */
  readonly sealed?: boolean
  /**
   * Whether it reads without being announced, for audiences of thousands: others do not see it as a
   * member, and do not wait for it; default false.
   */
  readonly quiet?: boolean
  /**
   * Whether its node signs its registers: the member gives it a `speak` grant for the state of this
   * group alone, a minute at a time. What many such members of a node set costs few signatures and
   * few checks; who verifies the member has to be able to verify the node. Default false.
   */
  readonly spoken?: boolean
  readonly signal?: AbortSignal
}

/** What a group shares with its agent. */
export interface GroupParts extends MemberParts {
  readonly isSealed: boolean
  readonly isSpoken: boolean
  readonly abilities: HistoryAbilities & SealingAbilities & StateAbilities
  readonly sender: Sender
  readonly pending: Pending
  /** What its agent hears besides messages. */
  readonly active: Pick<Activity, 'received' | 'resume' | 'takeTask' | 'takeRequest'>
  closed(group: Group): void
}

/** One agent's membership of a group: any subset of the members sends to any other (i × j). */
export class Group implements AsyncDisposable {
  readonly topic: Name
  readonly #parts: GroupParts
  readonly #messages = new Readers<Message>(QUEUE_MAX)
  readonly #sink: Sink
  #open: OpenTopic | undefined
  #state: GroupState | undefined
  #answers = false
  #giver: SecretGiver | undefined
  #isQuiet = false

  /** Use `join` of an agent. */
  constructor(topic: Name, parts: GroupParts) {
    this.topic = topic
    this.#parts = parts
    this.#sink = {
      agent: parts.identity.name,
      key: parts.identity.signer.publicKey,
      opening: parts.identity.opening,
      takes: ['publish', 'request'],
      isSpokenBy: (speakerKey) => this.#state?.isSpokenBy(speakerKey) === true,
      get tasks() {
        return parts.active.received
      },
      deliver: (accepted, turn) => this.#deliver(accepted, turn),
      remember: (accepted) => this.#remember(accepted),
      awaits: () => false,
      asked: () => false,
      refused: () => {},
    }
  }

  /** Shows the agent's right and, unless it is quiet, announces it. Called once, by `join`. */
  async open(isQuiet: boolean): Promise<void> {
    const { core, identity, hostGrant, isSealed } = this.#parts
    const subscribe = this.#right('subscribe')
    const answer = this.#right('answer')
    const leaves = [subscribe, answer].filter((grant) => grant !== null && grant !== 'owner')
    const statements = provingStatements(identity, leaves)
    const proving = hostGrant === null ? statements : [...statements, hostGrant]
    const known = core.proofs.compose(proving, identity)
    const common = {
      agent: identity.name,
      agentKey: identity.signer.publicKey,
      subscribe: subscribe === 'owner' || subscribe === null ? null : subscribe.id,
      host: hostGrant?.id ?? null,
      proof: known.id,
    }
    if (subscribe === null) {
      throw new AgentError(
        'no-authority',
        `Cannot join ${this.topic}: ${identity.name} holds no subscribe grant for it`,
      )
    }
    const { topic } = this
    const open: OpenTopic = {
      topic,
      of: 'group',
      carrier: topic,
      claim: {
        right: { kind: 'right', topic, of: 'group', carrier: topic, ...common },
        proof: known,
      },
      until: Math.min(
        boundUntil(identity),
        subscribe === 'owner' ? Infinity : subscribe.statement.notAfter,
        hostGrant?.statement.notAfter ?? Infinity,
      ),
    }
    const state = await this.#makeState()
    await core.secrets.open(topic, isSealed)
    try {
      await core.open(open, this.#sink)
    } catch (cause) {
      core.secrets.leave(topic)
      state?.close()
      throw cause
    }
    this.#open = open
    this.#state = state
    state?.open()
    await this.#parts.active.resume(topic)
    this.#answers = answer !== null
    this.#isQuiet = isQuiet
    if (isQuiet) {
      core.presence.listen(topic)
      await this.#openGiver()
      return
    }
    const member: PresentMember = {
      ...common,
      answer: answer === null || answer === 'owner' ? null : answer.id,
      since: core.clock.now(),
    }
    core.presence.join(topic, member, known)
    await this.#openGiver()
  }

  /**
   * Sends to the group, or to those of it that `to` selects (i × j).
   * @throws AgentError `no-authority`, `not-handed-over`, `argument`, `closed`, `backpressure`
   * @throws TrustError `ambiguous-authority`, `too-large`
   */
  publish(body: Body, options: PublishOptions & { readonly class: 'task' }): Promise<TaskReceipt>
  publish(body: Body, options?: PublishOptions): Promise<Receipt>
  async publish(body: Body, options: PublishOptions = {}): Promise<Receipt> {
    const { sender } = this.#parts
    const { lane, sending } = this.#way(options)
    return await sender.receipt(lane, sender.part(body, options), sending)
  }

  /**
   * Sends several messages to the group, in their order: as {@link publish}, at the cost of few.
   * All or none begin; where one cannot be handed over, others may have been. At most 4,096, and
   * 16 MiB, at once.
   * @throws as {@link publish}
   */
  async publishMany(bodies: readonly Body[], options: PublishOptions = {}): Promise<ManyReceipt> {
    const { lane, sending } = this.#way(options)
    return await this.#parts.sender.receipts(lane, bodies, sending)
  }

  /**
   * Messages of the group. Each reader gets all from its call on; the first also what came since
   * `join`. A slow reader loses the oldest and sees how many in `lost`. With `history`, what this
   * node keeps of the group comes first, marked `historical`: the last n, or all since a time in ms.
   * @throws AgentError `argument`
   */
  messages(options: MessagesOptions = {}): Queue<Message> {
    return this.#messages.open(readOptions(this.topic, options, this.#reading))
  }

  /**
   * What the members share: each sets registers of its own, and everybody sees the newest.
   * @throws AgentError `unsupported` in a page whose node was opened without `sharedState`
   */
  get state(): GroupState {
    if (this.#state === undefined) {
      const reason = 'this node was opened without what shares state'
      throw new AgentError('unsupported', `Cannot use state of ${this.topic}: ${reason}`)
    }
    return this.#state
  }

  /** Who is there, this agent included. */
  members(): readonly Member[] {
    return this.#parts.core.presence.members(this.topic)
  }

  /** Those who are there without this agent, as far as they are selected. */
  others(audience: readonly Pattern[] | null): readonly Member[] {
    const { name, signer } = this.#parts.identity
    return this.members().filter(
      (member) =>
        !(member.name === name && equalBytes(member.key, signer.publicKey)) &&
        (audience === null || audience.some((pattern) => matches(pattern, member.name))),
    )
  }

  /** Who comes and goes from now on. */
  presence(options: { readonly signal?: AbortSignal } = {}): Queue<PresenceChange> {
    return this.#parts.core.presence.watch(this.topic, options.signal)
  }

  /**
   * Asks members and collects their answers (1×N). The roster is frozen at the call: those who are
   * there, may be asked, and are selected by `to`.
   * @throws AgentError `no-authority`, `argument`, `closed`
   */
  fanOut(body: Body, options: FanOutOptions = {}): FanOut {
    this.#checkOpen()
    return new FanOut(this, body, this.#sealing(options), this.#parts)
  }

  /** Leaves the group; the others are told. Leaving twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    this.#giver?.close()
    this.#state?.close()
    const { core, identity } = this.#parts
    if (this.#isQuiet) core.presence.unlisten(this.topic)
    else await core.presence.leave(this.topic, identity.signer.publicKey)
    await core.close(open, this.#sink)
    core.secrets.leave(this.topic)
    this.#messages.close()
    this.#parts.closed(this)
  }

  #checkOpen(): void {
    if (this.#open === undefined)
      throw new AgentError('closed', `Cannot use ${this.topic}: it was left`)
  }

  /** The grant for an action in this group; 'owner' needs none; null: there is none. */
  #right(action: Action): SignedStatement<Grant> | 'owner' | null {
    const { core, identity } = this.#parts
    if (isAtOrBelow(this.topic, identity.name)) return 'owner'
    const need = {
      subject: identity.name,
      subjectKey: identity.signer.publicKey,
      action,
      topic: this.topic,
      now: core.clock.now(),
    }
    const found = findGrants(grantsOf(identity), need)
    // Any of them is a right to be there; the one that holds longest needs renewal last.
    return (
      found.toSorted((left, right) => right.statement.notAfter - left.statement.notAfter)[0] ?? null
    )
  }

  #sealing<Options extends SendOptions>(options: Options): Options {
    return this.#parts.isSealed && options.seal === undefined ? { ...options, seal: true } : options
  }

  async #makeState(): Promise<GroupState | undefined> {
    const { core, abilities } = this.#parts
    const { shared } = core
    const ability = await abilities.state?.()
    if (shared === undefined || ability === undefined) return undefined
    const state = new ability.GroupState({ ...this.#parts, shared, topic: this.topic })
    await state.prepare()
    return state
  }

  /** Who may give the group its secret does so while it is here. */
  async #openGiver(): Promise<void> {
    const { core, sender, identity, isSealed } = this.#parts
    const { topic } = this
    const mayGive = isSealed && this.#right('invite') !== null && sender.lanes.mayGive(topic)
    if (!mayGive) return
    const { SecretGiver } = await this.#parts.abilities.sealing()
    const secrets = await core.secrets.secrets()
    this.#giver = new SecretGiver({ core, secrets, identity, sender, topic })
  }

  /** A secret that came for this member; why it cannot be taken is counted. */
  async #takeGiven(accepted: Accepted, part: MessagePart): Promise<void> {
    const { core, identity, abilities } = this.#parts
    const { opening } = identity
    if (opening === undefined) return
    try {
      const secrets = await core.secrets.toRead(accepted.bundle.header)
      const { takeGiven } = await abilities.sealing()
      await takeGiven(accepted, part, { core, secrets, opening })
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause
      core.record(bundleDecision(accepted, core.clock.now(), cause))
    }
  }

  get #reading() {
    return { parts: this.#parts, sink: this.#sink }
  }

  /** How what is published goes; tasks wait for each member for whom they are. */
  #way(options: PublishOptions) {
    this.#checkOpen()
    const audience = audienceOf(options.to)
    const lane = this.#parts.sender.lanes.of(
      { of: 'group', topic: this.topic, action: 'publish', audience },
      this.#sealing(options),
    )
    const isTask = lane.class === 'task'
    return { lane, sending: isTask ? { ...options, addressees: this.others(audience) } : options }
  }

  #remember(accepted: Accepted): void {
    for (const message of rememberedMessages(this.#parts.core, accepted)) {
      this.#messages.remember(message)
    }
  }

  #deliver(accepted: Accepted, turn: Turn): void {
    const { header } = accepted.bundle
    const isRequest = header.action === 'request'
    for (const part of accepted.messages) {
      // Shared state is kept once for all members of the node.
      if (isUpdate(header, part)) continue
      if (header.action === 'publish' && isGivenSecret(part)) {
        void this.#takeGiven(accepted, part)
        turn.task?.end()
        continue
      }
      const message = readMessage(this.#parts.core, accepted, part, turn)
      // What nobody here reads, or may answer, is handed to no handler.
      if (message === undefined || (isRequest && !this.#answers)) turn.task?.end()
      else if (isRequest) this.#parts.active.takeRequest(accepted, part, message, turn)
      else if (turn.task !== undefined) this.#parts.active.takeTask(message, turn.task)
      else this.#messages.push(message)
    }
  }
}
