import { sortedSet } from '@ixj/trust'
import type { Bundle } from '../bundles/bundle.ts'
import { joinMessages } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import { provingStatements, type Identity } from '../host/identity.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { sealMessages } from '../sealing/sealed-messages.ts'
import { lifespanLeft, type Taken } from './ended-messages.ts'
import type { Lane } from './lane-queue.ts'

/** A bundle, and the proof that its header names. */
export interface MadeBundle {
  readonly bundle: Bundle
  readonly proof: KnownProof
}

/** Makes one agent's bundles: finds the proof, seals what is to be sealed, signs. */
export class BundleMaker {
  readonly #core: Core
  readonly #identity: Identity
  readonly #epoch: number
  readonly #proofs: Map<string, KnownProof>

  constructor(parts: {
    readonly core: Core
    readonly identity: Identity
    readonly epoch: number
    readonly proofs: Map<string, KnownProof>
  }) {
    this.#core = parts.core
    this.#identity = parts.identity
    this.#epoch = parts.epoch
    this.#proofs = parts.proofs
  }

  /**
   * Makes a bundle of these, whose first stands in that place of its stream. Those that are made in
   * one turn of the program share a signature.
   * @throws TrustError `too-large`; AgentError `unsealable`
   */
  async make(lane: Lane, first: number, taken: readonly Taken[]): Promise<MadeBundle> {
    // What was approved is alone in its bundle.
    const gathered = taken[0]?.gathered
    const proof = gathered === undefined ? this.#proof(lane) : this.#current(gathered.proof)
    const { clock, seals } = this.#core
    const { signer } = lane.voice?.identity ?? this.#identity
    const packs = taken.map(({ messages }) => messages)
    const plain = joinMessages(packs)
    const now = clock.now()
    const fields = {
      topic: lane.topic,
      sender: this.#identity.name,
      epoch: this.#epoch,
      class: lane.class,
      action: lane.action,
      first,
      count: packs.reduce((sum, { count }) => sum + count, 0),
      sentAt: now,
      lifespanMs: lifespanLeft(lane, taken, now),
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
      { ...fields, key: signer.publicKey },
      { wish: lane, core: this.#core },
    )
    return { bundle: await seals.seal({ ...fields, encryption }, messagesBytes, signer), proof }
  }

  #proof({ grant, beside, voice }: Lane): KnownProof {
    const { identity, proofs } = voice ?? { identity: this.#identity, proofs: this.#proofs }
    const key = `${grant?.idText ?? ''}|${beside?.idText ?? ''}`
    let proof = proofs.get(key)
    if (proof === undefined) {
      const leaves = [grant, beside].filter((leaf) => leaf !== null)
      const holders =
        voice === undefined ? [identity] : [identity, this.#identity, this.#core.identity]
      proof = this.#core.proofs.compose(provingStatements(identity, leaves), ...holders)
      proofs.set(key, proof)
    }
    return this.#current(proof)
  }

  #current(proof: KnownProof): KnownProof {
    const current = this.#core.proofs.current(proof)
    this.#core.proofs.use(current)
    return current
  }
}
