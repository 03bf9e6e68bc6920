import { REMEDIES } from '@ixj/agent'
import { isAtOrBelow, type Name, patternBase } from '@ixj/names'
import { openNodeVerifier } from '@ixj/node/home'
import {
  type Action,
  type AnchorSet,
  type Answer,
  checkAuthority,
  checkName,
  describeAuthority,
  describeKey,
  describeNameChain,
  equalBytes,
  type Explanation,
  type Grant,
  isBinding,
  isGrant,
  isHolder,
  type NameChain,
  NOT_REACHED,
  NOTE_STATUS,
  type RevocationView,
  type SignedStatement,
  type Standpoint,
  TrustError,
  verifySignature,
} from '@ixj/trust'
import type { ZoneFindings } from './zone-keys.ts'

/** A name with a key, and what was stated about both. */
export interface Claim {
  readonly name: Name
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly statements: readonly SignedStatement[]
}

/** What a claim is held against. */
export interface BeliefContext extends Partial<ZoneFindings> {
  readonly anchors: AnchorSet
  /** What is known to be revoked. */
  readonly revocations: RevocationView
  /** Who would verify, with its cross-certificates; without it none counts. */
  readonly standpoint?: Standpoint
  /** Ms since the Unix epoch. */
  readonly now: number
}

/**
 * Why these anchors lead to a name and its key, or why not, and what its grants allow. Every
 * signature is checked; statements whose signature does not hold count as not there.
 */
export async function explainName(claim: Claim, context: BeliefContext): Promise<Explanation> {
  const statements = await verified(claim.statements)
  const common = {
    action: 'sign',
    topic: 'any topic',
    sender: claim.name,
    onBehalfOf: null,
    notes: [NOTE_STATUS],
  }
  try {
    const chain = checkChain({ ...claim, statements }, context)
    return {
      ...common,
      outcome: 'accepted',
      code: null,
      message: null,
      remedy: null,
      name: { state: 'yes', lines: describeNameChain(chain, context.now) },
      key: { state: 'yes', lines: [...describeKey(chain), describeUses(chain)] },
      authority: describeGrants({ ...claim, statements }, context),
      policy: { state: 'not-reached', lines: ['it is asked about each message'] },
    }
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    const { code, message } = cause
    const no: Answer = { state: 'no', lines: [message] }
    const rest = { key: NOT_REACHED, authority: NOT_REACHED, policy: NOT_REACHED }
    const remedy = REMEDIES[code]
    return { ...common, outcome: 'ignored', code, message, remedy, name: no, ...rest }
  }
}

/** The statements whose signatures hold. */
export async function verified(
  statements: readonly SignedStatement[],
): Promise<readonly SignedStatement[]> {
  const verifier = openNodeVerifier()
  const holding: SignedStatement[] = []
  for (const signed of statements) {
    if (await verifySignature(signed, verifier)) holding.push(signed)
  }
  return holding
}

/**
 * The chain from an anchor to a name and key: as a sender, or for a key that only binds as such.
 * @throws TrustError as checkName
 */
export function checkChain(claim: Claim, context: BeliefContext): NameChain {
  const { name, key } = claim
  const bindings = claim.statements
    .filter(isBinding)
    .filter(({ statement }) => isAtOrBelow(name, statement.name))
  const own = bindings.filter(
    ({ statement }) => statement.name === name && equalBytes(statement.key, key),
  )
  const onlyBinds = own.length > 0 && own.every(({ statement }) => statement.uses === 'bind')
  const use = onlyBinds ? 'bind' : 'sign'
  return checkName({ name, key, use, purpose: 'send' }, { ...context, bindings })
}

function describeUses({ links, published }: NameChain): string {
  const leaf = links.at(-1)?.statement ?? published
  if (leaf === undefined || leaf === null) return 'may sign and bind'
  const uses = { sign: 'sign', bind: 'bind', both: 'sign and bind' }[leaf.uses]
  return leaf.depth === 0 ? `may ${uses}` : `may ${uses}; ${leaf.depth} bindings may follow below`
}

function describeGrants(claim: Claim, context: BeliefContext): Answer {
  const { name, key, statements } = claim
  const held = statements
    .filter(isGrant)
    .filter(({ statement }) => isHolder(statement, { subject: name, subjectKey: key }))
  const lines = held.map((grant) => describeGrant(grant, claim, context))
  return { state: 'yes', lines: [`owner of ${name} and of all names below it`, ...lines] }
}

function describeGrant(
  grant: SignedStatement<Grant>,
  claim: Claim,
  context: BeliefContext,
): string {
  const { now } = context
  const { name, key, statements } = claim
  const { actions, topics } = grant.statement
  const what = `${actions.join(', ')} on ${topics.join(', ')}`
  const [action] = actions
  const [topic] = topics
  if (action === undefined || topic === undefined) throw new Error('A grant of nothing was read')
  const question = {
    leaf: grant.id,
    subject: name,
    subjectKey: key,
    action,
    topic: exampleOf(topic),
  }
  try {
    const authority = checkAuthorityOf(question, { ...context, statements })
    return `${what}: ${describeAuthority(authority, now).join('; ')}`
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    return `refused, ${cause.code}: ${what}: ${cause.message}`
  }
}

/** Checks a grant among these statements. @throws TrustError as checkAuthority */
export function checkAuthorityOf(
  question: {
    readonly leaf: Uint8Array
    readonly subject: Name
    readonly subjectKey: Uint8Array
    readonly action: Action
    readonly topic: Name
  },
  context: BeliefContext & Pick<Claim, 'statements'>,
): ReturnType<typeof checkAuthority> {
  const { statements } = context
  const grants = statements.filter(isGrant)
  const bindings = statements
    .filter(isBinding)
    .filter(({ statement }) =>
      grants.some((each) => isAtOrBelow(each.statement.issuer, statement.name)),
    )
  return checkAuthority(question, { ...context, grants, bindings })
}

/** A name that a pattern matches. */
function exampleOf(pattern: Grant['topics'][number]): Name {
  const base = patternBase(pattern)
  return (base as string) === pattern ? base : (`x.${base}` as Name)
}
