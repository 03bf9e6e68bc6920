import {
  readArray,
  readBytesUpTo,
  readList,
  PROOF_BYTES_MAX,
  PROOF_STATEMENTS_MAX,
  STATEMENT_BYTES_MAX,
  type Field,
  type Sha256,
  type StatementStore,
  type Value,
  type Verifier,
} from '@ixj/trust'
import { decodeBundle, type Bundle } from '../bundles/bundle.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { MESSAGE_BYTES_MAX } from '../transport.ts'

/** A bundle with what proves it: a node that has forgotten everything else can check it anew. */
export interface KeptBundle {
  readonly bundle: Bundle
  readonly proof: Uint8Array
  readonly envelopes: readonly Uint8Array[]
}

/** Where a proof and its statements are at hand. */
export interface ProvingBooks {
  readonly proofs: ProofBook
  readonly statements: StatementStore
  readonly verifier: Verifier
  readonly hash: Sha256
}

/** A bundle with its proof, as that is at hand now. */
export function keepBundle(bundle: Bundle, proof: KnownProof, books: ProvingBooks): KeptBundle {
  const envelopes = books.proofs.statements(proof).map(({ envelope }) => envelope)
  return { bundle, proof: proof.bytes, envelopes }
}

/**
 * Has the proof of a kept bundle at hand again, each signature checked.
 * @throws TrustError if a store gave back other bytes than it took
 */
export async function restoreProof(kept: KeptBundle, books: ProvingBooks): Promise<KnownProof> {
  const { proofs, statements, verifier, hash } = books
  const known = proofs.read(kept.proof)
  if (proofs.missing(known.idText)?.length !== 0) {
    for (const envelope of kept.envelopes) {
      await statements.add(envelope, { owner: null, verifier, hash })
    }
  }
  proofs.use(known)
  return known
}

/** The form in which it is stored. */
export function keptFields({ bundle, proof, envelopes }: KeptBundle): Value {
  return [bundle.bytes, proof, envelopes]
}

/** Reads it. @throws TrustError `form`; Refusal as of {@link decodeBundle} */
export function readKept(field: Field, what: string, hash: Sha256): KeptBundle {
  const [bytes, proof, envelopes] = readArray(field, what, 3)
  return {
    bundle: decodeBundle(readBytesUpTo(bytes, `bundle of ${what}`, MESSAGE_BYTES_MAX), hash),
    proof: readBytesUpTo(proof, `proof of ${what}`, PROOF_BYTES_MAX),
    envelopes: readList(envelopes, `statements of ${what}`, {
      itemsMax: PROOF_STATEMENTS_MAX,
      item: (envelope, place) => readBytesUpTo(envelope, place, STATEMENT_BYTES_MAX),
    }),
  }
}
