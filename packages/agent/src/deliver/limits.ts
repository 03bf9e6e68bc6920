/** How long a decision waits for others that share its acknowledgement. */
export const DELIVER_ACKNOWLEDGE_MS = 1

/**
 * So many bytes that are decided, half a window, wait for nothing: a receiver that works off what
 * many have brought comes to its timers late, and who waits for room would wait for those.
 */
export const DELIVER_ACKNOWLEDGE_BYTES = 2 * 1024 * 1024

/** A bundle that comes so long after the one before is lone: its sender has nothing that waits for it. */
export const DELIVER_LONE_MS = 8

/**
 * How long word that a lone bundle was accepted waits for company: to write it costs the receiver, and
 * to be woken by it the sender, as much as a signature. A sender that ends waits for it.
 */
export const DELIVER_ACKNOWLEDGE_LONE_MS = 50
