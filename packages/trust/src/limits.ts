/**
 * Bytes of one encoded value where the caller names no smaller limit. The largest form on the wire,
 * the messages of a bundle, is 60 KiB; the rest is for what stands around it.
 */
export const ENCODED_BYTES_MAX = 64 * 1024

/**
 * How deep arrays and maps may nest: a scalar is 0, an array of scalars 1. Forms of ours are flat,
 * since what is signed is carried as binary; people's bodies rarely pass 5. A recursive decoder
 * stays far from its stack's end.
 */
export const ENCODED_DEPTH_MAX = 8

/**
 * Values in one encoded value, containers and map keys counted. One byte of input may become an
 * object of tens of bytes in memory; this bounds the factor, whatever limit of bytes a caller sets.
 */
export const ENCODED_ITEMS_MAX = 65_536

/** Bytes of an Ed25519 public key (RFC 8032 section 5.1.5). */
export const PUBLIC_KEY_BYTES = 32

/** Bytes of an Ed25519 signature (RFC 8032 section 5.1.6). */
export const SIGNATURE_BYTES = 64

/** Bytes of the secret from which an Ed25519 key pair is derived (RFC 8032 section 5.1.5). */
export const SEED_BYTES = 32

/** Bytes of an id: SHA-256. */
export const ID_BYTES = 32

/** Bytes of a statement's nonce: two of equal content never meet by chance. */
export const NONCE_BYTES = 16

/**
 * Bytes of one statement's envelope. A grant with every set full of names of usual length has some
 * 3 KiB; a bundle must be able to stand beside the statements that it needs.
 */
export const STATEMENT_BYTES_MAX = 4 * 1024

/**
 * How far two clocks may be apart, in ms: widens statement times and replay checks, nothing else.
 * Machines that keep time by NTP stay within a second; a minute also covers a clock set by hand.
 */
export const SKEW_MS = 60_000

/** Binding links that a binding may allow below itself; more than a chain may have is no use. */
export const BINDING_DEPTH_MAX = 16

/** Actions in one grant: all ten, and room for those of later versions. */
export const GRANT_ACTIONS_MAX = 16

/** Topics in one grant; a wildcard pattern says more than a longer list. */
export const GRANT_TOPICS_MAX = 32

/** Patterns in one grant of who may receive a part of it. */
export const GRANT_DELEGATES_MAX = 32

/** Conditions in one grant: those known, and room for those of later versions. */
export const GRANT_CONDITIONS_MAX = 16

/** Exact names in one `approvals` condition: people who look at each message are few. */
export const APPROVERS_MAX = 16

/** Characters of a condition's name: it is printed in errors. */
export const CONDITION_NAME_MAX = 64

/** The highest priority of a bundle (docs/protocol.md, section "Delivery"). */
export const PRIORITY_MAX = 3

/**
 * The highest priority without a `maxPriority` condition (docs/protocol.md, section "Delivery").
 */
export const PRIORITY_CAP_DEFAULT = 1

/** Links in one chain of bindings or of grants: a cost cap, not a meaning (pitfall 19). */
export const CHAIN_LINKS_MAX = 16

/** Statements in one proof, and in one check, counted before any cryptography (pitfall 19). */
export const PROOF_STATEMENTS_MAX = 64

/** Keys of one cross-certificate, as of an anchor: in use, next, and two for a bad roll-over. */
export const CROSS_KEYS_MAX = 4

/** Patterns that the subject of one cross-certificate may speak for. */
export const CROSS_NAMES_MAX = 32

/** Patterns of whom the subject may certify in turn: the members of a federation. */
export const CROSS_INTRODUCES_MAX = 32

/** Cross-certificates on one path: one's own, a federation or two, and the last organisation. */
export const CROSS_HOPS_MAX = 4

/** Cross-certificates that one search for a path may walk over, counted before any cryptography. */
export const CROSS_EDGES_MAX = 64

/** Grants to speak for one name that a check tries: one, and those while it is renewed. */
export const SPEAK_GRANTS_MAX = 4

