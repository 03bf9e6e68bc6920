import {
  AuditError,
  checkConsistency,
  type CheckpointTrust,
  consistencyProof,
  cosign,
  formatSignature,
  formatSignedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseSignature,
  type SignedCheckpoint,
  splitCheckpointList,
  withSignatures,
  type WitnessRequest,
} from '@ixj/audit'
import type { Name } from '@ixj/names'
import {
  type Home,
  lockWitness,
  type LogFolder,
  nodeSha256 as hash,
  systemClock,
} from '@ixj/node/home'
import { equalBytes, utf8Bytes, utf8Text } from '@ixj/trust'

/** A checkpoint that was cosigned, and the line that says so. */
export interface Cosigned {
  readonly checkpoint: SignedCheckpoint
  /** The line of signature, with its newline. */
  readonly line: string
  /** Records of the checkpoint that this witness saw before. */
  readonly before: number
}

/**
 * Cosigns a checkpoint, as a witness, if it continues the one that was cosigned before. The new one
 * is remembered before the signature exists, so that no two histories are ever signed.
 * @throws AuditError `rollback`, `fork`, `not-proven`, `unknown-key` and as {@link openCheckpoint};
 * HomeError `in-use`; TrustError `key-file`
 */
export async function cosignRequest(
  home: Home,
  witness: Name,
  asked: { readonly request: WitnessRequest; readonly trust: CheckpointTrust },
): Promise<Cosigned> {
  const { request, trust } = asked
  await using locks = new AsyncDisposableStack()
  locks.use(await lockWitness(home))
  const signer = await home.readSigner(witness)
  const checkpoint = await openCheckpoint(request.checkpoint, trust)
  const last = await lastSeen(home, witness, trust)
  // C2SP tlog-witness: "The witness MUST check that the old size matches the size of the latest
  // checkpoint it cosigned for the checkpoint's origin."
  const before = last?.size ?? 0
  if (request.old !== before) {
    const code = checkpoint.size < before ? 'rollback' : 'not-proven'
    const reason = `it leads from ${request.old} records, and the last one cosigned had ${before}`
    throw new AuditError(code, `Cannot witness ${checkpoint.origin}: ${reason}`)
  }
  if (last !== undefined) checkConsistency({ old: last, new: checkpoint }, request.hashes, hash)
  const known = utf8Bytes(formatSignedCheckpoint(checkpoint))
  await home.store().set(memoryOf(witness, trust), known)
  const seconds = Math.floor(systemClock.now() / 1_000)
  const signature = await cosign(checkpoint, { name: witness, signer, seconds, hash })
  const line = formatSignature(signature)
  return { checkpoint: withSignatures(checkpoint, [signature]), line, before }
}

/** How many records a witness has cosigned of a log. */
export async function sizeSeen(home: Home, witness: Name, trust: CheckpointTrust): Promise<number> {
  return (await lastSeen(home, witness, trust))?.size ?? 0
}

/**
 * The log's newest checkpoint, and the way to it from one of that size, of which the root is
 * computed from the records: a witness that has them signs nothing that they do not say.
 * @throws AuditError `absent`, `altered`, `flipped`
 */
export async function requestFor(log: LogFolder, old: number): Promise<WitnessRequest> {
  const checkpoint = splitCheckpointList(await log.checkpoints()).at(-1)?.text
  if (checkpoint === undefined) {
    throw new AuditError('absent', 'Cannot witness the log: it has no checkpoint yet')
  }
  const { size, root } = parseCheckpoint(parseNote(checkpoint).text)
  const leaves = await log.leaves()
  const hashes = consistencyProof(leaves, { old, size, hash })
  if (!equalBytes(leaves.root({ from: 0, to: size }, hash), root)) {
    const reason = `its first ${size} records are not those that its checkpoint signed`
    throw new AuditError('altered', `Cannot witness the log: ${reason}`)
  }
  return { old, hashes, checkpoint }
}

/** A checkpoint with lines of signature that witnesses gave. @throws AuditError */
export async function withLines(
  checkpointText: string,
  lines: string,
  trust: CheckpointTrust,
): Promise<SignedCheckpoint> {
  const checkpoint = await openCheckpoint(checkpointText, trust)
  const signatures = lines
    .trimEnd()
    .split('\n')
    .map((line) => parseSignature(line))
  return withSignatures(checkpoint, signatures)
}

async function lastSeen(
  home: Home,
  witness: Name,
  trust: CheckpointTrust,
): Promise<SignedCheckpoint | undefined> {
  const bytes = await home.store().get(memoryOf(witness, trust))
  return bytes === undefined ? undefined : await openCheckpoint(utf8Text(bytes), trust)
}

function memoryOf(witness: Name, { key }: CheckpointTrust): string {
  return `audit-witness/${witness}/${key.name}`
}
