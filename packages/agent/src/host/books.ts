import type { StatementStore } from '@ixj/trust'
import type { UsedApprovals } from '../approvals/used-approvals.ts'
import type { FollowedNames } from '../neighbours/followed-names.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { ZoneKeyBook } from '../neighbours/zone-keys.ts'

/** What a node knows: statements, proofs, what the DNS publishes, and which approvals were used. */
export interface Books {
  readonly statements: StatementStore
  readonly proofs: ProofBook
  readonly zoneKeys: ZoneKeyBook
  readonly followed: FollowedNames
  readonly usedApprovals: UsedApprovals
}
