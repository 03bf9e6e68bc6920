import { isBelow, type Name } from '@ixj/names'
import {
  decodeStatement,
  equalBytes,
  isBinding,
  readName as readNameField,
  SKEW_MS,
  TrustError,
  type Sha256,
  type SignedStatement,
  type Signer,
  type Verifier,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { holds, readSignedBody, signBody } from '../bundles/signed-body.ts'
import type { Identity } from '../host/identity.ts'
import { issueAll, type ChildName, type SpawnOptions } from './births.ts'
import { BOUND_TYPE } from './control-types.ts'
import type { IssueContext } from './grant-issue.ts'
import type { Body } from './message.ts'
import type { IncomingRequest } from './request.ts'

/** A sub-agent elsewhere that asks for its name: it has made its key there. */
export interface Offer {
  readonly name: Name
  /** 32 bytes. */
  readonly key: Uint8Array
  /** The node that asks, as its own signature on the request proved. */
  readonly node: Name
  /** Gives the name. @throws TrustError as `spawn`; AgentError `unreachable` */
  bind(options: SpawnOptions): Promise<void>
  /** Says no, with a code. */
  refuse(code: string, reason?: string): Promise<void>
}

/**
 * The statements of a child elsewhere: its binding, its grants, and whatever proves them.
 * @throws as {@link issueAll}, and what `issued` of the context throws
 */
export async function issueTo(
  parent: Identity,
  child: ChildName,
  options: SpawnOptions,
  context: IssueContext,
): Promise<readonly SignedStatement[]> {
  const { above, statements } = await issueAll(parent, [child], options, context)
  return [...above, ...statements.flat()]
}

/** The body of an offer: a name, the key that wants it, and the node where it was made. */
export async function makeOffer(
  offer: { readonly name: Name; readonly node: Name; readonly signer: Signer },
  context: IssueContext,
): Promise<Body> {
  const [body, signature] = await signBody(
    'offer',
    { signer: offer.name, time: context.clock.now(), nonce: context.random(16) },
    [offer.node],
    offer.signer,
  )
  return [body, signature]
}

/**
 * Reads an offer that came as a request; a code where it is refused.
 * The key proves that it is there, and the request that its node asks.
 */
export async function readOffer(
  request: IncomingRequest,
  parent: Identity,
  context: IssueContext & { readonly verifier: Verifier },
): Promise<Offer | string> {
  const pair = Array.isArray(request.body) ? (request.body as readonly unknown[]) : []
  const [body, signature] = pair
  if (!(body instanceof Uint8Array) || !(signature instanceof Uint8Array)) return 'form'
  try {
    const offer = readSignedBody('offer', [body, signature], { fields: 1, bytesMax: 2_048 })
    const node = readNameField(offer.fields[0], 'node of offer')
    if (node !== request.sender) return 'wrong-subject'
    if (!isBelow(offer.signer, parent.name)) return 'not-below'
    if (Math.abs(offer.time - context.clock.now()) > SKEW_MS) return 'expired'
    if (!(await holds(offer, context.verifier))) return 'bad-signature'
    const child = { name: offer.signer, key: offer.signerKey }
    return {
      ...child,
      node,
      bind: async (options) => {
        const statements = await issueTo(parent, child, options, context)
        const envelopes = statements.map((signed) => signed.envelope)
        await request.reply(envelopes, { contentType: BOUND_TYPE })
      },
      refuse: (code, reason) => request.refuse(code, reason),
    }
  } catch (cause) {
    if (cause instanceof TrustError) return cause.code
    throw cause
  }
}

/**
 * The identity that an answer to an offer gives.
 * @throws AgentError `failed` if the answer does not bind this name to this key
 * @throws TrustError for statements that cannot be read
 */
export function readBound(
  answer: { readonly body: Body; readonly contentType: string | null },
  wanted: { readonly name: Name; readonly signer: Signer },
  hash: Sha256,
): Identity {
  const { name, signer } = wanted
  const envelopes: readonly unknown[] = Array.isArray(answer.body) ? answer.body : []
  const statements = envelopes.map((envelope) => {
    if (envelope instanceof Uint8Array) return decodeStatement(envelope, hash)
    throw new AgentError('failed', `Cannot become ${name}: the answer holds more than statements`)
  })
  if (answer.contentType !== BOUND_TYPE) {
    throw new AgentError('failed', `Cannot become ${name}: the answer gives no name`)
  }
  const bound = statements
    .filter(isBinding)
    .some(({ statement }) => statement.name === name && equalBytes(statement.key, signer.publicKey))
  if (!bound)
    throw new AgentError('failed', `Cannot become ${name}: the answer binds another name or key`)
  return { name, signer, statements }
}
