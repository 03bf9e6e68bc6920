const SECOND = 1_000
const KIB = 1_024

/** A configuration is a page of text; more is another file. */
export const CONFIGURATION_BYTES_MAX = 64 * KIB

/** Connections of all kinds: 10,000 pages, as many again that come back at once, and requests. */
export const CONNECTIONS_MAX_DEFAULT = 24_000
/** Connections of one address: an office behind one, each with a socket and some requests. */
export const CONNECTIONS_PER_ADDRESS_MAX_DEFAULT = 512
/** Connections of who reads metrics on their own port. */
export const METRICS_CONNECTIONS_MAX = 16
/** A connection without a request is kept this long; pages ask for several files in a row. */
export const IDLE_MS_MAX = 10 * SECOND

/** A connection on which nothing moves this long is ended: longer than a claim waits for its answer. */
export const STALLED_MS_MAX = 45 * SECOND
/** A TLS handshake takes three round trips. */
export const HANDSHAKE_MS_MAX = 10 * SECOND

/** Files of a web page. */
export const PAGE_FILES_MAX = 1_024
/** Bytes of a web page; it is held in memory, so that nothing outside of its folder is read. */
export const PAGE_BYTES_MAX = 32 * 1_024 * KIB
/** Below this a file is not worth compressing. */
export const COMPRESS_BYTES_MIN = 1 * KIB

/** A certificate and its chain, and a key: some KiB each. */
export const PEM_BYTES_MAX = 256 * KIB
/** How often the files of a certificate are looked at: renewals come days before they are needed. */
export const CERTIFICATE_LOOK_MS = 2 * SECOND
/** Tools write key and certificate one after the other. */
export const CERTIFICATE_SETTLE_MS = 200

/** How long a relay that ends waits for its pages to leave. */
export const DRAIN_SECONDS_DEFAULT = 10
export const DRAIN_SECONDS_MAX = 600

/** Questions about zones that one address may have on their way: a page resolves a few at once. */
export const DNS_QUERIES_PER_ADDRESS_MAX = 16

/** Invitations that are open, and those of one inviter: each is for a person at a page. */
export const INVITATIONS_MAX = 1_024
export const INVITATIONS_PER_INVITER_MAX = 64
/**
 * Claims to one invitation that wait at the same time: one is enough, and who only knows its id may
 * not fill the place of it. Each takes its inviter one question.
 */
export const CLAIMS_PER_INVITATION_MAX = 16
/** Claims of one address that wait for their inviters. */
export const CLAIMS_PER_ADDRESS_MAX = 4
/** How long a page waits for the inviter; shorter than a request may take. */
export const CLAIM_WAIT_MS = 20 * SECOND
/** How long an inviter waits for a claim before it asks again; a request lives for 30 s. */
export const INVITER_WAIT_MS = 15 * SECOND
