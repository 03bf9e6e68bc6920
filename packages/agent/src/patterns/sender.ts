import {
  approvalsNeeded,
  encodeApplication,
  sortedSet,
  utf8Bytes,
  type ApplicationValue,
  type Grant,
  type SignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Gathered } from '../approvals/gathered.ts'
import { gatherApprovals, type GatheringContext } from '../approvals/gathering.ts'
import { sealBundle, type Bundle } from '../bundles/bundle.ts'
import { encodeMessages, MESSAGE_ID_BYTES, type MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import { provingStatements, type Identity } from '../host/identity.ts'
import { CONTENT_TYPE_BYTES_MAX } from '../limits.ts'
import { sealMessages } from '../sealing/sealed-messages.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { Budget } from '../pipeline/rate.ts'
import { Lanes, perSecondOf } from './lanes.ts'
import { BODY_BYTES_MAX, LaneQueue, type Lane, type Waiting } from './lane-queue.ts'

type AskApprover = GatheringContext['ask']
type Message = Parameters<typeof gatherApprovals>[0]

interface Stream {
  next: number
  tail: Promise<void>
}

/**
 * One agent's way out: it numbers streams, has messages approved where their grant asks for that,
 * gathers them into bundles while one is on its way, signs and hands over.
 */
export class Sender {
  readonly lanes: Lanes
  readonly #core: Core
  readonly #identity: Identity
  readonly #epoch: number
  readonly #streams = new Map<string, Stream>()
  readonly #lanes = new Map<string, LaneQueue>()
  readonly #proofs = new Map<string, KnownProof>()
  /** Of grants with a limit; as many as the agent holds. */
  readonly #budgets = new Map<string, Budget>()
  readonly #closing = new AbortController()
  /** Messages whose bundles were handed over, and are being stored. */
  readonly #settling = new Set<Promise<void>>()
  readonly #gather: (message: Message, signal: AbortSignal) => Promise<Gathered>

  /** `ask` asks one name for its approval, and waits for what comes of it. */
  constructor(parts: Omit<GatheringContext, 'ask'> & { readonly epoch: number }, ask: AskApprover) {
    this.#core = parts.core
    this.#identity = parts.identity
    this.#epoch = parts.epoch
    this.lanes = new Lanes(parts.core, parts.identity)
    this.#gather = (message, signal) => gatherApprovals(message, { ...parts, ask }, signal)
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

  /** A message whose body is encoded already. */
  encoded(body: Uint8Array, contentType: string): MessagePart {
    return { id: this.#core.random(MESSAGE_ID_BYTES), correlation: null, contentType, body }
  }

  /**
   * Sends messages of one lane in one bundle, in which they have to fit, after those of its stream
   * that are on their way; resolves to how many nodes were handed it. Nobody is asked to approve it.
   * @throws AgentError `closed`, `backpressure`, `not-handed-over`
   */
  async sendTogether(lane: Lane, parts: readonly MessagePart[]): Promise<number> {
    if (this.#closing.signal.aborted) throw this.#closedError()
    this.#checkRate(lane.grant, parts.length)
    const sent = Promise.withResolvers<number>()
    const { resolve, reject } = sent
    const stream = this.#stream(lane)
    const common = { sealed: undefined, gathered: undefined, until: Infinity, resolve, reject }
    const taken = parts.map((part) => ({ part, ...common }))
    stream.tail = this.#afterwards(stream.tail, () => this.#publish(lane, stream, taken))
    return await sent.promise
  }

  /**
   * Sends one message; resolves to how many nodes were handed it. `sealed` hears the bundle before
   * anybody else does. Aborted before a bundle is made of it, the message is never sent. Where its
   * grant asks for approvals, they are gathered first.
   * @throws AgentError `closed`, `backpressure`, `unreachable`, `not-handed-over`, `unapproved`; the
   * signal's reason
   */
  async send(
    lane: Lane,
    part: MessagePart,
    options: { readonly sealed?: (bundle: Bundle) => void; readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    if (this.#closing.signal.aborted) throw this.#closedError()
    options.signal?.throwIfAborted()
    this.#checkRate(lane.grant, 1)
    const needed = approvalsNeeded(lane.grant?.statement.conditions ?? [])
    if (needed === undefined) return await this.#queue(lane).add(part, options)
    const { signal = this.#closing.signal } = options
    const ended = AbortSignal.any([signal, this.#closing.signal])
    const gathered = await this.#gather({ lane, part, needed }, ended)
    try {
      const cut = { ...lane, lifespanMs: gathered.lifespanMs }
      return await this.#queue(cut).add(part, { ...options, gathered })
    } finally {
      gathered.release()
    }
  }

  /** Sends what waits and takes nothing more; what has no host to go to is given up. */
  async close(): Promise<void> {
    for (const queue of this.#lanes.values()) queue.flush()
    this.#closing.abort(this.#closedError())
    await Promise.all([...this.#streams.values()].map((stream) => stream.tail))
    await Promise.all(this.#settling)
  }

  #closedError(): AgentError {
    return new AgentError('closed', `Cannot send: ${this.#identity.name} is closed`)
  }

  /** What every receiver would refuse is told to the one who sends it. */
  #checkRate(grant: SignedStatement<Grant> | null, count: number): void {
    const perSecond = perSecondOf(grant)
    if (grant === null || perSecond === undefined) return
    const now = this.#core.clock.now()
    const budget = this.#budgets.get(grant.idText) ?? new Budget(perSecond, now)
    this.#budgets.set(grant.idText, budget)
    if (budget.take(count, now)) return
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
    let stored: Promise<void> | undefined
    try {
      // What was approved is alone in its bundle.
      const gathered = taken[0]?.gathered
      const proof = gathered === undefined ? this.#proof(lane) : this.#current(gathered.proof)
      const bundle = await this.#seal(lane, stream.next, taken, proof)
      for (const waiting of taken) waiting.sealed?.(bundle)
      // Places that nobody saw are used again: a later reader would wait for them in vain.
      const isSeen = () => {
        if (stored !== undefined) return
        stream.next += taken.length
        stored = this.#keep(lane, bundle)
      }
      const peers = await this.#handOver(lane, bundle, { proof, isSeen })
      // A group to which nobody came yet finds it in the history.
      if (lane.of === 'group') isSeen()
      if (peers === 0 && lane.of === 'inbox') {
        throw new AgentError('unreachable', `Cannot reach ${lane.topic}: its host has just gone`)
      }
      this.#settle(taken, peers, stored)
    } catch (cause) {
      for (const waiting of taken) waiting.reject(cause)
    }
  }

  /** Messages are done when their bundle is stored, too. The next bundle does not wait for that. */
  #settle(taken: readonly Waiting[], peers: number, stored: Promise<void> | undefined): void {
    const settling = (async () => {
      try {
        await stored
        for (const waiting of taken) waiting.resolve(peers)
      } catch (cause) {
        for (const waiting of taken) waiting.reject(cause)
      }
    })()
    this.#settling.add(settling)
    void settling.finally(() => this.#settling.delete(settling))
  }

  /** Stored while it is on its way: nobody waits for one after the other. @throws AgentError `not-stored` */
  #keep(lane: Lane, bundle: Bundle): Promise<void> {
    const { name } = this.#identity
    const stored = this.#core.keeper.send(bundle, lane.grant?.statement.onBehalfOf ?? name)
    stored.catch(() => 'whoever waits for the bundle is told, or was told what failed before')
    return stored
  }

  async #seal(
    lane: Lane,
    first: number,
    taken: readonly Waiting[],
    proof: KnownProof,
  ): Promise<Bundle> {
    const { clock, hash } = this.#core
    const plain = encodeMessages(taken.map((waiting) => waiting.part))
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
      approvals: sortedSet(
        taken.flatMap((waiting) => waiting.gathered?.approvals ?? []),
        ({ signed }) => signed.signerKey,
      ),
    }
    const { encryption, messagesBytes } = await sealMessages(
      plain,
      { ...fields, key: this.#identity.signer.publicKey },
      { wish: lane, core: this.#core },
    )
    return await sealBundle({ ...fields, encryption }, messagesBytes, {
      signer: this.#identity.signer,
      hash,
    })
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
    // A sender's own registers are seen by itself as by everybody else: through the pipeline.
    const isShared = lane.of === 'group' && lane.class === 'state'
    if (isShared || topics.followers(header).length > 0) {
      isSeen()
      await intake.take(bytes, { topic: lane.topic, from: null })
    }
    const here = topics.audience(header).length > 0 ? 1 : 0
    const until = header.sentAt + header.lifespanMs
    const load = { bytes, proof, given: isSeen, until }
    const there =
      lane.of === 'group'
        ? await handover.group(lane.topic, load)
        : await handover.inbox(lane.topic, load)
    return here + there
  }

  #proof({ grant, beside }: Lane): KnownProof {
    const key = `${grant?.idText ?? ''}|${beside?.idText ?? ''}`
    let proof = this.#proofs.get(key)
    if (proof === undefined) {
      const leaves = [grant, beside].filter((leaf) => leaf !== null)
      proof = this.#core.proofs.compose(provingStatements(this.#identity, leaves), this.#identity)
      this.#proofs.set(key, proof)
    }
    return this.#current(proof)
  }

  #current(proof: KnownProof): KnownProof {
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
  const { topic, action, class: messageClass, lifespanMs, priority, grant, beside, seal } = lane
  const ids = [grant?.idText ?? '', beside?.idText ?? '']
  return [topic, action, messageClass, lifespanMs, priority, seal, ...ids, audience].join('|')
}
