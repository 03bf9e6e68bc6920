import type { Pattern } from '@ixj/names'
import {
  encodeApplication,
  utf8Bytes,
  type ApplicationValue,
  type Grant,
  type SignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { sealBundle, type Bundle } from '../bundles/bundle.ts'
import { LIFESPAN_MS_MAX } from '../bundles/header.ts'
import { encodeMessages, MESSAGE_ID_BYTES, type MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import { provingStatements, type Identity } from '../host/identity.ts'
import {
  AUDIENCE_MAX,
  BUNDLE_MESSAGES_MAX,
  CONTENT_TYPE_BYTES_MAX,
  EVENT_LIFESPAN_MS,
  PRIORITY_DEFAULT,
  STATE_LIFESPAN_MS,
} from '../limits.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { Budget } from '../pipeline/rate.ts'
import { HandledRequests } from './handled-requests.ts'
import { BODY_BYTES_MAX, LaneQueue, type Lane, type Waiting } from './lane-queue.ts'
import type { SendOptions } from './send-options.ts'
import { chooseSendingGrant } from './sending-grant.ts'

interface Stream {
  next: number
  tail: Promise<void>
}

/**
 * One agent's way out: it chooses the grant, numbers streams, gathers messages into bundles while
 * one is on its way, signs and hands over.
 */
export class Sender {
  readonly #core: Core
  readonly #identity: Identity
  readonly #epoch: number
  readonly #streams = new Map<string, Stream>()
  readonly #lanes = new Map<string, LaneQueue>()
  readonly #proofs = new Map<string, KnownProof>()
  /** Of grants with a limit; as many as the agent holds. */
  readonly #budgets = new Map<string, Budget>()
  readonly #closing = new AbortController()
  /** The requests that this agent was asked: it may act for these. */
  readonly handled = new HandledRequests()

  constructor(core: Core, identity: Identity, epoch: number) {
    this.#core = core
    this.#identity = identity
    this.#epoch = epoch
  }

  /**
   * What a verb's options come to.
   * @throws AgentError `argument`, `unsupported`, `no-authority`, `mixed-behalf`; TrustError `ambiguous-authority`
   */
  lane(
    where: Pick<Lane, 'of' | 'topic' | 'action'> & {
      readonly audience?: readonly Pattern[] | null
    },
    options: SendOptions,
  ): Lane {
    const messageClass = options.class ?? 'event'
    if (messageClass === 'task') {
      throw new AgentError('unsupported', 'Cannot send class task: it is not built yet')
    }
    const lifespanMs =
      options.lifespanMs ?? (messageClass === 'state' ? STATE_LIFESPAN_MS : EVENT_LIFESPAN_MS)
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
    const messagesMax = Math.min(BUNDLE_MESSAGES_MAX, perSecondOf(grant) ?? BUNDLE_MESSAGES_MAX)
    return { ...where, audience, class: messageClass, lifespanMs, priority, grant, messagesMax }
  }

  /** Encodes a body as one message. @throws TrustError `too-large`, `encoding`; AgentError `argument` */
  part(
    body: ApplicationValue,
    options: { readonly contentType?: string; readonly correlation?: Uint8Array } = {},
  ): MessagePart {
    const { correlation = null, contentType = null } = options
    const typeBytes = contentType === null ? 0 : utf8Bytes(contentType).length
    if (typeBytes > CONTENT_TYPE_BYTES_MAX) {
      throw new AgentError(
        'argument',
        `Cannot send a content type of ${typeBytes} bytes: the limit is ${CONTENT_TYPE_BYTES_MAX}`,
      )
    }
    const encoded = encodeApplication(body, { bytesMax: BODY_BYTES_MAX - typeBytes })
    return { id: this.#core.random(MESSAGE_ID_BYTES), correlation, contentType, body: encoded }
  }

  /**
   * Sends one message; resolves to how many nodes were handed it. `sealed` hears the bundle before
   * anybody else does. Aborted before a bundle is made of it, the message is never sent.
   * @throws AgentError `closed`, `backpressure`, `unreachable`, `not-handed-over`; the signal's reason
   */
  async send(
    lane: Lane,
    part: MessagePart,
    options: { readonly sealed?: (bundle: Bundle) => void; readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    if (this.#closing.signal.aborted) throw this.#closedError()
    options.signal?.throwIfAborted()
    this.#checkRate(lane.grant)
    return await this.#queue(lane).add(part, options)
  }

  /** Sends what waits and takes nothing more; what has no host to go to is given up. */
  async close(): Promise<void> {
    for (const queue of this.#lanes.values()) queue.flush()
    this.#closing.abort(this.#closedError())
    await Promise.all([...this.#streams.values()].map((stream) => stream.tail))
  }

  #closedError(): AgentError {
    return new AgentError('closed', `Cannot send: ${this.#identity.name} is closed`)
  }

  /** What every receiver would refuse is told to the one who sends it. */
  #checkRate(grant: SignedStatement<Grant> | null): void {
    const perSecond = perSecondOf(grant)
    if (grant === null || perSecond === undefined) return
    const now = this.#core.clock.now()
    const budget = this.#budgets.get(grant.idText) ?? new Budget(perSecond, now)
    this.#budgets.set(grant.idText, budget)
    if (budget.take(1, now)) return
    throw new AgentError(
      'backpressure',
      `Cannot send: its grant allows ${perSecond} messages a second`,
    )
  }

  #queue(lane: Lane): LaneQueue {
    const key = keyOf(lane)
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const { clock, handover } = this.#core
    const queue: LaneQueue = new LaneQueue(lane, {
      clock,
      handover,
      closing: this.#closing.signal,
      publish: (taken) => {
        const stream = this.#stream(lane)
        stream.tail = this.#afterwards(stream.tail, () => this.#publish(lane, stream, taken))
        return stream.tail
      },
      idle: () => void this.#lanes.delete(key),
    })
    this.#lanes.set(key, queue)
    return queue
  }

  /** One bundle of a stream after the other. */
  async #afterwards(before: Promise<void>, run: () => Promise<void>): Promise<void> {
    await before
    await run()
  }

  async #publish(lane: Lane, stream: Stream, taken: readonly Waiting[]): Promise<void> {
    let seen = false
    const isSeen = () => {
      if (!seen) stream.next += taken.length
      seen = true
    }
    try {
      const proof = this.#proof(lane.grant)
      const bundle = await this.#seal(lane, stream.next, taken, proof)
      for (const waiting of taken) waiting.sealed?.(bundle)
      // Places that nobody saw are used again: a later reader would wait for them in vain.
      const peers = await this.#handOver(lane, bundle, { proof, isSeen })
      if (peers === 0 && lane.of === 'inbox') {
        throw new AgentError('unreachable', `Cannot reach ${lane.topic}: its host has just gone`)
      }
      for (const waiting of taken) waiting.resolve(peers)
    } catch (cause) {
      for (const waiting of taken) waiting.reject(cause)
    }
  }

  #seal(lane: Lane, first: number, taken: readonly Waiting[], proof: KnownProof): Promise<Bundle> {
    const { clock, hash } = this.#core
    const messagesBytes = encodeMessages(taken.map((waiting) => waiting.part))
    const fields = {
      topic: lane.topic,
      sender: this.#identity.name,
      epoch: this.#epoch,
      class: lane.class,
      action: lane.action,
      first,
      count: taken.length,
      sentAt: clock.now(),
      lifespanMs: lane.lifespanMs,
      priority: lane.priority,
      authority: lane.grant?.id ?? null,
      proof: proof.id,
      audience: lane.audience,
      approvals: [],
    }
    return sealBundle(fields, messagesBytes, { signer: this.#identity.signer, hash })
  }

  /**
   * Agents of this node pass the same pipeline as those of others, and follow the stream like them
   * where a bundle is not for them. Before anybody may know the bundle, `isSeen` is called.
   */
  async #handOver(
    lane: Lane,
    bundle: Bundle,
    { proof, isSeen }: { readonly proof: KnownProof; readonly isSeen: () => void },
  ): Promise<number> {
    const { topics, intake, handover } = this.#core
    const { bytes, header } = bundle
    if (topics.followers(header).length > 0) {
      isSeen()
      await intake.take(bytes, { topic: lane.topic, from: null })
    }
    const here = topics.audience(header).length > 0 ? 1 : 0
    const load = { bytes, proof, given: isSeen }
    const there =
      lane.of === 'group'
        ? await handover.group(lane.topic, load)
        : await handover.inbox(lane.topic, load)
    return here + there
  }

  #proof(grant: SignedStatement<Grant> | null): KnownProof {
    const key = grant?.idText ?? ''
    let proof = this.#proofs.get(key)
    if (proof === undefined) {
      const leaves = grant === null ? [] : [grant]
      proof = this.#core.proofs.compose(provingStatements(this.#identity, leaves), this.#identity)
      this.#proofs.set(key, proof)
    }
    const current = this.#core.proofs.current(proof)
    this.#core.proofs.use(current)
    return current
  }

  #stream(lane: Lane): Stream {
    const key = `${lane.topic}|${lane.class}`
    let stream = this.#streams.get(key)
    if (stream === undefined) {
      stream = { next: 1, tail: Promise.resolve() }
      this.#streams.set(key, stream)
    }
    return stream
  }
}

function keyOf(lane: Lane): string {
  const audience = lane.audience?.join(' ') ?? ''
  const { topic, action, class: messageClass, lifespanMs, priority, grant } = lane
  return [topic, action, messageClass, lifespanMs, priority, grant?.idText ?? '', audience].join(
    '|',
  )
}

/** Messages a second that a grant allows; undefined without such a condition. */
function perSecondOf(grant: SignedStatement<Grant> | null): number | undefined {
  const condition = grant?.statement.conditions.find(([name]) => name === 'messagesPerSecond')
  return typeof condition?.[1] === 'number' ? condition[1] : undefined
}
