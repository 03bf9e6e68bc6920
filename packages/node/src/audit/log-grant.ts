import type { Identity } from '@ixj/agent'
import { boundUntil } from '@ixj/agent'
import { AuditError, type NoteKey } from '@ixj/audit'
import { type Name, parsePattern } from '@ixj/names'
import {
  type AnchorSet,
  checkAuthority,
  equalBytes,
  type Grant,
  holdsAt,
  isBinding,
  isGrant,
  issueGrant,
  PROOF_STATEMENTS_MAX,
  type RevocationBook,
  type SignedStatement,
  TrustError,
  type Verifier,
  verifySignature,
} from '@ixj/trust'
import { nodeRandom, nodeSha256 } from '../node-keys.ts'

/** How long a key may sign a log under one grant, where its node's name has no end of its own. */
const LOG_GRANT_MS_MAX = 365 * 24 * 3_600_000

/** Grants of a log that are tried, the newest first: a node makes a few in the life of its name. */
const LOG_GRANTS_MAX = 16

/** The origin of a node's log, which is the name of its key too. */
export function logOrigin(node: Name): string {
  return `${node}/ixj/audit`
}

/** Says that a key signs the checkpoints of a node's log: docs/protocol.md, "Log files". */
export async function issueLogGrant(
  identity: Identity,
  logKey: Uint8Array,
  now: number,
): Promise<SignedStatement<Grant>> {
  const notAfter = Math.min(boundUntil(identity), now + LOG_GRANT_MS_MAX)
  const name = parsePattern(identity.name)
  return await issueGrant(
    {
      issuer: identity.name,
      notBefore: Math.min(now, notAfter - 1),
      notAfter,
      nonce: nodeRandom(16),
      onBehalfOf: identity.name,
      subject: name,
      subjectKey: logKey,
      actions: ['log'],
      topics: [name],
      conditions: [],
      mayDelegate: false,
    },
    { signer: identity.signer, hash: nodeSha256 },
  )
}

/** Whether one of the statements lets this key sign the node's log at that time. */
export function hasLogGrant(
  statements: readonly SignedStatement[],
  identity: Identity,
  wanted: { readonly logKey: Uint8Array; readonly at: number },
): boolean {
  return statements
    .filter(isGrant)
    .some(
      ({ statement }) =>
        isLogGrant(statement, identity.name) &&
        equalBytes(statement.issuerKey, identity.signer.publicKey) &&
        equalBytes(statement.subjectKey!, wanted.logKey) &&
        holdsAt(statement, wanted.at),
    )
}

function isLogGrant(grant: Grant, node: Name): boolean {
  return grant.actions.includes('log') && grant.onBehalfOf === node && grant.subjectKey !== null
}

/** Whom a verifier asks about a log, and for when. */
export interface LogTrust {
  /** The verifier's own. */
  readonly anchors: AnchorSet
  /** Ms since the Unix epoch: when the key's right has to hold. */
  readonly at: number
  readonly verifier: Verifier
  /** What the verifier knows to be void: a key that was taken back signs no log any more. */
  readonly revocations?: RevocationBook
}

/**
 * The keys that may sign the log of a node, as a chain from an anchor of the verifier's own says;
 * what lies beside the log only helps to find it.
 * @throws AuditError `unknown-key` with the reason, where no chain holds
 */
export async function findLogKeys(
  node: Name,
  statements: readonly SignedStatement[],
  trust: LogTrust,
): Promise<readonly NoteKey[]> {
  const grants = statements
    .filter(isGrant)
    .filter(({ statement }) => isLogGrant(statement, node))
    .toSorted((left, right) => right.statement.notBefore - left.statement.notBefore)
    .slice(0, LOG_GRANTS_MAX)
  const bindings = statements
    .filter(isBinding)
    .filter(({ statement }) => holdsAt(statement, trust.at))
    .slice(-(PROOF_STATEMENTS_MAX - 1))
  const keys: NoteKey[] = []
  let refused: TrustError | undefined
  for (const grant of grants) {
    try {
      for (const signed of [grant, ...bindings]) await verifySignature(signed, trust.verifier)
      const subjectKey = grant.statement.subjectKey!
      checkAuthority(
        { leaf: grant.id, subject: node, subjectKey, action: 'log', topic: node, purpose: 'send' },
        { ...trust, grants: [grant], bindings, now: trust.at },
      )
      keys.push({ name: logOrigin(node), use: 'note', publicKey: subjectKey })
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      refused ??= cause
    }
  }
  if (keys.length > 0) return keys
  const reason = refused?.message ?? 'nothing beside the log says which key signs it'
  throw new AuditError('unknown-key', `Cannot trust a key for the log of ${node}: ${reason}`, {
    cause: refused,
  })
}
