import { isAtOrBelow, parsePattern, patternBase, type Name } from '@ixj/names'
import {
  boundName,
  equalBytes,
  grantCovers,
  isBinding,
  isGrant,
  isHolder,
  issueGrant,
  TrustError,
  type Binding,
  type Grant,
  type Random,
  type Sha256,
  type SignedStatement,
  type Signer,
} from '@ixj/trust'
import type { OpeningKey } from '../sealing/sealer.ts'

/** A name, its key, and the statements that prove both and what they may do. */
export interface Identity {
  readonly name: Name
  readonly signer: Signer
  /** Opens what is sealed to the encryption key that its binding, or the DNS, names. */
  readonly opening?: OpeningKey | undefined
  /** The chain of bindings, the grants, and whatever proves their issuers. */
  readonly statements: readonly SignedStatement[]
}

/** The grants of an identity that are for its name and key. */
export function grantsOf(identity: Identity): readonly SignedStatement<Grant>[] {
  return identity.statements.filter(isGrant).filter(({ statement }) => {
    const { subjectKey } = statement
    const forKey = subjectKey === null || equalBytes(subjectKey, identity.signer.publicKey)
    return forKey && !equalBytes(statement.issuerKey, identity.signer.publicKey)
  })
}

/**
 * What proves a name, its key and these leaf grants: bindings before what they issued, grants from
 * root to leaf, and the bindings of the grants' issuers.
 */
export function provingStatements(
  identity: Identity,
  leaves: readonly SignedStatement<Grant>[],
): readonly SignedStatement[] {
  const byId = new Map(identity.statements.map((signed) => [signed.idText, signed]))
  const bindings = identity.statements.filter(isBinding)
  const grants: SignedStatement<Grant>[] = []
  const speaking = speakGrants(identity)
  for (const leaf of [...leaves, ...speaking]) grants.push(...grantChain(leaf, byId))
  const chosen = new Map<string, SignedStatement<Binding>>()
  addBindings(chosen, bindings, identity.name, identity.signer.publicKey)
  for (const { statement } of speaking) {
    addBindings(chosen, bindings, patternBase(statement.subject), identity.signer.publicKey)
  }
  for (const { statement } of grants) {
    addBindings(chosen, bindings, statement.issuer, statement.issuerKey)
  }
  return [...inOrder([...chosen.values()]), ...new Set(grants)]
}

/**
 * The grants by which an identity speaks for its name with the key of another, a node's; none where
 * the key is the name's own.
 */
export function speakGrants(identity: Identity): readonly SignedStatement<Grant>[] {
  const { name, signer, statements } = identity
  const bound = boundName(name)
  const isOwn = statements
    .filter(isBinding)
    .some(
      ({ statement }) => statement.name === bound && equalBytes(statement.key, signer.publicKey),
    )
  if (isOwn) return []
  return statements.filter(isGrant).filter(({ statement }) => {
    const { actions, topics, subjectKey } = statement
    const isFor = subjectKey === null || equalBytes(subjectKey, signer.publicKey)
    return isFor && actions.includes('speak') && topics.some((topic) => (topic as string) === name)
  })
}

/**
 * The grant by which a node that speaks for a name receives for it too.
 * @throws TrustError `not-granted`
 */
export function heldHostGrant(
  identity: Identity,
  node: { readonly subject: Name; readonly subjectKey: Uint8Array },
): SignedStatement<Grant> {
  const found = identity.statements
    .filter(isGrant)
    .find(
      ({ statement }) =>
        isHolder(statement, node) &&
        grantCovers(statement, { action: 'host', topic: identity.name }),
    )
  if (found !== undefined) return found
  const reason = `${node.subject} may speak for it, and holds no host grant`
  throw new TrustError('not-granted', `Cannot open ${identity.name}: ${reason}`)
}

/** The same with the bindings first, each before those that its name issued; grants as they are. */
export function inOrder(statements: readonly SignedStatement[]): readonly SignedStatement[] {
  const bindings = statements.filter(isBinding)
  const ordered = bindings.toSorted(
    (left, right) => left.statement.name.split('.').length - right.statement.name.split('.').length,
  )
  return [...ordered, ...statements.filter((signed) => !isBinding(signed))]
}

/** Those among these bindings that lead to a name and key. */
export function provingBindings(
  bindings: readonly SignedStatement<Binding>[],
  holder: { readonly name: Name; readonly key: Uint8Array },
): readonly SignedStatement<Binding>[] {
  const chosen = new Map<string, SignedStatement<Binding>>()
  addBindings(chosen, bindings, holder.name, holder.key)
  return [...chosen.values()]
}

