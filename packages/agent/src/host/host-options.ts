import type { Name } from '@ixj/names'
import type {
  AnchorSet,
  GenerateKey,
  Random,
  Sha256,
  SignedStatement,
  Successor,
  Verifier,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { HistoryRows } from '../history/history-rows.ts'
import type { ZoneKeySource } from '../neighbours/zone-keys.ts'
import type { AuditLog } from '../pipeline/audit.ts'
import type { ReplayJournal } from '../pipeline/replay-journal.ts'
import type { Policy } from '../pipeline/policy.ts'
import type { Sealer } from '../sealing/sealer.ts'
import type { Transport } from '../transport.ts'
import type { Identity } from './identity.ts'
import type { Store } from './store.ts'

/** What a host is opened with. All of it belongs to one node. */
export interface HostOptions {
  /** The node's own name, key and chain. */
  readonly identity: Identity
  readonly anchors: AnchorSet
  /**
   * Cross-certificates: of one's own organisation, by which this node lets others through, and about
   * it, which its proofs bring to others; with the bindings of their issuers. Each is verified once.
   */
  readonly crossCertificates?: readonly SignedStatement[]
  /** Default: `ruleTable` without rules of one's own. */
  readonly policy?: Policy
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly verifier: Verifier
  readonly generateKey: GenerateKey
  readonly store: Store
  /** Seals bodies; without it none is sealed, and none can be. */
  readonly sealer?: Sealer
  /** Where accepted and sent bundles are kept; default: in memory, for as long as the host is open. */
  readonly history?: HistoryRows
  /** What was taken in before a restart; default: nothing is remembered. */
  readonly journal?: ReplayJournal
  /** Default: the plain JavaScript one. */
  readonly hash?: Sha256
  /** Where decisions are recorded; without it, nowhere. */
  readonly audit?: AuditLog
  /**
   * Identities whose keys are at hand though no agent of theirs is open: of these the node publishes
   * statuses, where they are roots or hold `revoke`.
   */
  readonly authorities?: readonly Identity[]
  /** Called when an anchor has moved to another key, which the trust store has to be told. */
  readonly succeeded?: (signed: SignedStatement<Successor>) => void
  /** The DNS; without it, zone anchors lead to no name. */
  readonly zoneKeys?: ZoneKeySource
  /** Called when an agent here writes to an inbox that nobody has shown a right to yet. */
  readonly sought?: (topic: Name) => void
  /** Called when nobody here has written to it for long. */
  readonly forgone?: (topic: Name) => void
}
