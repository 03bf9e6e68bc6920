import { SKEW_MS } from '@ixj/trust'
import { TASK_LIFESPAN_MS_MAX } from '../limits.ts'

/** Bytes of a group's secret. */
export const GROUP_SECRET_BYTES = 32
/** Bytes of chance before each ciphertext of a group: 96 bits, as AES-GCM has them. */
export const GROUP_NONCE_BYTES = 12
/** A secret that is this old is replaced: what a thief of it can read ends there. */
export const SECRET_AGE_MS_MAX = 86_400_000
/** How long members seal with a secret if no other comes: its giver may be away for a day. */
export const SECRET_LIFETIME_MS = 2 * SECRET_AGE_MS_MAX
/** Between two raises of one giver: short-lived members end by the dozen. */
export const SECRET_RAISE_MS_MIN = 5_000
/** How often a giver looks for members that lack its secret, or may not have it any more. */
export const SECRET_LOOK_MS = 1_000
/** So long a bundle waits for its secret, and its sender for the first one of a group. */
export const SECRET_WAIT_MS = 2_000
/** So long a member that has just joined waits for the first secret before it gives up sending. */
export const FIRST_SECRET_WAIT_MS = 10_000
/** Bundles of one node that wait for secrets; as many messages of its own agents wait beside them. */
export const SECRET_WAITS_MAX = 256
/** Of these, bundles by one key: who seals under secrets that nobody has keeps out few others. */
export const SECRET_WAITS_PER_SENDER_MAX = 32
/** Secrets of one account in one group: at the fastest raising, those of the last ten minutes. */
export const SECRETS_PER_GIVER_MAX = 128
/** Accounts, beside the owners', whose secrets are kept for one group. */
export const SECRET_GIVERS_MAX = 8
/** So long before its right ends, whoever gives gives another under one that it holds for longer. */
export const SECRET_RENEWED_MS = 5_000
/** Secrets of one group that outlast the node; the newest are kept. */
export const SECRETS_STORED_MAX = 64
/** Members in one message of a giver: some 30 KiB. */
export const SECRET_RECEIVERS_MAX = 256
/** How long a secret opens what was sealed with it: as long as a task of then may be on its way. */
export const SECRET_KEPT_MS = TASK_LIFESPAN_MS_MAX + SKEW_MS
