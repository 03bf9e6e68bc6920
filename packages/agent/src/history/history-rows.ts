import type { Name } from '@ixj/names'

/** Classes that are kept and repaired: of a state only the newest counts. */
export type KeptClass = 'event' | 'task'

/** One bundle as it lies in a history: its place, and how this node came to believe it. */
export interface HistoryRow {
  /** 32 bytes. */
  readonly id: Uint8Array
  readonly topic: Name
  readonly class: KeptClass
  readonly sender: Name
  readonly key: Uint8Array
  readonly epoch: number
  readonly first: number
  readonly count: number
  /** ms since the Unix epoch, by the sender's clock. */
  readonly sentAt: number
  /** When this node found it to hold, ms since the Unix epoch by its own clock. */
  readonly verifiedAt: number
  readonly onBehalfOf: Name
  readonly origin: Origin
  /** The whole bundle, its length. */
  readonly length: number
}

/**
 * How a bundle came: an agent of this node sent it (`sent`: to an inbox that is not open here, so
 * that its hosts have to be found); it was accepted while it lived; it came when its
 * lifespan was over and its proof still held; its proof had lapsed, and a keeper vouched for it; it is
 * kept for others alone, since nobody here can open it.
 */
export type Origin = 'own' | 'sent' | 'live' | 'historical' | 'attested' | 'carried'

/** Whether an agent of this node sent the bundle. */
export function isSentHere({ origin }: Pick<HistoryRow, 'origin'>): boolean {
  return origin === 'own' || origin === 'sent'
}

/** Two signed bundles for one place of a stream. */
export interface EvidenceRow {
  /** The key, in hex. */
  readonly key: string
  readonly stream: string
  readonly ids: readonly [string, string]
  /** Both bundles; null where the first was not kept any more. */
  readonly bundles: readonly [Uint8Array | null, Uint8Array]
}

/**
 * Where a history's bundles lie; all of it belongs to one node. Calls take effect in their order.
 * One contract for memory and for SQLite.
 */
export interface HistoryRows extends AsyncDisposable {
  /** What lies there from before, without the bundles; called once, first. */
  load(): Promise<readonly HistoryRow[]>
  /**
   * Keeps a bundle; resolves when it would survive a crash of the process. It can be read at once.
   * Where nobody waits for that (default: somebody does), it may wait for others.
   * @throws AgentError `not-stored`
   */
  put(row: HistoryRow, bytes: Uint8Array, options?: { readonly isAwaited?: boolean }): Promise<void>
  /** Forgets bundles; ids that are not there are passed over. */
  remove(ids: readonly Uint8Array[]): void
  /** The bundles with these ids, in their order; undefined for those that are not there. @throws AgentError `not-stored` */
  read(ids: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Keeps evidence against a key: one for each, and the first of it. @throws AgentError `not-stored` */
  putEvidence(evidence: EvidenceRow): Promise<void>
  /** All of that, oldest first. */
  evidence(): Promise<readonly EvidenceRow[]>
}
