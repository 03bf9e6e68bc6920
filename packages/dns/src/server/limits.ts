const MS = 1_000
const HOUR = 3_600 * MS

/** How far in the past a signature begins: clocks of validators may be behind by this much. */
export const SIGNATURE_BACKDATE_MS = HOUR
/**
 * How long a signature holds, from its inception to its expiration. A record that was removed can
 * be proven for as long: this bounds it.
 */
export const SIGNATURE_VALIDITY_MS = 4 * HOUR
/** Signatures kept by a zone: one for each of 100,000 names, with room; some 300 bytes each. */
export const SIGNATURES_MAX = 131_072
/** The largest TTL that a zone takes, in seconds: a day. */
export const TTL_SECONDS_MAX = 86_400
/** Records of a zone; with {@link ZONE_BYTES_MAX}, so that no update key can fill the memory. */
export const ZONE_RECORDS_MAX = 1_000_000
/** Bytes that the records of a zone take, about: a million records of five labels have 0.8 GB. */
export const ZONE_BYTES_MAX = 1_073_741_824
/** What a name takes for each of its labels: names above it that have no records exist, too. */
export const LABEL_OVERHEAD_BYTES = 128
/** Records of one RRset. */
export const RRSET_RECORDS_MAX = 256
/** Bytes of data of one RRset: it has to fit into one message, signed. */
export const RRSET_BYTES_MAX = 32_768
/** Types at one name: a denial lists them all. */
export const TYPES_PER_NAME_MAX = 64
/** Aliases that are followed in one answer. */
export const ALIASES_MAX = 8

/** Updates that wait for the disk; more are refused. */
export const UPDATES_WAITING_MAX = 8_192
/** Updates that one transaction takes: bounds how long queries wait for it. */
export const UPDATES_PER_COMMIT_MAX = 256
/** After this no further update goes into a transaction: some cost a thousand times what most do. */
export const COMMIT_MS_MAX = 50
/** Prerequisites and changes of one update message: bounds how long it holds up queries. */
export const UPDATE_RECORDS_MAX = 1_024
/** Updates of one key that are remembered, so that none is carried out twice. */
export const REPLAYS_MAX = 16_384

/** Connections in all, and from one address; a resolver needs one or two. */
export const CONNECTIONS_MAX = 512
export const CONNECTIONS_PER_ADDRESS_MAX = 64
/** A connection without a whole message for this long is closed (RFC 7766 section 6.2.3). */
export const IDLE_MS_MAX = 10 * MS
/** Answers that a peer may leave unread before its connection is cut. */
export const UNREAD_BYTES_MAX = 1_048_576
/** Messages of one connection that are worked on at once; then it is not read. */
export const PIPELINED_MAX = 256

/** Answers a second to one source network over UDP, and how many may come at once. */
export const RATE_PER_SECOND = 50
export const RATE_BURST = 200
/** Of the answers that are held back, one in so many goes out cut off, so that TCP is tried. */
export const RATE_SLIP = 2
/** Counters of the limiter; networks that share one by chance share its budget. */
export const RATE_BUCKETS = 65_536

/** A server's cookie is taken for an hour (RFC 9018 section 4.3). */
export const COOKIE_SECONDS_MAX = 3_600
/** And its clock may be this far ahead (RFC 9018 section 4.3). */
export const COOKIE_AHEAD_SECONDS_MAX = 300

/** Bytes of a query over HTTPS. */
export const HTTPS_QUERY_BYTES_MAX = 4_096
/** Streams that one HTTP/2 connection may have open. */
export const HTTPS_STREAMS_MAX = 100

/** Transfers that run at once: each walks the whole zone. */
export const TRANSFERS_MAX = 4
/** Data bytes in one message of a transfer: under 64 KiB, signature and all. */
export const TRANSFER_MESSAGE_BYTES = 16_384
/** How often a zone that has secondaries is signed anew, so that no copy of it goes stale. */
export const RESIGN_EVERY_MS = HOUR
/** The least time between two NOTIFYs of a zone to one secondary. */
export const NOTIFY_GAP_MS = MS
/** Tries of one NOTIFY, and the wait for each answer (RFC 1996 section 3.6). */
export const NOTIFY_TRIES_MAX = 5
export const NOTIFY_WAIT_MS = 2 * MS

/** RRsets of one update that are signed before anybody asks: an agent's key and its endpoints. */
export const SIGNED_AHEAD_MAX = 4
