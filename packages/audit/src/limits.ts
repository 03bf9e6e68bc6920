/** Bytes of one record: 64 agents and a chain of 16 grants with names of the longest kind. */
export const RECORD_BYTES_MAX = 32 * 1024

/** Names of those who passed a grant on: as many as a chain may have links. */
export const DELEGATORS_MAX = 16

/** Agents of one node that a record lists; it counts the others. */
export const RECORD_AGENTS_MAX = 64

/** Bytes of a code in a record; ours have some 20. */
export const CODE_BYTES_MAX = 64

/** Bytes of the policy rule in a record. */
export const RULE_BYTES_MAX = 256

/** Bytes of why records could not be written. */
export const REASON_BYTES_MAX = 256

/** Bytes of a signed note: a checkpoint of ours has 250, and 150 more for each witness. */
export const NOTE_BYTES_MAX = 16 * 1024

/** Signatures of one note; C2SP signed-note asks for 16 at least. */
export const NOTE_SIGNATURES_MAX = 64

/** Characters of a key's name or a log's origin. */
export const KEY_NAME_MAX = 512

/** Bytes of a note's signature: that of post-quantum schemes is passed over, not refused. */
export const NOTE_SIGNATURE_BYTES_MAX = 6 * 1024

/** Hashes of one proof: the depth of a tree of 2^53 records, twice for consistency. */
export const PROOF_HASHES_MAX = 108

/** Refusals a second that are recorded in full for one neighbour; more are counted. */
export const REFUSALS_PER_NEIGHBOUR_MAX = 16

/** Refusals a second that are recorded in full in all; more are counted. */
export const REFUSALS_PER_SECOND_MAX = 128

/** Kinds of refusal that are counted apart in one second; more are counted by their code alone. */
export const REPEATS_KEYS_MAX = 512

/** Faults of one log that are listed; a log may be made of nothing else. */
export const LOG_FAULTS_MAX = 1_000
