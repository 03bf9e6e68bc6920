import { isReservedPool, poolNode, type Name } from '@ixj/names'
import { equalBytes, toHex, type NameChain, type SignedStatement } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import {
  FETCHES_PER_NEIGHBOUR_MAX,
  FRAME_STATEMENTS_MAX,
  PARKED_BUNDLES_MAX,
  PARKED_BYTES_MAX,
  PROOF_WAIT_MS,
} from '../limits.ts'
import type { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Channel, Peer } from '../transport.ts'
import type { Greeted } from './hello.ts'
import { decodeFrame, encodeFrame, type Frame, type RightFrame, type ToldFrame } from './frames.ts'
import { MarkedTopics } from './marked-topics.ts'
import { parcelsOf } from './parcels.ts'
import type { ProofBook } from './proof-book.ts'
import type { KnownProof } from './proof-shelf.ts'
import { sealingKeyOf, type Right, type SealingKey } from './right.ts'

/** Frames that wait for a channel or for a slow neighbour before it is cut off. */
const FRAMES_WAITING_MAX = 8_192
/** Ids remembered as sent; forgetting costs a repeat, nothing else. */
const SENT_MAX = 65_536
/** What came ahead of a bundle is checked by then, where nothing else is to do. */
const TAKEN_SOON_MS = 5

/** What waits for a proof. */
interface ProofWait {
  /** Bytes that are kept meanwhile. */
  readonly bytes: number
  /** Where it was told ahead, and only has to be checked, it is asked for after so long. */
  readonly askAfterMs?: number
  /** Nobody else was asked for it: that this neighbour lacks the proof is the end of the wait. */
  readonly isHereAlone?: boolean
}

/** What a neighbour's exchange asks of its node. */
export interface ExchangeHooks {
  readonly clock: Clock
  readonly proofs: ProofBook
  /** Keeps a statement whose signature holds. @throws TrustError */
  readonly keep: (envelope: Uint8Array, owner: Peer) => Promise<SignedStatement>
  /** Whether it is admitted still. */
  isHere(neighbour: Exchange): boolean
  wanted(neighbour: Exchange, mark: Uint8Array): void
  shown(neighbour: Exchange, right: RightFrame): void
  ended(neighbour: Exchange, topic: Name): void
  /** What it tells of revocations, or of who is there. @throws TrustError, Refusal */
  told(neighbour: Exchange, frame: ToldFrame): Promise<void>
  /** Bytes of this neighbour that no honest node sends. */
  fault(neighbour: Exchange, cause: unknown): void
  /** The exchange cannot go on. */
  broken(neighbour: Exchange, cause: unknown): void
}

/** One admitted neighbour: what was told to it, what it wants, which rights it has shown. */
export class Exchange {
  readonly peer: Peer
  readonly greeted: Greeted
  /** Topics of ours by their mark for this neighbour. */
  readonly marks = new MarkedTopics()
  /** Marks that it asked for. */
  readonly wants = new Set<string>()
  /** Topics for which it was shown our right. */
  readonly shown = new Set<Name>()
  /** Rights that it has shown and that hold, by topic. */
  readonly rights = new Map<Name, Right & { readonly frame: RightFrame }>()
  /** The chain of its name: that of its hello, or a newer one. */
  chain: NameChain
  /** Checks that strangers get through it. */
  readonly strangers: Budget
  faults = 0
  /** Topics that it asked for by name, as pages do. */
  readonly carried = new Set<Name>()
  /** Whether it passes on whatever is for an inbox. */
  isRelay = false

  readonly #hooks: ExchangeHooks
  readonly #sent = new Set<string>()
  readonly #fetching = new Set<string>()
  /** Waits that end when this neighbour says that it lacks the proof, since nobody else was asked. */
  readonly #alone = new Set<{ readonly idText: string; end(): void }>()
  /** Until there is a channel. */
  readonly #waiting: Frame[] = []
  #channel: Channel | undefined
  #underWay = 0
  /** While a frame of it is worked through, for so long nothing is asked of it: it may have come. */
  #patienceMs = 0
  #parkedBundles = 0
  #parkedBytes = 0

  constructor(peer: Peer, greeted: Greeted, strangers: Budget, hooks: ExchangeHooks) {
    this.peer = peer
    this.greeted = greeted
    this.chain = greeted.chain
    this.strangers = strangers
    this.#hooks = hooks
  }

  /** Whether it has shown a right by which it receives what comes on this topic. */
  receives(carrier: Name): boolean {
    if (carrier === this.greeted.name) return true
    return [...this.rights.values()].some((right) => right.frame.carrier === carrier)
  }

  /** Whether it may receive this inbox: it has shown a right, or it is of its own pool. */
  hosts(topic: Name): boolean {
    return this.carrierOf(topic) !== undefined
  }

