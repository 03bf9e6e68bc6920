/** Bytes that wait to be written to a history: a disk slower than this is told, not waited for. */
export const HISTORY_QUEUED_BYTES_MAX = 64 * 1024 * 1024

/**
 * How long a bundle waits for company on its way to the tables where nobody waits for it, such as what
 * others sent, or where it is in the journal: to wake the thread for each, and to be woken by it, costs
 * the program more than to sign a message.
 */
export const HISTORY_GATHER_MS = 100

/** Bundles up to this are stored in the journal; larger ones are many messages, and share the cost. */
export const HISTORY_JOURNALED_BYTES_MAX = 4 * 1024

/** Bytes of one of the journal's two files: more than wait for the tables while these can be written. */
export const JOURNALED_FILE_BYTES_MAX = 2 * HISTORY_QUEUED_BYTES_MAX

/** How long after a commit that failed what is in the journal is tried again. */
export const HISTORY_RETRY_MS = 1_000

/** Memory that a history keeps to hand bundles to its thread; what is more has memory of its own. */
export const HISTORY_STAGED_BYTES = 1024 * 1024

/** Pages of a history's file: a bundle at its largest takes five. */
export const HISTORY_PAGE_BYTES = 16 * 1024

/** How soon what is committed survives a power cut, too: half a second after it was stored. */
export const HISTORY_SYNC_MS = 400

/** Bytes of one file of a journal of places; whole files are forgotten, never parts. */
export const JOURNAL_FILE_BYTES = 4 * 1024 * 1024

/** How long places of state wait to be written together: a crash loses no more. */
export const JOURNAL_GATHER_MS = 10

/** So many records are written at once whatever has passed: 64 KiB. */
export const JOURNAL_GATHERED_MAX = 512

/** Files of a journal: some six million places, more than a node takes in an hour. */
export const JOURNAL_FILES_MAX = 128
