import type { Identity } from '@ixj/agent'
import { encode, type Grant, type SignedStatement, type Signer } from '@ixj/trust'
import { signBody } from '../../packages/agent/src/bundles/signed-body.ts'
import { provingStatements } from '../../packages/agent/src/host/identity.ts'
import { type MadeProof, proofOf } from './made-bundle.ts'
import type { World } from './world.ts'

/** A word of history made by hand, and the proof that it names. */
export interface MadeAttestation {
  readonly bytes: Uint8Array
  readonly proof: MadeProof
}

/** What somebody says of when it had a bundle, true or not, whether it may or not. */
export async function makeAttestation(
  world: World,
  keeper: Identity,
  about: {
    readonly bundle: Uint8Array
    readonly receivedAt: number
    readonly under: SignedStatement<Grant> | null
    /** In place of the keeper's own key. */
    readonly signer?: Signer
  },
): Promise<MadeAttestation> {
  const { bundle, receivedAt, under, signer } = about
  const proof = proofOf(provingStatements(keeper, under === null ? [] : [under]))
  const [body, signature] = await signBody(
    'attest',
    { signer: keeper.name, time: world.clock.now(), nonce: world.bytes(16) },
    [bundle, receivedAt, under?.id ?? null, proof.id],
    keeper.signer,
  )
  if (signer === undefined) return { bytes: encode([body, signature]), proof }
  return { bytes: encode([body, await signer.sign(body)]), proof }
}
