/** How long events can be repaired, and read as history: as long as one may live. */
export const HISTORY_EVENT_MS = 600_000
/** How long tasks can. */
export const HISTORY_TASK_MS = 3_600_000
/** Bundles of one topic that are kept, with {@link HISTORY_ENTRY_BYTES} for each. */
export const HISTORY_TOPIC_BYTES_MAX = 32 * 1024 * 1024
/** Bundles of all topics. */
export const HISTORY_BYTES_MAX = 256 * 1024 * 1024
/** What a kept bundle costs beside its bytes: its id, sender and place in the index. */
export const HISTORY_ENTRY_BYTES = 512
/** Of a full topic a sixteenth is made room for at once, so that shares are rarely counted anew. */
export const HISTORY_ROOM = 16
/** Ids of what had to make room that are remembered, so that it is not pulled again; the oldest goes. */
export const HISTORY_LET_GO_MAX = 65_536
/** Streams of one topic whose newest places are remembered; the longest silent goes. */
export const HISTORY_STREAMS_MAX = 4_096
/** Messages that a reader may ask of history; more is a question for the audit log. */
export const HISTORY_MESSAGES_MAX = 10_000
/** Pairs of bundles that convict a key; one takes 132 KiB at most. */
export const EVIDENCE_KEPT_MAX = 256
/** Neighbours compare what they have by stretches of sentAt of this length. */
export const BUCKET_MS = 10_000
