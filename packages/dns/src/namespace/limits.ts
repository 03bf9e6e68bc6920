/** Names of one namespace, those that are suspended included. */
export const NAMESPACE_NAMES_MAX = 100_000
/** Verbs that run or wait for another one on their name, in one process. */
export const NAMESPACE_VERBS_MAX = 1_024
/** Readers of a namespace's events. */
export const NAMESPACE_READERS_MAX = 16
/** Events that may wait for a reader before the oldest is lost; the default. */
export const NAMESPACE_EVENTS_MAX = 1_024

/** How long a name stays published without being renewed, in seconds; the default. */
export const LEASE_SECONDS = 86_400
/** The shortest lease, in seconds: what lives for less is bound by a statement, not by DNS. */
export const LEASE_SECONDS_MIN = 10
/** The longest lease, in seconds: 400 days. What is meant to stay has none. */
export const LEASE_SECONDS_MAX = 34_560_000
/** How long before the end of a lease its owner is told, in seconds; a quarter of it at most. */
export const LEASE_NOTICE_SECONDS = 600

/** TTL of keys, in seconds: a removed key stays in caches for as long. */
export const KEY_TTL_SECONDS = 300
/** TTL of endpoints and addresses, in seconds: nodes move. */
export const ENDPOINT_TTL_SECONDS = 60
/** The longest TTL of either, in seconds. */
export const NAMESPACE_TTL_SECONDS_MAX = 86_400
/** IP addresses of one name. */
export const NAME_ADDRESSES_MAX = 16

/**
 * How long signatures of the zone hold, in seconds (at most 4 hours where agents are): a
 * new key counts when every answer without it has ended.
 */
export const SIGNATURE_SECONDS = 14_400
/** The longest that is believed of a zone, in seconds. */
export const SIGNATURE_SECONDS_MAX = 30 * 86_400
/** How long an old key stays after the new one counts, in seconds: the longest lifespan. */
export const OVERLAP_SECONDS = 3_600
/** The longest such time, in seconds. */
export const OVERLAP_SECONDS_MAX = 30 * 86_400

/** A change whose outcome nobody told us within this time, in ms, is looked at and settled. */
export const SETTLE_AFTER_MS = 30_000
/** The first wait before a change that failed is tried again, in ms; it doubles each time. */
export const RETRY_MS_MIN = 1_000
/** The longest such wait, in ms. */
export const RETRY_MS_MAX = 300_000
/** How often the keeper looks for what other processes have written, in ms. */
export const KEEPER_LOOK_MS = 5_000
/** Names that the keeper works on at once. */
export const KEEPER_NAMES_MAX = 16

/** Characters of an acceptance: 13 servers with two addresses each, and four keys. */
export const ACCEPTANCE_TEXT_MAX = 16_384
/** Name servers of a slice: as many as the root has. */
export const SLICE_SERVERS_MAX = 13
/** Addresses of one name server in a slice. */
export const SLICE_ADDRESSES_MAX = 4
/** DS records of a slice: the key in use, the next one, each with two digests. */
export const SLICE_DS_MAX = 4
