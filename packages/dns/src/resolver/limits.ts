/** Questions of one lookup; four zones below the root take about twelve. */
export const LOOKUP_QUESTIONS_MAX = 32
/** Time of one lookup; people give up sooner. */
export const LOOKUP_MS_MAX = 16_000
/** Lookups at the same time: each has a few sockets open, and a process often has 1,024. */
export const LOOKUPS_RUNNING_MAX = 128
/** Lookups that run or wait; more are refused at once, as unreachable. */
export const LOOKUPS_MAX = 4_096
/** Records that one lookup takes from all answers, repeated ones too; a validator looks at fewer. */
export const LOOKUP_RECORDS_MAX = 1_024
/** Name servers of one referral whose address is looked up, one inside another. */
export const REFERRAL_DEPTH_MAX = 4
/** Servers of one zone that a referral may name; all others are left out. */
export const ZONE_SERVERS_MAX = 4

/** After this a UDP query is sent once more: datagrams get lost. */
export const UDP_RETRANSMIT_MS = 1_000
/** After this a UDP server counts as silent. */
export const UDP_MS_MAX = 3_000
/** Datagrams that are no answer; after so many somebody is guessing, and TCP is asked. */
export const UDP_JUNK_MAX = 64
/** One query over TCP, TLS or HTTPS, its handshake included. */
export const STREAM_MS_MAX = 5_000
/** A connection that nothing was asked over is closed after this (RFC 7766 section 6.2.3). */
export const IDLE_MS = 10_000
/** Queries that wait on one connection; ids have 16 bits. */
export const STREAM_QUERIES_MAX = 1_024
/** Answers to nothing on one connection; after so many it is closed. */
export const STREAM_JUNK_MAX = 16

/** A key that was removed must be missed within the hour, whatever its record says. */
export const POSITIVE_TTL_SECONDS_MAX = 3_600
/** Names are made at any time, so their absence is kept shortly (RFC 2308 section 5 allows more). */
export const NEGATIVE_TTL_SECONDS_MAX = 60
/** Nobody vouches for it, so it is asked again soon. */
export const INSECURE_TTL_SECONDS_MAX = 30
/** Long enough that a broken zone is not asked in a loop (RFC 4035 section 4.7). */
export const BOGUS_TTL_SECONDS = 1
/** Answers that are kept. */
export const CACHE_ENTRIES_MAX = 4_096
/** Bytes of records that are kept; a proof of three zones takes about 1,200. */
export const CACHE_BYTES_MAX = 8 * 1024 * 1024
/** RRsets of keys (DNSKEY, DS) that later lookups begin with. */
export const ZONE_KEYS_MAX = 1_024
/** Names and types of which the newest signature is remembered. */
export const NEWEST_MAX = 16_384
/** Zones that were secure once; a full list takes no more and forgets none. */
export const SECURE_NAMES_MAX = 16_384

/** Questions about its own zones that a forwarder has on their way; each takes a connection. */
export const FORWARDED_MAX = 256
/** How long such a question may take: the server stands nearby, and a page waits. */
export const FORWARD_MS_MAX = 4_000
/**
 * How long a forwarder keeps an answer, at most. It validates none: a false one that came between it
 * and the server is gone within that, and thousands of pages ask for the same names meanwhile.
 */
export const FORWARDED_KEPT_SECONDS_MAX = 60
/** Answers that a forwarder keeps. */
export const FORWARDED_KEPT_MAX = 4_096
/** Of those, for one asker: a page resolves some names, an office some more. */
export const FORWARDED_KEPT_PER_ASKER_MAX = 256
/** Bytes of what it keeps; an answer with its proof of absence takes some 2 KiB. */
export const FORWARDED_KEPT_BYTES_MAX = 8 * 1024 * 1024
