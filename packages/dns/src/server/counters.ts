/** What a server did since it was opened. */
export interface ServerCounters {
  /** Requests of any kind that were read. */
  queries: number
  /** Answers by response code. */
  readonly answers: Map<number, number>
  /** Requests that the right of their sender did not cover, or that named no zone of ours. */
  refused: number
  /** Answers over UDP that were held back. */
  rateLimited: number
  /** Answers that did not fit into UDP. */
  truncated: number
  /** Update messages that were carried out. */
  updates: number
  /** Connections that were turned away or cut. */
  connectionsCut: number
  /** Bugs: requests that an unforeseen error ended. */
  failures: number
}

/** Counters at zero. */
export function newCounters(): ServerCounters {
  return {
    queries: 0,
    answers: new Map(),
    refused: 0,
    rateLimited: 0,
    truncated: 0,
    updates: 0,
    connectionsCut: 0,
    failures: 0,
  }
}
