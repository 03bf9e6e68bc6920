/** A whole name on the wire (RFC 1035 section 2.3.4). */
export const NAME_BYTES_MAX = 255
/** One label (RFC 1035 section 2.3.4). */
export const LABEL_BYTES_MAX = 63
/** Labels of a name, the root not counted: each takes two bytes at least. */
export const LABELS_MAX = 127
/** One message over TCP (RFC 1035 section 4.2.2). */
export const MESSAGE_BYTES_MAX = 65_535
/** Records read from one message; more than this in 64 KiB are not for us. */
export const MESSAGE_RECORDS_MAX = 4_096
/** Questions of one message: every server answers the first alone. */
export const QUESTIONS_MAX = 1
/** UDP messages that pass nearly every path in one piece (DNS flag day 2020). */
export const UDP_BYTES_MAX = 1_232
/**
 * Records that one validation looks at. A chain of five zones with NSEC3 has some 60; more only
 * makes work.
 */
export const VALIDATION_RECORDS_MAX = 256
/**
 * Bytes of data of these records: each signature check hashes its set again, so a set of megabytes
 * under many signatures would cost seconds.
 */
export const VALIDATION_BYTES_MAX = 262_144
/** Signature checks of one validation: two a zone, so zones from anchor to answer are at most 16. */
export const SIGNATURE_CHECKS_MAX = 32
/** Keys of one tag tried for one signature: tags of 16 bits hardly meet by chance (KeyTrap). */
export const KEYS_PER_TAG_MAX = 4
/** Digests of keys computed for DS records in one validation. */
export const KEY_DIGESTS_MAX = 32
/** Aliases (CNAME, DNAME) followed for one answer. */
export const ALIASES_MAX = 8
/** Further hash rounds that an NSEC3 may ask for; zones have 0 (RFC 9276 section 3.1). */
export const NSEC3_ITERATIONS_MAX = 100
/**
 * SHA-1 computations of one validation for NSEC3: 20 names at the most rounds, 2,048 at none.
 * WebCrypto does some 50,000 a second.
 */
export const NSEC3_ROUNDS_MAX = 2_048
/** Bytes of an encoded chain: a public one through RSA zones has 3 to 5 KB. */
export const CHAIN_BYTES_MAX = 8_192
/** Records of an encoded chain. */
export const CHAIN_RECORDS_MAX = 128
/** Characters of a file of anchors: some hundred keys with their comments. */
export const ANCHOR_TEXT_MAX = 262_144
/** Records in a file of anchors. */
export const ANCHOR_RECORDS_MAX = 1_024
