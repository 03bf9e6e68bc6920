import type { Name } from '@ixj/names'
import {
  decode,
  decodeStatement,
  encode,
  type Grant,
  type SignedStatement,
  type Signer,
} from '@ixj/trust'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import type { BornChild } from '../patterns/births.ts'
import type { OpeningKey } from '../sealing/sealer.ts'
import type { Core } from './core.ts'
import { grantHost, type Identity } from './identity.ts'
import type { Lineage } from './lineage.ts'

/** What an agent of this node proves itself with, and lets the node receive for it by. */
export interface Papers {
  readonly name: Name
  readonly signer: Signer
  /** Opens what is sealed to it; undefined: nothing is. */
  readonly opening: OpeningKey | undefined
  /** Proofs that it has made, by the grants in them; where several share them, made once for all. */
  readonly proofs?: Map<string, KnownProof>
  /** All statements, at hand for whoever is sent a proof over them. */
  readonly identity: Identity
  /** Its `host` grant to this node; null: it is the node itself. Signed when first asked for. */
  hostGrant(): Promise<SignedStatement<Grant> | null>
}

/** Papers of an agent that was opened with its statements, and of the node itself. */
export function openPapers(identity: Identity, hostGrant: SignedStatement<Grant> | null): Papers {
  const { name, signer, opening } = identity
  return { name, signer, opening, identity, hostGrant: () => Promise.resolve(hostGrant) }
}

/**
 * Papers of an agent that was born on this node. Until somebody needs them they are folded: the
 * bytes of its own statements, in one piece, and nothing in any table. So 100,000 idle agents
 * cost little more than their keys and names.
 */
export class FoldedPapers implements Papers {
  readonly name: Name
  readonly signer: Signer
  readonly opening: OpeningKey | undefined
  readonly #core: Core
  readonly #lineage: Lineage
  /** The envelopes of its own statements, encoded together. */
  readonly #folded: Uint8Array
  #identity: Identity | undefined
  #hostGrant: Promise<SignedStatement<Grant>> | undefined
  /** Ids of what is pinned for it. */
  readonly #pinned: string[] = []
  #released = false

  constructor(
    child: BornChild,
    statements: readonly SignedStatement[],
    of: { readonly core: Core; readonly lineage: Lineage },
  ) {
    this.name = child.name
    this.signer = child.signer
    this.opening = child.opening
    this.#core = of.core
    this.#lineage = of.lineage
    this.#folded = encode(statements.map(({ envelope }) => envelope))
    this.#lineage.hold()
  }

  get identity(): Identity {
    return (this.#identity ??= this.#unfold())
  }

  /** @throws TrustError as `grantHost`; what recording it throws */
  async hostGrant(): Promise<SignedStatement<Grant>> {
    this.#hostGrant ??= this.#grantHost()
    try {
      return await this.#hostGrant
    } catch (cause) {
      // A log that could not be written may be again.
      this.#hostGrant = undefined
      throw cause
    }
  }

  /** Ends what is held for it. */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#core.statements.unpin(this.#pinned.splice(0))
    this.#lineage.release()
  }

  #unfold(): Identity {
    const { name, signer, opening } = this
    const { hash } = this.#core
    const envelopes = decode(this.#folded) as readonly Uint8Array[]
    const own = envelopes.map((envelope) => decodeStatement(envelope, hash))
    this.#pin(own)
    return { name, signer, opening, statements: [...this.#lineage.above, ...own] }
  }

  async #grantHost(): Promise<SignedStatement<Grant>> {
    const core = this.#core
    const { identity, clock, random, hash } = core
    const node = { node: identity.name, nodeKey: identity.signer.publicKey }
    const host = await grantHost(
      this.identity,
      { topic: this.name, ...node },
      {
        now: clock.now(),
        random,
        hash,
        issued: (issuer, statements) => core.issued(issuer, statements),
      },
    )
    this.#pin([host])
    return host
  }

  #pin(statements: readonly SignedStatement[]): void {
    // Who closed while it was at work holds nothing any more.
    if (this.#released) return
    this.#core.statements.pinOwn(statements)
    this.#pinned.push(...statements.map(({ idText }) => idText))
  }
}