  /** The topic on which it receives this inbox; undefined where it may not. */
  carrierOf(topic: Name): Name | undefined {
    const { name } = this.greeted
    if (this.isRelay) return name
    // What a node vouches for lives on it: its hello is the right.
    if (isReservedPool(topic)) return poolNode(topic) === name ? name : undefined
    const frame = this.rights.get(topic)?.frame
    return frame?.of === 'inbox' || frame?.of === 'combiner' ? frame.carrier : undefined
  }

  /** Whether it receives this inbox as one of its combiners. */
  combines(topic: Name): boolean {
    return this.rights.get(topic)?.frame.of === 'combiner'
  }

  /** The encryption key of the name whose inbox this is, as it has proved it. */
  sealingKey(topic: Name): SealingKey | undefined {
    // A node's hello is the right to its own inbox.
    const own = this.greeted.name === topic ? sealingKeyOf(topic, [this.chain]) : undefined
    return this.rights.get(topic)?.sealing ?? own
  }

  /** Whether this name and key let it receive the inbox. */
  isInboxOf(topic: Name, holder: { readonly name: Name; readonly key: Uint8Array }): boolean {
    const frame = this.rights.get(topic)?.frame
    if (frame?.of !== 'inbox' || frame.host === null) return false
    return this.#hooks.proofs
      .statementsOf([frame.host])
      .some(
        ({ statement: { issuer, issuerKey } }) =>
          issuer === holder.name && equalBytes(issuerKey, holder.key),
      )
  }