function grantChain(
  leaf: SignedStatement<Grant>,
  byId: ReadonlyMap<string, SignedStatement>,
): readonly SignedStatement<Grant>[] {
  const chain = [leaf]
  // A parent's id is inside its child's, so a chain cannot return to itself.
  for (let parent = leaf.statement.parent; parent !== null;) {
    const signed = [...byId.values()].find((candidate) => equalBytes(candidate.id, parent!))
    if (signed === undefined || !isGrant(signed)) {
      throw new TrustError(
        'missing-statement',
        `Cannot prove grant ${leaf.idText}: its parent is not at hand`,
      )
    }
    chain.unshift(signed)
    parent = signed.statement.parent
  }
  return chain
}

function addBindings(
  chosen: Map<string, SignedStatement<Binding>>,
  bindings: readonly SignedStatement<Binding>[],
  name: Name,
  key: Uint8Array,
): void {
  const bound = boundName(name)
  // Names strictly rise, so this ends.
  for (const signed of bindings) {
    const { statement } = signed
    if (statement.name !== bound || !equalBytes(statement.key, key) || chosen.has(signed.idText))
      continue
    chosen.set(signed.idText, signed)
    addBindings(chosen, bindings, statement.issuer, statement.issuerKey)
  }
}

/** The latest end among an identity's own bindings; Infinity for an anchor's own key. */
export function boundUntil(identity: Identity): number {
  const bound = boundName(identity.name)
  const own = identity.statements
    .filter(isBinding)
    .filter(
      ({ statement }) =>
        statement.name === bound && equalBytes(statement.key, identity.signer.publicKey),
    )
  if (own.length === 0) return Infinity
  return Math.max(...own.map(({ statement }) => statement.notAfter))
}

/** Anchor keys have no end of their own; what they sign for a node has. */
const HOST_GRANT_MS_MAX = 365 * 24 * 3_600_000

/** What letting a node receive needs of the world. */
export interface HostGrantOptions {
  /** Ms since the Unix epoch. */
  readonly now: number
  readonly random: Random
  readonly hash: Sha256
  /** How long it is good for at most; default: a year. */
  readonly lifeMs?: number
  /** Called with what was issued, which is given out when this resolves. */
  issued?(issuer: Identity, statements: readonly SignedStatement[]): Promise<void>
}

/**
 * Has an agent's key let a node receive for a topic: for its own name or one below it as a root
 * grant, for another under its own `host` grant.
 * @throws TrustError `not-granted` if it has none that lets the node
 */
export async function grantHost(
  identity: Identity,
  host: { readonly topic: Name; readonly node: Name; readonly nodeKey: Uint8Array },
  options: HostGrantOptions,
): Promise<SignedStatement<Grant>> {
  const { topic, node, nodeKey } = host
  const { now, random, hash, lifeMs = HOST_GRANT_MS_MAX } = options
  const parent = isAtOrBelow(topic, identity.name)
    ? undefined
    : hostParent(identity, topic, node, now)
  const notAfter = Math.min(
    boundUntil(identity),
    parent?.statement.notAfter ?? Infinity,
    now + lifeMs,
  )
  const grant = await issueGrant(
    {
      issuer: identity.name,
      notBefore: Math.max(Math.min(now, notAfter - 1), parent?.statement.notBefore ?? 0),
      notAfter,
      nonce: random(16),
      onBehalfOf: parent?.statement.onBehalfOf ?? identity.name,
      subject: parsePattern(node),
      subjectKey: nodeKey,
      actions: ['host'],
      topics: [parsePattern(topic)],
      conditions: parent?.statement.conditions ?? [],
      mayDelegate: false,
    },
    { signer: identity.signer, hash, ...(parent === undefined ? {} : { parent }) },
  )
  await options.issued?.(identity, [grant])
  return grant
}

function hostParent(
  identity: Identity,
  topic: Name,
  node: Name,
  now: number,
): SignedStatement<Grant> {
  const found = grantsOf(identity).find(
    ({ statement }) =>
      statement.actions.includes('host') &&
      statement.topics.some((pattern) => (pattern as string) === topic) &&
      statement.mayDelegate !== false &&
      statement.notAfter > now,
  )
  if (found !== undefined) return found
  throw new TrustError(
    'not-granted',
    `Cannot host ${topic} on ${node}: ${identity.name} has no grant for it`,
  )
}
