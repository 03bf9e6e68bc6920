export {
  ANCHOR_ADDED_BY_MAX,
  ANCHOR_KEYS_MAX,
  ANCHOR_NAMES_MAX,
  ANCHOR_RECORD_LENGTH_MAX,
  ANCHOR_RECORDS_MAX,
  ANCHORS_MAX,
  ANCHORS_TEXT_MAX,
  APPROVERS_MAX,
  BINDING_DEPTH_MAX,
  CHAIN_LINKS_MAX,
  CONDITION_NAME_MAX,
  CROSS_EDGES_MAX,
  CROSS_HOPS_MAX,
  CROSS_INTRODUCES_MAX,
  CROSS_KEYS_MAX,
  CROSS_NAMES_MAX,
  ENCODED_BYTES_MAX,
  ENCODED_DEPTH_MAX,
  ENCODED_ITEMS_MAX,
  EXPLANATION_LINE_MAX,
  GRANT_ACTIONS_MAX,
  GRANT_CONDITIONS_MAX,
  GRANT_DELEGATES_MAX,
  GRANT_TOPICS_MAX,
  HOME_CROSS_CERTIFICATES_MAX,
  ID_BYTES,
  NONCE_BYTES,
  PRIORITY_CAP_DEFAULT,
  PRIORITY_MAX,
  PROOF_BYTES_MAX,
  PROOF_DNSSEC_BYTES_MAX,
  PARTITION_MS_MAX,
  PROOF_STATEMENTS_MAX,
  PUBLIC_KEY_BYTES,
  REVOCATION_STATES_MAX,
  REVOCATIONS_PER_NAME_MAX,
  REVOCATIONS_PER_ROOT_MAX,
  ROOT_ZONES_MAX,
  SEED_BYTES,
  SIGNATURE_BYTES,
  SKEW_MS,
  SOUND_KEYS_MAX,
  STATEMENT_BYTES_MAX,
  STATUS_FRESH_MS_MAX,
  STATUSES_MAX,
  SPEAK_GRANTS_MAX,
  STORE_KEPT_MAX,
  STORE_OWNER_STATEMENTS_MAX,
  STORE_OWNERS_MAX,
  TREE_ITEMS_MAX,
  TREE_ITEMS_MIN,
  UNCHECKED_LINK_MS_MAX,
  VERIFIED_TREES_MAX,
} from './limits.ts'
export { type TrustCode, TrustError } from './trust-error.ts'
export {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64url,
  fromHex,
  toBase64url,
  toHex,
  utf8Bytes,
  utf8Text,
} from './bytes.ts'
export { forgetOldest } from './forget-oldest.ts'
export type { ApplicationValue, EncodingLimits, Value } from './encoding/value.ts'
export { scan, type ScanRules } from './encoding/scan.ts'
export { copyOfPart } from './encoding/slab.ts'
export { decode, decodeApplication, decodeShared } from './encoding/decode.ts'
export { encode, encodeApplication } from './encoding/encode.ts'
export {
  type Field,
  readArray,
  readBoolean,
  readBytes,
  readBytesUpTo,
  type ReadField,
  readInteger,
  readList,
  readOneOf,
  readOptional,
  readSortedSet,
  readText,
  readTime,
  sortedSet,
} from './encoding/read.ts'
export type { GenerateKey, Random, Signer, Verifier } from './keys/ports.ts'
export { checkPublicKey, noteSoundKey, strictPrecheck } from './keys/strict.ts'
export { nobleSigner, nobleVerifier } from './keys/noble-keys.ts'
export {
  gossipIdOf,
  idOf,
  proofIdOf,
  type Sha256,
  sha256,
  type SignedKind,
  signingInput,
} from './signing.ts'
export { isMac, type MacPurpose, macOf } from './mac.ts'
export type { StatementBase } from './statement-base.ts'
export { readName, readPattern } from './name-fields.ts'
export type { Binding, Uses } from './binding.ts'
export {
  type ApprovalsNeeded,
  approvalsNeeded,
  checkConditions,
  checkNarrower,
  checkSpeaking,
  type Condition,
  type ConditionUse,
} from './conditions.ts'
export type { Action, Grant } from './grant.ts'
export { type CrossCertificate, defaultCrossNames } from './cross-certificate.ts'
export type { Statement, StatementKind } from './statement-forms.ts'
export {
  decodeStatement,
  isBinding,
  isCrossCertificate,
  isGrant,
  isRevocation,
  isStatus,
  isSuccessor,
  type SignedStatement,
  verifySignature,
} from './statement.ts'
export {
  issueStatement,
  issueSuccessor,
  prepareStatement,
  signStatement,
  signStatements,
  type StatementFields,
  type UnsignedStatement,
} from './issue-statement.ts'
export {
  readTree,
  signTree,
  type Tree,
  treeInput,
  type TreeKind,
  type TreeSignature,
} from './tree.ts'
export { VerifiedTrees } from './verified-trees.ts'
export type { Revocation, RevocationTarget } from './revocation.ts'
export type { Status } from './status.ts'
export type { Successor } from './successor.ts'
export { checkPeriod, holdsAt, type Period } from './validity.ts'
export {
  type Anchor,
  ANCHOR_PURPOSES_DEFAULT,
  type AnchorFields,
  anchorKeysAt,
  FRESHNESS_DEFAULT,
  FRESHNESS_RULES,
  type FreshnessRule,
  keyEnd,
  makeAnchor,
  type Purpose,
  PURPOSES,
  type RetiringKey,
} from './anchors.ts'
export { AnchorSet } from './anchor-set.ts'
export { makeRootAnchor, type RootAnchor, type RootAnchorFields } from './root-anchor.ts'
export { formatAnchors, parseAnchors } from './anchors-text.ts'
export {
  type Authority,
  type NameChain,
  type NameContext,
  type NameQuestion,
  type NameUse,
  type Speaker,
  holderKey,
  publishedOfChain,
  statementsOfChain,
} from './name-question.ts'
export { type Standpoint, makeStandpoint } from './standpoint.ts'
export { findAnchor } from './anchor-chain.ts'
export { checkName } from './name-chain.ts'
export { boundName, isPool, poolPattern } from './pool.ts'
export { type CrossFault, type CrossPath, type CrossSearch, findCrossPaths } from './cross-path.ts'
export { findLimit } from './cross-chain.ts'
export { checkSender, type SenderQuestion } from './speaker.ts'
export type { PublishedKey } from './published-key.ts'
export {
  checkAttenuation,
  checkRoot,
  grantCovers,
  isHolder,
  issueGrant,
  prepareGrant,
} from './attenuation.ts'
export {
  type AuthorityContext,
  type AuthorityQuestion,
  checkAuthority,
  messagesPerSecondBudgets,
} from './authority.ts'
export {
  type KnownRevocation,
  NO_REVOCATIONS,
  type Reach,
  RevocationBook,
  revocationHasEnded,
  revocationDigest,
  type RevocationView,
} from './revocation-book.ts'
export { findChainRevocation } from './chain-revocation.ts'
export { checkRevoker, checkStatusIssuer, type RevokerRight } from './revoker.ts'
export { type HeldStatus, NO_STATUSES, StatusBook, type StatusView } from './status-book.ts'
export { findFreshness, type Freshness, type IssuerFreshness, requireFresh } from './freshness.ts'
export { certifiedKeys } from './certified-keys.ts'
export { applySuccessor, type HeldKeys, moveKeys } from './rollover.ts'
export { chooseGrant, findGrants, type GrantNeed } from './grant-choice.ts'
export {
  decodeProof,
  encodeProof,
  idsOf,
  makeProof,
  missingStatements,
  type Proof,
  type ProofStatements,
  resolveProof,
  type StatementSource,
} from './proof.ts'
export {
  StatementStore,
  type StatementStoreCounts,
  type StatementStoreOptions,
} from './statement-store.ts'
export {
  type Answer,
  escapeText,
  type Explanation,
  formatExplanation,
  NOT_REACHED,
  NOTE_STATUS,
} from './explanation.ts'
export { findGrantsAbove, type FoundGrants } from './found-grants.ts'
export {
  describeAuthority,
  describeFoundGrants,
  describeKey,
  describeNameChain,
  describeFreshness,
} from './description.ts'
export { formatDate, formatTime, formatTimeLeft } from './time-text.ts'
export { TRUST_REMEDIES } from './remedies.ts'
