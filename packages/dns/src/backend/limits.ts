/** How long a primary may take from saying that it made a change to answering by it, in ms. */
export const SEEN_MS_MAX = 3_000
/** The first pause between two looks, in ms; each one is twice as long as the one before. */
export const SEEN_PAUSE_MS = 4
/** The longest such pause, in ms. */
export const SEEN_PAUSE_MS_MAX = 256
/** Questions at a time that look whether a change is seen. */
export const SEEN_QUESTIONS_MAX = 8
/** Changes of a file that may wait for each other. */
export const FILE_CHANGES_WAITING_MAX = 1_024
/** Bytes of a file with keys for transaction signatures: some hundred keys. */
export const KEY_FILE_BYTES_MAX = 65_536
