/** Bytes that wait to be written to a history: a disk slower than this is told, not waited for. */
export const HISTORY_QUEUED_BYTES_MAX = 64 * 1024 * 1024

/**
 * How long a bundle waits for company on its way to the disk where nobody waits for it, such as what
 * others sent: waking the thread for each costs the program a third of a millisecond, in the midst of
 * an answer.
 */
export const HISTORY_GATHER_MS = 10

/** Memory that a history keeps to hand bundles to its thread; what is more has memory of its own. */
export const HISTORY_STAGED_BYTES = 1024 * 1024

/** Pages of a history's file: a bundle at its largest takes five. */
export const HISTORY_PAGE_BYTES = 16 * 1024

/** How soon what is stored, and survives a crash, survives a power cut too. */
export const HISTORY_SYNC_MS = 500

/** Bytes of one file of a journal of places; whole files are forgotten, never parts. */
export const JOURNAL_FILE_BYTES = 4 * 1024 * 1024

/** Files of a journal: some six million places, more than a node takes in an hour. */
export const JOURNAL_FILES_MAX = 128
