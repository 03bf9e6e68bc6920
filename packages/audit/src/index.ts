export {
  KEY_NAME_MAX,
  LOG_FAULTS_MAX,
  NOTE_BYTES_MAX,
  NOTE_SIGNATURES_MAX,
  PROOF_HASHES_MAX,
  RECORD_AGENTS_MAX,
  RECORD_BYTES_MAX,
  REASON_BYTES_MAX,
  REFUSALS_PER_NEIGHBOUR_MAX,
  REFUSALS_PER_SECOND_MAX,
  REPEATS_KEYS_MAX,
  RULE_BYTES_MAX,
} from './limits.ts'
export { type AuditCode, AuditError } from './audit-error.ts'
export {
  type ApprovalRecord,
  type AuditRecord,
  type BundleRecord,
  decodeRecord,
  encodeRecord,
  type GapRecord,
  type RecordedAgent,
  type RepeatsRecord,
  type StatementRecord,
} from './record.ts'
export { RecordEncoder } from './record-encoder.ts'
export { RefusalCounts, REPEATS_MS } from './refusal-counts.ts'
export { HASH_BYTES, leafHash } from './merkle/hash.ts'
export { MerkleTree } from './merkle/tree.ts'
export { Leaves } from './merkle/leaves.ts'
export { checkInclusion, type Inclusion, inclusionProof } from './merkle/inclusion.ts'
export { checkConsistency, consistencyProof, type TreeHead } from './merkle/consistency.ts'
export {
  formatNoteKey,
  keyIdOf,
  type NoteKey,
  type NoteKeyUse,
  parseNoteKey,
} from './note/note-key.ts'
export {
  formatNote,
  formatSignature,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignature,
} from './note/note.ts'
export {
  type Checkpoint,
  type CheckpointTrust,
  formatSignedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  type SignedCheckpoint,
  withSignatures,
} from './note/checkpoint.ts'
export { checkCosigned, cosign } from './note/cosignature.ts'
export {
  checkProof,
  formatProof,
  formatWitnessRequest,
  parseProof,
  parseWitnessRequest,
  type RecordProof,
  type WitnessRequest,
} from './note/proof-text.ts'
export type { LogFault } from './log/fault-list.ts'
export { encodeFrame, type Frame, FRAME_BYTES, FrameReader, isWhole } from './log/frame.ts'
export { formatCheckpointList, splitCheckpointList } from './log/checkpoint-list.ts'
export { type LogBytes, type LogReport, type OnRecord, verifyLog } from './log/verify-log.ts'
