import {
  encodeMessages,
  provingStatements,
  sealBundle,
  type Bundle,
  type Header,
  type Host,
  type Identity,
} from '@ixj/agent'
import { nodeRandom, nodeSha256 } from '@ixj/node'
import { encodeApplication, type Grant, type SignedStatement, type Signer } from '@ixj/trust'
import { CREW } from '../setup.ts'

/** A header before it is sealed. */
type Fields = Omit<Header, 'digest' | 'key'>

/** The header of a message to the crew, with a proof that neighbours can fetch here. */
export async function fieldsOf(
  { host }: { readonly host: Host },
  identity: Identity,
  grant: SignedStatement<Grant> | undefined,
): Promise<Fields> {
  const leaves = grant === undefined ? [] : [grant]
  const proof = await host.keepProof(provingStatements(identity, leaves))
  return {
    topic: CREW,
    sender: identity.name,
    epoch: Date.now(),
    class: 'event',
    action: 'publish',
    first: 1,
    count: 1,
    sentAt: Date.now(),
    lifespanMs: 60_000,
    priority: 1,
    authority: grant?.id ?? null,
    proof,
    audience: null,
    approvals: [],
    encryption: null,
  }
}

/** A bundle of one message in a stream of its own. */
export async function seal(
  signer: Signer,
  like: Fields,
  body: Parameters<typeof encodeApplication>[0],
): Promise<Bundle> {
  const part = {
    id: nodeRandom(16),
    correlation: null,
    contentType: null,
    body: encodeApplication(body),
  }
  const now = Date.now()
  const fields = { ...like, epoch: now, first: 1, count: 1, sentAt: now }
  return await sealBundle(fields, encodeMessages([part]), { signer, hash: nodeSha256 })
}