/** Cross-certificates that one's own organisation issued: partners that a person decided on. */
export const HOME_CROSS_CERTIFICATES_MAX = 4_096

/** Bytes of the DNSSEC records in a proof: a chain from the root of the DNS takes 3 to 5 KB. */
export const PROOF_DNSSEC_BYTES_MAX = 8 * 1024

/** Bytes of an encoded proof: its records, 64 ids of 34 bytes, and what stands around them. */
export const PROOF_BYTES_MAX = 12 * 1024

/** Keys of one anchor: the key in use, the next one, and two for a roll-over that went wrong. */
export const ANCHOR_KEYS_MAX = 4

/** DNSKEY and DS records of one zone anchor: two keys, each by two digests, twice over. */
export const ANCHOR_RECORDS_MAX = 8

/** Characters of one such record: an RSA key of 4,096 bits takes some 700. */
export const ANCHOR_RECORD_LENGTH_MAX = 1_024

/** Patterns that one anchor may speak for. */
export const ANCHOR_NAMES_MAX = 32

/** Anchors in one set: partners that a person decided on, one by one. */
export const ANCHORS_MAX = 4_096

/** Characters of a trust store file: 4,096 anchors of 512 each. */
export const ANCHORS_TEXT_MAX = 2 * 1024 * 1024

/** Zones below the root of the DNS whose anchor is kept made; making one costs some 40 µs. */
export const ROOT_ZONES_MAX = 1_024

/** Characters of the note of who added an anchor. */
export const ANCHOR_ADDED_BY_MAX = 253

/**
 * Statements that one owner (a peer, or this node itself) may have in the store before they are
 * used: 16 proofs of the largest size; at 4 KiB each, 4 MiB a peer.
 */
export const STORE_OWNER_STATEMENTS_MAX = 1_024

/** Owners that may have statements in the store; a node has far fewer neighbours. */
export const STORE_OWNERS_MAX = 1_024

/** Statements of accepted chains in the store, shared by all; the longest unused go first. */
export const STORE_KEPT_MAX = 65_536

/** Characters of one line of an explanation: four names of the longest kind. */
export const EXPLANATION_LINE_MAX = 1_024

/** How long a status may call itself fresh: three times as long as between two of them. */
export const STATUS_FRESH_MS_MAX = 60_000

/** Links that live no longer than this need no status: they end before one would say anything. */
export const UNCHECKED_LINK_MS_MAX = 60_000

/**
 * How long a node that is cut off goes on within its own organisation, from the issue of the last
 * status that it heard: robots finish what they are at, and a stolen key is not of use for ever.
 */
export const PARTITION_MS_MAX = 600_000

/** Revocations by the right of one name that have not ended; one list of their ids fits a frame. */
export const REVOCATIONS_PER_NAME_MAX = 1_024

/** Beyond these, room for those of the name's own keys: an anchor has four, and their successors. */
export const REVOCATIONS_OF_OWN_KEYS_MAX = 16

/** Revocations under one anchor but those of its own name: an organisation fills its own room. */
export const REVOCATIONS_PER_ROOT_MAX = 16_384

/** Earlier states of a set that are remembered: a status is seconds behind, not more. */
export const REVOCATION_STATES_MAX = 16

/** Names whose newest status is remembered, anchors not counted; no newcomer pushes one out. */
export const STATUSES_MAX = 16_384

/** Items under one signature: fewer gain nothing. */
export const TREE_ITEMS_MIN = 2

/** Items under one signature: a batch of births; eight siblings stand beside each at most. */
export const TREE_ITEMS_MAX = 256

/** Nodes of trees that are remembered, 96 bytes each: four full trees. */
export const TREE_NODES_REMEMBERED_MAX = 1_024

/** Signatures over several items that are remembered, some 400 bytes each. */
export const VERIFIED_TREES_MAX = 4_096

/** Keys known to be sound: what is bound is read twice or more within moments. */
export const SOUND_KEYS_MAX = 4_096