  /** Begins to talk on the channel, with what waited for it first. */
  attach(channel: Channel): void {
    if (this.#channel !== undefined) {
      void channel.close()
      return
    }
    this.#channel = channel
    void this.#read(channel)
    for (const frame of this.#waiting.splice(0)) void this.#put(channel, frame)
  }

  /** Tells a proof, with those of its statements that were not told yet. */
  push(known: KnownProof): void {
    if (this.#sent.has(known.idText)) return
    const fresh = this.#hooks.proofs
      .statements(known)
      .filter((signed) => !this.#sent.has(signed.idText))
    this.#sendStatements(fresh)
    this.#send({ kind: 'proof', bytes: known.bytes })
    if (this.#sent.size > SENT_MAX) this.#sent.clear()
    for (const signed of fresh) this.#sent.add(signed.idText)
    this.#sent.add(known.idText)
  }

  /** Says that we have to do with the topic behind this mark. */
  want(mark: Uint8Array): void {
    this.#send({ kind: 'want', mark })
  }

  /** Says that we have to do with it no longer. */
  unwant(mark: Uint8Array): void {
    this.#send({ kind: 'unwant', mark })
  }

  /** Shows a right, after the proof that holds it. */
  show(right: RightFrame, known: KnownProof): void {
    this.push(known)
    this.#send(right)
  }

  /** Says that we receive a topic no longer. */
  end(topic: Name): void {
    this.#send({ kind: 'end', topic })
  }

  /**
   * Waits until the proof is complete, asking this neighbour for it; at most 2 s. Where it is, those
   * who wait for it already go on first.
   * @throws Refusal `parking-full`, `proof-missing`
   */
  async waitForProof(
    id: Uint8Array,
    {
      bytes,
      // What came just before is checked still, and mostly brings it.
      askAfterMs = this.#patienceMs,
      isHereAlone = false,
    }: ProofWait,
  ): Promise<void> {
    const isFull =
      this.#parkedBundles >= PARKED_BUNDLES_MAX || this.#parkedBytes + bytes > PARKED_BYTES_MAX
    if (isFull && !this.#hooks.proofs.isHere(toHex(id))) {
      const waiting = `${this.#parkedBundles} bundles of ${this.#parkedBytes} bytes wait`
      throw new Refusal(
        'parking-full',
        `Cannot wait for another proof of ${this.greeted.name}: ${waiting}`,
      )
    }
    this.#parkedBundles += 1
    this.#parkedBytes += bytes
    try {
      await this.#complete(id, { askAfterMs, isHereAlone })
    } finally {
      this.#parkedBundles -= 1
      this.#parkedBytes -= bytes
    }
  }

  /** Tells of revocations, or of who is there. */
  tell(frame: ToldFrame): void {
    this.#send(frame)
  }

  #complete(
    id: Uint8Array,
    { askAfterMs, isHereAlone }: Required<Omit<ProofWait, 'bytes'>>,
  ): Promise<void> {
    const idText = toHex(id)
    const { clock, proofs } = this.#hooks
    return new Promise((resolve, reject) => {
      const settle = (missing: string | undefined) => {
        cancel()
        cancelAsking?.()
        stop()
        this.#alone.delete(wait)
        this.#fetching.delete(idText)
        if (missing === undefined) resolve()
        else reject(new Refusal('proof-missing', `Cannot complete proof ${idText}: ${missing}`))
      }
      const wait = { idText, end: () => settle(`${this.greeted.name} does not have it`) }
      if (isHereAlone) this.#alone.add(wait)
      const cancel = clock.at(clock.now() + PROOF_WAIT_MS, () =>
        settle(`${this.greeted.name} did not send it within ${PROOF_WAIT_MS} ms`),
      )
      const stop = proofs.onAdded(idText, () => {
        if (proofs.material(idText) !== undefined) settle(undefined)
      })
      const ask = () => {
        if (!this.#fetching.has(idText)) this.#fetch(id, idText)
      }
      const cancelAsking = askAfterMs > 0 ? clock.at(clock.now() + askAfterMs, ask) : undefined
      // It may be here by another's word: then all who wait go on, in their order.
      if (proofs.isHere(idText)) proofs.arrived([idText])
      else if (cancelAsking === undefined) ask()
    })
  }

  /** Asks for the proof or, once that is here, for those of its statements that are not. */
  #fetch(id: Uint8Array, idText: string): void {
    if (this.#fetching.size >= FETCHES_PER_NEIGHBOUR_MAX) this.#fetching.clear()
    this.#fetching.add(idText)
    const ids = this.#hooks.proofs.missing(idText)
    this.#send(ids === undefined ? { kind: 'fetch', proof: id } : { kind: 'ask', ids })
  }

  #send(frame: Frame): void {
    if (this.#waiting.length + this.#underWay >= FRAMES_WAITING_MAX) {
      this.#hooks.broken(this, new Error(`${FRAMES_WAITING_MAX} frames wait for ${this.peer}`))
      return
    }
    if (this.#channel === undefined) this.#waiting.push(frame)
    else void this.#put(this.#channel, frame)
  }

  /** Nothing is awaited between two frames: statements and their proof go as one. */
  async #put(channel: Channel, frame: Frame): Promise<void> {
    this.#underWay += 1
    try {
      await channel.send(encodeFrame(frame))
    } catch (cause) {
      this.#hooks.broken(this, cause)
    } finally {
      this.#underWay -= 1
    }
  }

  async #read(channel: Channel): Promise<void> {
    try {
      for await (const bytes of channel.frames()) await this.#take(bytes)
      this.#hooks.broken(this, new Error('the neighbour ended the exchange'))
    } catch (cause) {
      this.#hooks.broken(this, cause)
    }
  }

  async #take(bytes: Uint8Array): Promise<void> {
    this.#patienceMs = TAKEN_SOON_MS
    await this.#guarded(() => this.#act(decodeFrame(bytes)))
    this.#patienceMs = 0
  }

  async #guarded(run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (cause) {
      this.#hooks.fault(this, cause)
    }
  }

  async #act(frame: Frame): Promise<void> {
    switch (frame.kind) {
      case 'statements':
        // One that is refused must not hide those after it.
        for (const envelope of frame.envelopes) {
          await this.#guarded(async () => void (await this.#hooks.keep(envelope, this.peer)))
        }
        this.#hooks.proofs.arrived(this.#fetching)
        return
      case 'proof':
        await this.#takeProof(frame.bytes)
        return
      case 'fetch':
        this.#answer(frame.proof)
        return
      case 'ask':
        this.#give(frame.ids)
        return
      case 'unknown':
        this.#lacks(toHex(frame.proof))
        return
      case 'want':
        this.#hooks.wanted(this, frame.mark)
        return
      case 'unwant':
        this.wants.delete(toHex(frame.mark))
        return
      case 'right':
        this.#hooks.shown(this, frame)
        return
      case 'end':
        this.#hooks.ended(this, frame.topic)
        return
      case 'revoked':
      case 'have':
      case 'notices':
      case 'present':
        await this.#hooks.told(this, frame)
        return
    }
  }

  async #takeProof(bytes: Uint8Array): Promise<void> {
    const { proofs } = this.#hooks
    const known = proofs.read(bytes)
    await proofs.check(known, this.peer)
    // A check takes time. What a neighbour told goes with it, so nothing may come after it.
    if (!this.#hooks.isHere(this)) return
    const awaited = this.#fetching.delete(known.idText)
    proofs.add(known, this.peer)
    if (awaited && proofs.material(known.idText) === undefined) this.#fetch(known.id, known.idText)
  }

  #lacks(idText: string): void {
    this.#fetching.delete(idText)
    for (const wait of this.#alone) if (wait.idText === idText) wait.end()
  }

  /** Those that are here; whoever asks knows their ids from a proof. */
  #give(ids: readonly Uint8Array[]): void {
    this.#sendStatements(this.#hooks.proofs.statementsOf(ids))
  }

  #sendStatements(all: readonly SignedStatement[]): void {
    for (const envelopes of parcelsOf(
      all.map(({ envelope }) => envelope),
      FRAME_STATEMENTS_MAX,
    )) {
      this.#send({ kind: 'statements', envelopes })
    }
  }

  #answer(id: Uint8Array): void {
    const known = this.#hooks.proofs.get(toHex(id))
    if (known === undefined) {
      this.#send({ kind: 'unknown', proof: id })
      return
    }
    // It asks because it does not have it, whatever we believe to have sent.
    this.#sent.delete(known.idText)
    for (const signed of this.#hooks.proofs.statements(known)) this.#sent.delete(signed.idText)
    this.push(known)
  }
}
