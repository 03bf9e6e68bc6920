export * from './limits.ts'
export * from './presence/limits.ts'
export { AgentError, type AgentCode } from './agent-error.ts'
export type { Clock } from './clock.ts'
export * from './transport.ts'
export { Queue } from './queue.ts'
export {
  decodeHeader,
  encodeHeader,
  LIFESPAN_MS_MAX,
  type BundleAction,
  type Header,
  type MessageClass,
} from './bundles/header.ts'
export {
  decodeApproval,
  signApproval,
  termsOf,
  type Approval,
  type Approved,
  type Terms,
} from './bundles/approval.ts'
export {
  decodeBundle,
  hasDigest,
  holdsSignature,
  sealBundle,
  type Bundle,
  type BundleFields,
} from './bundles/bundle.ts'
export {
  correlationOf,
  decodeMessages,
  encodeMessages,
  type MessagePart,
} from './bundles/message.ts'
export { statementRecord } from './host/audit-trail.ts'
export { SEALED_BYTES, type OpeningKey, type Sealer, type SharedKey } from './sealing/sealer.ts'
export type { AuditEvent, AuditLog } from './pipeline/audit.ts'
export { type Code, type PipelineCode, Refusal, VERDICTS } from './pipeline/verdicts.ts'
export type { AskedApproval } from './approvals/asked-approval.ts'
export { REMEDIES } from './pipeline/remedies.ts'
export type { Decision } from './pipeline/decision.ts'
export { explanationOf } from './explanation-of.ts'
export type { Explicable, Grounds } from './pipeline/grounds.ts'
export {
  ruleTable,
  type Basis,
  type NewsAge,
  type Policy,
  type PolicyDecision,
  type PolicyRequest,
  type Rule,
} from './pipeline/policy.ts'
export type { Evidence } from './pipeline/replay.ts'
export type { KeptEvidence } from './sync/keeper.ts'
export {
  isSentHere,
  type EvidenceRow,
  type HistoryRow,
  type HistoryRows,
  type KeptClass,
  type Origin,
} from './history/history-rows.ts'
export * from './history/limits.ts'
export { memoryHistory } from './history/memory-rows.ts'
export { memoryJournal, type ReplayJournal } from './pipeline/replay-journal.ts'
export { isAnnouncement } from './presence/announcement.ts'
export type { Member, PresenceChange } from './presence/roster.ts'
export { memoryStore, type Store } from './host/store.ts'
export {
  boundUntil,
  grantHost,
  grantsOf,
  provingStatements,
  type Identity,
} from './host/identity.ts'
export type { HostOptions } from './host/host-options.ts'
export type { ProvenName, ZoneKeySource, ZoneProof } from './neighbours/zone-keys.ts'
export type { HostAbilities } from './host/host-abilities.ts'
export { Host, openHostWith } from './host/host.ts'
export { openHost } from './host/open-host.ts'
export type { HostLoad } from './host/host-load.ts'
export { Agent } from './patterns/agent.ts'
export { decodeNotice, makeNotice, type Notice, type Told } from './revoked/notice.ts'
export { issueRevocation, revokeGrantsOf } from './revoked/issue-revocation.ts'
export type { Audience } from './patterns/audience.ts'
export { Group, type JoinOptions, type PublishOptions } from './patterns/group.ts'
export { FanOut, type FanOutOptions, type FanOutStatus } from './patterns/fan-out.ts'
export { Combiner, type CombineOptions, type CombinerCounts } from './combine/combiner.ts'
export type { CombinedCounts } from './combine/combined-inbox.ts'
export type { CombinedPart } from './combine/combined-part.ts'
export type { Reducer } from './combine/reducer.ts'
export type { Finding, SpotCheck } from './combine/spot-check.ts'
export type { Contribution } from './combine/summary.ts'
export { Gather, type Batch, type GatherOptions, type QuorumPer } from './patterns/gather.ts'
export type { MessagesOptions } from './patterns/history-messages.ts'
export type { Stretch } from './history/stretch.ts'
export type { Body, ManyReceipt, Message, Receipt, TaskReceipt } from './patterns/message.ts'
export { Acknowledgements } from './tasks/acknowledgements.ts'
export type { Task } from './tasks/task.ts'
export type { SendOptions } from './patterns/send-options.ts'
export type { Reply } from './patterns/pending.ts'
export type { IncomingRequest } from './patterns/request.ts'
export type { Pool, PoolOptions } from './host/pool.ts'
export type { BirthOptions, SpawnOptions } from './patterns/births.ts'
export { issueTo, type Offer } from './patterns/naming.ts'
export {
  issueGrantTo,
  type GrantRequest,
  type GrantWish,
  type IssueContext,
} from './patterns/grant-issue.ts'
export { type GroupState, type StateChange, type StateSnapshot } from './state/group-state.ts'
export type { SetOptions, StateCounts } from './state/own-registers.ts'
export type { Age, Register } from './state/register.ts'
export type { GoneWhy } from './state/registers.ts'
export { STATE_TYPE } from './state/register-update.ts'
export { ManualClock } from './manual-clock.ts'
