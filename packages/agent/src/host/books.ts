import type { StatementStore } from '@ixj/trust'
import type { UsedApprovals } from '../approvals/used-approvals.ts'
import type { History } from '../history/history.ts'
import type { FollowedNames } from '../neighbours/followed-names.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { ZoneKeyBook } from '../neighbours/zone-keys.ts'
import type { Place } from '../pipeline/replay.ts'
import type { ReplayJournal } from '../pipeline/replay-journal.ts'
import type { Carrying } from '../relay/relaying.ts'
import type { NoticeBook } from '../revoked/notice-book.ts'
import type { RevokedContext } from '../revoked/revoked.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import type { openShared } from '../state/open-shared.ts'
import type { SecretsAbility } from '../sealing/group-sealing.ts'
import type { AttestingAbility } from '../sync/sync-context.ts'
import type { SheavesAbility } from './reception.ts'

/**
 * What a node knows: statements, proofs, what the DNS publishes, which approvals were used, whom it
 * trusts and what was revoked, and what it took in before.
 */
export interface Books extends SecretsAbility, SheavesAbility, AttestingAbility {
  readonly statements: StatementStore
  readonly proofs: ProofBook
  readonly zoneKeys: ZoneKeyBook
  readonly followed: FollowedNames
  readonly usedApprovals: UsedApprovals
  readonly trust: TrustState
  readonly notices: NoticeBook
  readonly kept: RevokedContext['kept']
  readonly history: History
  readonly journal: ReplayJournal
  /** On a relay. */
  readonly carrying: Carrying | undefined
  /** Not in a page that shares no state. */
  readonly openShared: typeof openShared | undefined
  /** What history and journal have of before. */
  readonly taken: readonly Place[]
}
