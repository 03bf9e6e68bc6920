/** Bytes of the records that a page keeps: some 60,000 bundles. Then it begins a new log. */
export const PAGE_LOG_BYTES_MAX = 32 * 1024 * 1024
/** Records are covered by a checkpoint this long after they came at the latest. */
export const PAGE_CHECKPOINT_MS = 5_000
/** So many records are covered at once. */
export const PAGE_CHECKPOINT_RECORDS_MAX = 1_024
/** Checkpoints that are kept, the oldest of the middle go: each is 250 bytes. */
export const PAGE_CHECKPOINTS_MAX = 2_048
