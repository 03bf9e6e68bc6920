import type { StatementStore } from '@ixj/trust'
import type { FollowedNames } from '../neighbours/followed-names.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { ZoneKeyBook } from '../neighbours/zone-keys.ts'

/** What a node knows: statements, proofs, and what the DNS publishes. */
export interface Books {
  readonly statements: StatementStore
  readonly proofs: ProofBook
  readonly zoneKeys: ZoneKeyBook
  readonly followed: FollowedNames
}
