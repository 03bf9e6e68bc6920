import { isAtOrBelow, type Name, type Pattern } from '@ixj/names'
import {
  chooseGrant,
  findGrants,
  encodeApplication,
  TrustError,
  type ApplicationValue,
  type Grant,
  type SignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { sealBundle, type Bundle } from '../bundles/bundle.ts'
import { LIFESPAN_MS_MAX, type BundleAction, type MessageClass } from '../bundles/header.ts'
import { encodeMessages, MESSAGE_ID_BYTES, type MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import { grantsOf, provingStatements, type Identity } from '../host/identity.ts'
import {
  AUDIENCE_MAX,
  BUNDLE_GATHER_MS,
  BUNDLE_MESSAGES_MAX,
  EVENT_LIFESPAN_MS,
  MESSAGES_BYTES_MAX,
  OUTBOX_MESSAGES_MAX,
  PRIORITY_DEFAULT,
  STATE_LIFESPAN_MS,
} from '../limits.ts'
import type { KnownProof } from '../neighbours/proof-book.ts'
import type { SendOptions } from './message.ts'

/** Everything that messages of one bundle share. */
export interface Lane {
  readonly of: 'group' | 'inbox'
  readonly topic: Name
  readonly action: BundleAction
  readonly class: MessageClass
  readonly lifespanMs: number
  readonly priority: number
  readonly grant: SignedStatement<Grant> | null
  readonly audience: readonly Pattern[] | null
}

interface Waiting {
  readonly part: MessagePart
  readonly sealed: ((bundle: Bundle) => void) | undefined
  resolve(peers: number): void
  reject(cause: unknown): void
}

interface LaneState {
  readonly lane: Lane
  waiting: Waiting[]
  inFlight: number
  cancel: (() => void) | undefined
}

interface Stream {
  next: number
  tail: Promise<void>
}

/** Room for the array around the messages. */
const ARRAY_BYTES = 8
/** What a message costs beside its body and content type. */
const MESSAGE_BYTES = MESSAGE_ID_BYTES + 64

/**
 * One agent's way out: it chooses the grant, numbers streams, gathers messages into bundles while
 * one is on its way, signs and hands over.
 */
export class Sender {
  readonly #core: Core
  readonly #identity: Identity
  readonly #epoch: number
  readonly #streams = new Map<string, Stream>()
  readonly #lanes = new Map<string, LaneState>()
  readonly #proofs = new Map<string, KnownProof>()
  #closed = false

  constructor(core: Core, identity: Identity, epoch: number) {
    this.#core = core
    this.#identity = identity
    this.#epoch = epoch
  }

  /**
   * What a verb's options come to.
   * @throws AgentError `argument`, `unsupported`, `no-authority`; TrustError `ambiguous-authority`
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
    const grant = where.action === 'answer' ? null : this.#chooseGrant(where, options.under)
    return { ...where, audience, class: messageClass, lifespanMs, priority, grant }
  }

  /** Encodes a body as one message. @throws TrustError `too-large`, `encoding` */
  part(
    body: ApplicationValue,
    options: { readonly contentType?: string; readonly correlation?: Uint8Array } = {},
  ): MessagePart {
    return {
      id: this.#core.random(MESSAGE_ID_BYTES),
      correlation: options.correlation ?? null,
      contentType: options.contentType ?? null,
      body: encodeApplication(body, { bytesMax: MESSAGES_BYTES_MAX - MESSAGE_BYTES - ARRAY_BYTES }),
    }
  }

  /**
   * Sends one message; resolves to how many nodes were handed it. `sealed` hears the bundle before
   * anybody else does.
   * @throws AgentError `closed`, `backpressure`, `unreachable`, `not-handed-over`
   */
  send(lane: Lane, part: MessagePart, sealed?: (bundle: Bundle) => void): Promise<number> {
    if (this.#closed) {
      return Promise.reject(
        new AgentError('closed', `Cannot send: ${this.#identity.name} is closed`),
      )
    }
    const state = this.#laneState(lane)
    if (state.waiting.length >= OUTBOX_MESSAGES_MAX) {
      const limit = `${OUTBOX_MESSAGES_MAX} messages wait for ${lane.topic}`
      return Promise.reject(new AgentError('backpressure', `Cannot send: ${limit}`))
    }
    return new Promise((resolve, reject) => {
      state.waiting.push({ part, sealed, resolve, reject })
      if (state.inFlight === 0 || isFull(state.waiting)) this.#flush(state)
      else state.cancel ??= this.#gather(state)
    })
  }

  /** Sends what waits and takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const state of this.#lanes.values()) this.#flush(state)
    await Promise.all([...this.#streams.values()].map((stream) => stream.tail))
  }

  #gather(state: LaneState): () => void {
    const { clock } = this.#core
    return clock.at(clock.now() + BUNDLE_GATHER_MS, () => this.#flush(state))
  }

  #flush(state: LaneState): void {
    state.cancel?.()
    state.cancel = undefined
    while (state.waiting.length > 0) {
      const taken = state.waiting.splice(0, countThatFits(state.waiting))
      const stream = this.#stream(state.lane)
      state.inFlight += 1
      stream.tail = this.#afterwards(stream.tail, state, stream, taken)
    }
  }

  /** One bundle of a stream after the other; the lane goes on when its last is handed over. */
  async #afterwards(
    before: Promise<void>,
    state: LaneState,
    stream: Stream,
    taken: readonly Waiting[],
  ): Promise<void> {
    await before
    await this.#publish(state.lane, stream, taken)
    state.inFlight -= 1
    if (state.inFlight > 0) return
    if (state.waiting.length > 0) this.#flush(state)
    else if (this.#lanes.get(keyOf(state.lane)) === state) this.#lanes.delete(keyOf(state.lane))
  }

  async #publish(lane: Lane, stream: Stream, taken: readonly Waiting[]): Promise<void> {
    try {
      const { handover, clock } = this.#core
      if (lane.of === 'inbox') await handover.route(lane.topic, clock.now() + lane.lifespanMs)
      const proof = this.#proof(lane.grant)
      const bundle = await this.#seal(lane, stream.next, taken, proof)
      for (const waiting of taken) waiting.sealed?.(bundle)
      // Somebody may have it from here on, whatever becomes of the rest.
      stream.next += taken.length
      const peers = await this.#handOver(lane, bundle, proof)
      // Places that nobody was handed are used again: a later reader would wait for them in vain.
      if (peers === 0) stream.next -= taken.length
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

  /** Agents of this node pass the same pipeline as those of others. */
  async #handOver(lane: Lane, bundle: Bundle, proof: KnownProof): Promise<number> {
    const { topics, intake, handover } = this.#core
    let here = 0
    if (topics.audience(bundle.header).length > 0) {
      await intake.take(bundle.bytes, { topic: lane.topic, from: null })
      here = 1
    }
    const { bytes } = bundle
    const there =
      lane.of === 'group'
        ? await handover.group(lane.topic, bytes, proof)
        : await handover.inbox(lane.topic, bytes, proof)
    return here + there
  }

  #proof(grant: SignedStatement<Grant> | null): KnownProof {
    const key = grant?.idText ?? ''
    let proof = this.#proofs.get(key)
    if (proof === undefined) {
      const leaves = grant === null ? [] : [grant]
      proof = this.#core.proofs.compose(provingStatements(this.#identity, leaves))
      this.#proofs.set(key, proof)
    }
    return proof
  }

  #chooseGrant(
    where: Pick<Lane, 'of' | 'topic' | 'action'>,
    under: Uint8Array | undefined,
  ): SignedStatement<Grant> | null {
    const { topic, action, of } = where
    if (action === 'answer') return null
    const need = {
      subject: this.#identity.name,
      subjectKey: this.#identity.signer.publicKey,
      action,
      topic,
      now: this.#core.clock.now(),
    }
    const grants = grantsOf(this.#identity)
    if (under !== undefined) return chooseGrant(grants, { ...need, under })
    if (isAtOrBelow(topic, this.#identity.name)) return null
    // On an inbox the receiver's policy may permit this name without any grant.
    if (of === 'inbox' && findGrants(grants, need).length === 0) return null
    try {
      return chooseGrant(grants, need)
    } catch (cause) {
      if (!(cause instanceof TrustError) || cause.code !== 'not-granted') throw cause
      const what = `${action} on ${topic}`
      throw new AgentError(
        'no-authority',
        `Cannot ${what}: ${this.#identity.name} holds no grant for it`,
        { cause },
      )
    }
  }

  #laneState(lane: Lane): LaneState {
    const key = keyOf(lane)
    let state = this.#lanes.get(key)
    if (state === undefined) {
      state = { lane, waiting: [], inFlight: 0, cancel: undefined }
      this.#lanes.set(key, state)
    }
    return state
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

function isFull(waiting: readonly Waiting[]): boolean {
  return countThatFits(waiting) < waiting.length || waiting.length >= BUNDLE_MESSAGES_MAX
}

/** How many of the first messages fit into one bundle; at least one, which fits by its own limit. */
function countThatFits(waiting: readonly Waiting[]): number {
  let bytes = ARRAY_BYTES
  let count = 0
  for (const { part } of waiting) {
    bytes += part.body.length + (part.contentType?.length ?? 0) * 3 + MESSAGE_BYTES
    if (count > 0 && bytes > MESSAGES_BYTES_MAX) break
    count += 1
    if (count === BUNDLE_MESSAGES_MAX) break
  }
  return count
}
