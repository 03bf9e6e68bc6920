/**
 * How long an answer over UDP is waited for before the same bytes are sent again, in ms. A primary
 * that writes to a slow disk may take a second.
 */
export const UPDATE_UDP_WAITS_MS = [1_000, 2_000] as const
/** How long a socket to a primary stays open after the last message, in ms. */
export const UDP_LINE_IDLE_MS = 1_000
/** Packets of no use that are read before TCP is tried. */
export const UPDATE_UDP_JUNK_MAX = 16
/** One message over TCP and its answer, from the first byte to the last. */
export const UPDATE_TCP_MS_MAX = 10_000
/** A whole zone transfer: a million records take a second or two on a local network. */
export const TRANSFER_MS_MAX = 120_000
/** Bytes of a zone transfer: a million records of 128 bytes. */
export const TRANSFER_BYTES_MAX = 134_217_728
/** Records of a zone transfer. */
export const TRANSFER_RECORDS_MAX = 1_000_000
/** Messages of a transfer that may come without a signature, one after the other (RFC 8945 5.3.1). */
export const UNSIGNED_MESSAGES_MAX = 99
