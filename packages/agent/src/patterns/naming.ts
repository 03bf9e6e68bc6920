import { childName, isBelow, parsePattern, type Name } from '@ixj/names'
import {
  decodeStatement,
  equalBytes,
  isBinding,
  issueStatement,
  readName as readNameField,
  SKEW_MS,
  TrustError,
  type Grant,
  type Sha256,
  type SignedStatement,
  type Signer,
  type Uses,
  type Verifier,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { holds, readSignedBody, signBody } from '../bundles/signed-body.ts'
import { boundUntil, provingStatements, type Identity } from '../host/identity.ts'
import type { OpeningKey } from '../sealing/sealer.ts'
import { issueGrantTo, type GrantRequest, type IssueContext } from './grant-issue.ts'
import type { Body } from './message.ts'
import type { IncomingRequest } from './request.ts'

/** Content type of a request for a name; its body is a signed `offer`. */
export const OFFER_TYPE = 'ixj/offer'
/** Content type of the answer that gives the name; its body is a list of statements. */
export const BOUND_TYPE = 'ixj/bound'

/** What a sub-agent is born with. */
export interface SpawnOptions {
  readonly lifetimeSeconds: number
  readonly grants?: readonly GrantRequest[]
  /** Default: sign. */
  readonly uses?: Uses
  /** Binding links that may follow below; default 0. */
  readonly depth?: number
  /** For whom the request acts that this is done for: only its authority is passed on. */
  readonly behalf?: Name
  /** Whether bodies can be sealed to it; default false: a second key takes time to make. */
  readonly sealable?: boolean
  /** Whether nothing of it goes on without a fresh status; default false. */
  readonly strict?: boolean
}

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
 * Binds a child's name to its key and issues its grants, each a part of one of the parent's or a
 * root in the parent's own slice.
 * @throws TrustError `wider-than-parent`, `ambiguous-authority`, `not-granted`, `form`
 */
export async function spawnIdentity(
  parent: Identity,
  child: {
    readonly label: string
    readonly signer: Signer
    readonly opening?: OpeningKey | undefined
  },
  options: SpawnOptions,
  context: IssueContext,
): Promise<Identity> {
  const name = childName(parent.name, child.label)
  const { signer, opening } = child
  const bound = { name, key: signer.publicKey, encryptionKey: opening?.publicKey ?? null }
  const statements = await issueTo(parent, bound, options, context)
  return { name, signer, opening, statements }
}

/**
 * The statements of a child: its binding, its grants, and whatever proves them.
 * @throws as {@link spawnIdentity}, and what `issued` of the context throws
 */
export async function issueTo(
  parent: Identity,
  child: {
    readonly name: Name
    readonly key: Uint8Array
    readonly encryptionKey?: Uint8Array | null
  },
  options: SpawnOptions,
  context: IssueContext,
): Promise<readonly SignedStatement[]> {
  const now = context.clock.now()
  const notAfter = endOf(now, options.lifetimeSeconds)
  const binding = await issueStatement(
    {
      kind: 'binding',
      issuer: parent.name,
      notBefore: now,
      notAfter: Math.min(notAfter, boundUntil(parent)),
      nonce: context.random(16),
      name: child.name,
      key: child.key,
      encryptionKey: child.encryptionKey ?? null,
      uses: options.uses ?? 'sign',
      depth: options.depth ?? 0,
      strict: options.strict ?? false,
    },
    parent.signer,
    context.hash,
  )
  const grants: SignedStatement<Grant>[] = []
  const parents: SignedStatement<Grant>[] = []
  for (const request of options.grants ?? []) {
    const subject = parsePattern(child.name)
    // The next bearer of a short-lived name inherits nothing.
    const wish = { subject, subjectKey: child.key, request, notAfter, behalf: options.behalf }
    const given = await issueGrantTo(parent, wish, context)
    grants.push(given.grant)
    if (given.parent !== undefined) parents.push(given.parent)
  }
  await context.issued?.(parent, [binding, ...grants])
  return [...provingStatements(parent, parents), binding, ...grants]
}

function endOf(now: number, lifetimeSeconds: number): number {
  const limit = 10 * 365 * 24 * 3_600
  if (!Number.isFinite(lifetimeSeconds) || lifetimeSeconds <= 0 || lifetimeSeconds > limit) {
    throw new AgentError(
      'argument',
      `Cannot bind for ${lifetimeSeconds} s: more than 0 and at most ${limit}`,
    )
  }
  return now + Math.ceil(lifetimeSeconds * 1_000)
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
