const KIB = 1_024
const HOUR = 3_600_000

/** A link is clicked when it comes, or within the day; the inviter has to be there for as long. */
export const INVITATION_MS_MAX = 24 * HOUR
/** 256 bits: nobody guesses one, and no relay that sees codes made with it can look for it. */
export const INVITATION_SECRET_BYTES = 32
/** Two names at their longest, a third for the relay, two keys' worth of bytes, in base64url. */
export const INVITATION_LINK_MAX = 2 * KIB
/** A name at its longest, two keys, a signature and a code take some 600 bytes. */
export const CLAIM_BYTES_MAX = 1 * KIB
/** What is stated about a name: it has to fit into one message. */
export const ANSWER_BYTES_MAX = 48 * KIB
/** Statements of one answer: the chain, the grants, and what proves both. */
export const ANSWER_STATEMENTS_MAX = 64
