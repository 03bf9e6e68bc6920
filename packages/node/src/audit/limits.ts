/** Bytes read of a log at a time. */
export const LOG_READ_BYTES = 1024 * 1024

/**
 * Bytes of records that wait to be written: half a second of traffic at its heaviest. A disk that
 * stays further behind is one that cannot be written.
 */
export const LOG_QUEUE_BYTES_MAX = 4 * 1024 * 1024

/** Bytes written and synced at once; more wait for the next, which starts when this has ended. */
export const LOG_BATCH_BYTES_MAX = 1024 * 1024

/**
 * How long a record for which nobody waits is held back for others: each group costs the program
 * several wakings, in the midst of what it answers. It is lost with the process until then.
 */
export const LOG_GATHER_MS = 50

/** How long after a failure the log is tried again. */
export const LOG_RETRY_MS = 1_000

/** The oldest that a record gets without a checkpoint over it, while the log can be written. */
export const CHECKPOINT_MS = 10_000

/** Records without a checkpoint over them, where they come fast. */
export const CHECKPOINT_RECORDS_MAX = 65_536

/** Bytes at the end of the file of checkpoints in which the newest is looked for. */
export const CHECKPOINTS_TAIL_BYTES = 64 * 1024

/** Bytes of checkpoints that a verifier reads, the newest: one every 10 s for a month. */
export const CHECKPOINTS_BYTES_MAX = 64 * 1024 * 1024

/** Notes with cosignatures that are kept beside a log, the newest. */
export const COSIGNED_MAX = 64

/** Bytes of them: each at its largest. */
export const COSIGNED_BYTES_MAX = COSIGNED_MAX * 16 * 1024
