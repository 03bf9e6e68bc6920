import { childName, parsePattern, type Name } from '@ixj/names'
import {
  isPool,
  poolPattern,
  prepareStatement,
  signStatements,
  type SignedStatement,
  type Signer,
  type UnsignedStatement,
  type Uses,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { boundUntil, provingStatements, type Identity } from '../host/identity.ts'
import type { OpeningKey } from '../sealing/sealer.ts'
import { planGrant, type GrantRequest, type IssueContext } from './grant-issue.ts'
import type { IncomingRequest } from './request.ts'

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

/** The same where it is done for a request that is being handled. */
export interface BirthOptions extends SpawnOptions {
  readonly for?: IncomingRequest
}

/** Statements of several children of one parent. */
export interface IssuedNames {
  /** What leads to the parent and its grants: the same for all of them. */
  readonly above: readonly SignedStatement[]
  /** Of each child its binding, then its grants. */
  readonly statements: readonly (readonly SignedStatement[])[]
  /** When their bindings end, ms since the Unix epoch. */
  readonly until: number
}

/** The keys of a sub-agent that is being made here. */
interface ChildKeys {
  readonly signer: Signer
  /** Opens what is sealed to it. */
  readonly opening: OpeningKey | undefined
}

/** Sub-agents that were made here: their keys, and what their parent said of them. */
export interface Born extends IssuedNames {
  readonly children: readonly BornChild[]
}

/** One of them. */
export interface BornChild extends ChildKeys {
  readonly name: Name
}

/**
 * Binds children's names to their keys and issues their grants, each a part of one of the parent's
 * or a root in the parent's own slice: 256 statements by one signature.
 * @throws TrustError `wider-than-parent`, `ambiguous-authority`, `not-granted`, `form`; AgentError
 * `argument`, `mixed-behalf`
 */
export async function bear(
  parent: Identity,
  children: readonly (ChildKeys & { readonly label: string })[],
  options: SpawnOptions,
  context: IssueContext,
): Promise<Born> {
  const named = children.map(({ label, signer, opening }) => ({
    name: childName(parent.name, label),
    key: signer.publicKey,
    encryptionKey: opening?.publicKey ?? null,
    signer,
    opening,
  }))
  return { ...(await issueAll(parent, named, options, context)), children: named }
}

/** A name that is bound, its key, and the one to which bodies are sealed. */
export interface ChildName {
  readonly name: Name
  readonly key: Uint8Array
  readonly encryptionKey?: Uint8Array | null
}

/**
 * The statements of children, wherever their keys are.
 * @throws as {@link bear}, and what `issued` of the context throws
 */
export async function issueAll(
  parent: Identity,
  children: readonly ChildName[],
  options: SpawnOptions,
  context: IssueContext,
): Promise<IssuedNames> {
  const { clock, random } = context
  const now = clock.now()
  const notAfter = endOf(now, options.lifetimeSeconds)
  const until = Math.min(notAfter, boundUntil(parent))
  const { behalf } = options
  const requests = options.grants ?? []
  const plans = requests.map((request) => planGrant(parent, { request, notAfter, behalf }, context))
  const unsigned: UnsignedStatement[] = []
  for (const { name, key, encryptionKey = null } of children) {
    const binding = {
      kind: 'binding',
      issuer: parent.name,
      notBefore: now,
      notAfter: until,
      nonce: random(16),
      name,
      key,
      encryptionKey,
      uses: options.uses ?? 'sign',
      depth: options.depth ?? 0,
      strict: options.strict ?? false,
    } as const
    unsigned.push(prepareStatement(binding, parent.signer.publicKey))
    // The next bearer of a short-lived name inherits nothing.
    const subject = isPool({ name }) ? poolPattern(name) : parsePattern(name)
    for (const plan of plans) unsigned.push(plan.prepare(subject, key))
  }
  const signed = await signStatements(unsigned, parent.signer, context.hash)
  await context.issued?.(parent, signed)
  const parents = plans.flatMap((plan) => (plan.parent === undefined ? [] : [plan.parent]))
  const each = 1 + plans.length
  const statements = children.map((_, index) => signed.slice(index * each, (index + 1) * each))
  return { above: provingStatements(parent, parents), statements, until }
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
