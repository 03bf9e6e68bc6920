import { isAtOrBelow, isReservedPool, parseName, type Name, type Pattern } from '@ixj/names'
import {
  approvalsNeeded,
  findGrants,
  forgetOldest,
  type Grant,
  type SignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { LIFESPAN_MS_MAX, type MessageClass } from '../bundles/header.ts'
import type { Core } from '../host/core.ts'
import { grantsOf, type Identity } from '../host/identity.ts'
import {
  AUDIENCE_MAX,
  BUNDLE_MESSAGES_MAX,
  EVENT_LIFESPAN_MS,
  PRIORITY_DEFAULT,
  STATE_LIFESPAN_MS,
  TASK_LIFESPAN_MS,
} from '../limits.ts'
import { HandledRequests } from './handled-requests.ts'
import type { Lane } from './lane-queue.ts'
import type { SendOptions } from './send-options.ts'
import { chooseSendingGrant } from './sending-grant.ts'

/** The lifespan of each class where nothing is said, in ms. */
const LIFESPAN_MS: Readonly<Record<MessageClass, number>> = {
  state: STATE_LIFESPAN_MS,
  event: EVENT_LIFESPAN_MS,
  task: TASK_LIFESPAN_MS,
}

/** Where a message goes, and for whom it is there. */
type Where = Pick<Lane, 'of' | 'topic' | 'action'> & {
  readonly audience?: readonly Pattern[] | null
}

/** How it is sent; answers to what was sealed are sealed too, where that is possible. */
type Wishes = Omit<SendOptions, 'seal'> & { readonly seal?: Lane['seal'] }

/** A lane that was made, and when it may be used again. */
interface KeptLane {
  readonly lane: Lane
  readonly since: number
  readonly until: number
}

/** Grants begin and end: a choice among them is made anew after this long. */
const KEPT_LANE_MS = 1_000
/** Lanes that are kept; the longest unused go. */
const KEPT_LANES_MAX = 256

/** What the options of an agent's verbs come to: how each message is sent, and under which grant. */
export class Lanes {
  /** The requests that this agent was asked: it may act for these. */
  readonly handled = new HandledRequests()
  readonly #core: Core
  readonly #identity: Identity

  /** Lanes of messages for which nothing is said but where they go, by topic. */
  readonly #kept = new Map<string, KeptLane>()
  #lastTopic: Name | undefined

  constructor(core: Core, identity: Identity) {
    this.#core = core
    this.#identity = identity
  }

  /** The name that a text is; the one before is known still. @throws NameError */
  topic(text: string): Name {
    const last = this.#lastTopic
    if (last !== undefined && text === last) return last
    return (this.#lastTopic = parseName(text))
  }

  /**
   * The lane of a message.
   * @throws AgentError `argument`, `no-authority`, `mixed-behalf`; TrustError `ambiguous-authority`
   */
  of(where: Where, options: Wishes): Lane {
    if (!isPlain(where, options)) return this.#make(where, options)
    const { of, action, topic } = where
    const now = this.#core.clock.now()
    const kept = this.#kept.get(topic)
    const isSame = kept?.lane.of === of && kept.lane.action === action
    if (isSame && now >= kept.since && now < kept.until) return kept.lane
    const lane = this.#make(where, options)
    const { notAfter = Infinity } = lane.grant?.statement ?? {}
    this.#kept.delete(topic)
    this.#kept.set(topic, { lane, since: now, until: Math.min(now + KEPT_LANE_MS, notAfter) })
    forgetOldest(this.#kept, KEPT_LANES_MAX)
    return lane
  }

  #make(where: Where, options: Wishes): Lane {
    const messageClass = options.class ?? 'event'
    if (messageClass === 'state' && isReservedPool(this.#identity.name)) {
      const reason = 'agents of a pool send no state'
      throw new AgentError('argument', `Cannot send as ${this.#identity.name}: ${reason}`)
    }
    const lifespanMs = options.lifespanMs ?? LIFESPAN_MS[messageClass]
    const limit = LIFESPAN_MS_MAX[messageClass]
    if (!Number.isSafeInteger(lifespanMs) || lifespanMs < 1 || lifespanMs > limit) {
      throw new AgentError(
        'argument',
        `Cannot send with lifespan ${lifespanMs} ms: class ${messageClass} takes 1 to ${limit}`,
      )
    }
    const priority = options.priority ?? PRIORITY_DEFAULT
    if (!Number.isInteger(priority) || priority < 0 || priority > 3) {
      throw new AgentError('argument', `Cannot send with priority ${priority}: it is 0 to 3`)
    }
    const audience = where.audience ?? null
    if (audience !== null && (audience.length === 0 || audience.length > AUDIENCE_MAX)) {
      throw new AgentError(
        'argument',
        `Cannot send to ${audience.length} names or patterns: 1 to ${AUDIENCE_MAX}`,
      )
    }
    const grant = chooseSendingGrant(this.#identity, {
      ...where,
      under: options.under,
      behalf: options.for === undefined ? undefined : this.handled.behalfOf(options.for),
      now: this.#core.clock.now(),
    })
    const { seal } = options
    const common = {
      audience,
      class: messageClass,
      lifespanMs,
      priority,
      grant,
      beside: null,
      seal,
    }
    if (seal === true) checkSealing(grant)
    return { ...where, ...common, messagesMax: messagesMaxOf(grant) }
  }

  /**
   * The lane on which a name is asked for its approval of what `beside` lets: under a grant that
   * asks for none itself, or none, where the name's own policy decides. It acts for nobody but the
   * asker, so of several grants any will do.
   */
  asking(
    topic: Name,
    options: { readonly lifespanMs: number; readonly beside: SignedStatement<Grant> },
  ): Lane {
    const need = { ...this.#holder(), action: 'request', topic } as const
    const grants = findGrants(grantsOf(this.#identity), need).filter(
      ({ statement }) => approvalsNeeded(statement.conditions) === undefined,
    )
    const grant = grants.toSorted(
      (left, right) => right.statement.notAfter - left.statement.notAfter,
    )[0]
    return {
      of: 'inbox',
      topic,
      action: 'request',
      audience: null,
      class: 'event',
      priority: PRIORITY_DEFAULT,
      seal: false,
      grant: grant ?? null,
      messagesMax: messagesMaxOf(grant ?? null),
      ...options,
    }
  }

  /**
   * The lane on which a group is given its secret: as owner, or under a grant that asks for no
   * approvals; which of several does not matter.
   * @throws AgentError `no-authority`
   */
  giving(topic: Name, beside: SignedStatement<Grant> | null): Lane {
    const grant = this.#givingGrant(topic)
    if (grant === undefined) {
      const reason = `${this.#identity.name} may not publish there`
      throw new AgentError('no-authority', `Cannot give a secret of ${topic}: ${reason}`)
    }
    return {
      of: 'group',
      topic,
      action: 'publish',
      audience: null,
      class: 'event',
      lifespanMs: EVENT_LIFESPAN_MS,
      priority: PRIORITY_DEFAULT,
      grant,
      beside,
      seal: false,
      messagesMax: 1,
    }
  }

  /** Whether a group can be given its secret. */
  mayGive(topic: Name): boolean {
    return this.#givingGrant(topic) !== undefined
  }

  /** Null: the owner needs none; undefined: there is none. */
  #givingGrant(topic: Name): SignedStatement<Grant> | null | undefined {
    if (isAtOrBelow(topic, this.#identity.name)) return null
    const need = { ...this.#holder(), action: 'publish', topic } as const
    return findGrants(grantsOf(this.#identity), need)
      .filter(({ statement }) => approvalsNeeded(statement.conditions) === undefined)
      .toSorted((left, right) => right.statement.notAfter - left.statement.notAfter)[0]
  }

  #holder() {
    const { name, signer } = this.#identity
    return { subject: name, subjectKey: signer.publicKey, now: this.#core.clock.now() }
  }
}

/** What is approved is approved as it is sent. */
function checkSealing(grant: SignedStatement<Grant> | null): void {
  if (grant === null || approvalsNeeded(grant.statement.conditions) === undefined) return
  throw new AgentError('argument', 'Cannot seal: its grant asks for approvals of what is sent')
}

/** Messages in one bundle of a lane: what is approved is approved one by one. */
function messagesMaxOf(grant: SignedStatement<Grant> | null): number {
  if (grant !== null && approvalsNeeded(grant.statement.conditions) !== undefined) return 1
  return Math.min(BUNDLE_MESSAGES_MAX, perSecondOf(grant) ?? BUNDLE_MESSAGES_MAX)
}

/** Messages a second that a grant allows; undefined without such a condition. */
export function perSecondOf(grant: SignedStatement<Grant> | null): number | undefined {
  const condition = grant?.statement.conditions.find(([name]) => name === 'messagesPerSecond')
  return typeof condition?.[1] === 'number' ? condition[1] : undefined
}

/** Whether nothing is said of a message that makes its lane another than the next one's. */
function isPlain(where: Where, options: Wishes): boolean {
  const { under, for: request, class: messageClass, lifespanMs, priority, seal } = options
  return (
    (where.audience ?? null) === null &&
    under === undefined &&
    request === undefined &&
    messageClass === undefined &&
    lifespanMs === undefined &&
    priority === undefined &&
    seal === undefined
  )
}
