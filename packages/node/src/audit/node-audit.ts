import { type Clock, type Identity, provingStatements, statementRecord } from '@ixj/agent'
import { equalBytes, isGrant, type SignedStatement, type Verifier } from '@ixj/trust'
import type { Home } from '../home/home.ts'
import {
  auditFolder,
  readLogKey,
  readLogStatements,
  writeLogStatements,
} from '../home/home-audit.ts'
import { STATEMENTS_MAX } from '../home/limits.ts'
import { nodeSha256 } from '../node-keys.ts'
import { type FileAuditLog, openAuditLog } from './audit-log.ts'
import { diskLogFiles } from './log-files.ts'
import { hasLogGrant, issueLogGrant, logOrigin } from './log-grant.ts'

/** What a node's log is opened with. */
export interface NodeAuditOptions {
  readonly home: Home
  /** The node's. */
  readonly identity: Identity
  readonly clock: Clock
  readonly verifier: Verifier
}

/**
 * Opens the audit log of a node in its home, and has the node's key say which key signs it. The
 * name's lock has been taken.
 * @throws AuditError as {@link openAuditLog}; TrustError `key-file`; HomeError
 */
export async function openNodeAudit(options: NodeAuditOptions): Promise<FileAuditLog> {
  const { home, identity, clock, verifier } = options
  const { name } = identity
  const signer = await readLogKey(home, name)
  const folder = auditFolder(home, name)
  const key = { name: logOrigin(name), use: 'note', publicKey: signer.publicKey } as const
  const files = diskLogFiles(folder)
  const log = await openAuditLog({ files, key, signer, verifier, clock, hash: nodeSha256 })
  try {
    // From the beginning there is something to verify, and what a crash left uncovered is covered.
    await keepLogGrant(log, folder, { identity, logKey: signer.publicKey, now: clock.now() })
    await log.checkpoint()
  } catch (cause) {
    await log[Symbol.asyncDispose]()
    throw cause
  }
  return log
}

/** Keeps what says which key signs the log: what has ended too, since old records need it. */
async function keepLogGrant(
  log: FileAuditLog,
  folder: string,
  given: { readonly identity: Identity; readonly logKey: Uint8Array; readonly now: number },
): Promise<void> {
  const { identity, logKey, now } = given
  const known = (await readLogStatements(folder))?.statements ?? []
  const wanted: SignedStatement[] = [...provingStatements(identity, [])]
  if (!hasLogGrant(known, identity, { logKey, at: now })) {
    const grant = await issueLogGrant(identity, logKey, now)
    await log.appendSafely(statementRecord(grant, now))
    wanted.push(grant)
  }
  const added = wanted.filter(({ id }) => !known.some((each) => equalBytes(each.id, id)))
  if (added.length === 0) return
  const statements = [...known, ...added]
  // The grants and bindings that ended longest ago go first.
  const kept = statements
    .toSorted((left, right) => right.statement.notAfter - left.statement.notAfter)
    .slice(0, STATEMENTS_MAX)
  const ordered = [
    ...kept.filter((each) => !isGrant(each)),
    ...kept.filter((each) => isGrant(each)),
  ]
  await writeLogStatements(folder, { name: identity.name, statements: ordered })
}
