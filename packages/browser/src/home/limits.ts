/** Statements that a page keeps of one name: as many as a node's home does. */
export const PAGE_STATEMENTS_MAX = 4_096
/** One value of the store; an epoch takes 16 bytes, what is known of revocations the most. */
export const PAGE_VALUE_BYTES_MAX = 8 * 1024 * 1024
/**
 * Places that the journal of a page keeps, the first to be forgotten go: two hours of 40 bundles a
 * second, some 60 MiB. A node's journal has more room, and more senders.
 */
export const PAGE_PLACES_MAX = 262_144
/** So many places are written before the journal looks for those that have ended. */
export const PAGE_PLACES_SWEPT = 8_192
