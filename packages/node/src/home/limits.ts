/** The most characters of a name that gets files here: 255 bytes is a file name's limit, less what is added to it. */
export const FILE_NAME_MAX = 200

/** Bytes of a key file; ours have some 500. */
export const KEY_FILE_BYTES_MAX = 4 * 1024

/** Statements kept for one name: its chain and its grants, several times what one proof may hold. */
export const STATEMENTS_MAX = 256

/** Bytes of a statements file: as many statements of full size (4 KiB) in base64url, and the rest. */
export const STATEMENTS_FILE_BYTES_MAX = 2 * 1024 * 1024

/** Cross-certificates of a home, and the bindings of their issuers. */
export const CROSSING_STATEMENTS_MAX = 8_192

/** Bytes of that file: certificates of usual size are 0.5 KiB. */
export const CROSSING_FILE_BYTES_MAX = 16 * 1024 * 1024

/** Rules of a policy file: each is tried for each decision that is not remembered. */
export const RULES_MAX = 256

/** Bytes of a policy file: its rules at 1 KiB each. */
export const POLICY_FILE_BYTES_MAX = 256 * 1024

/** Brackets inside brackets in one rule; the engine's stack ends between 50 and 200. */
export const RULE_DEPTH_MAX = 24

/** Operators and brackets in one rule; the engine's stack ends between 200 and 500 in a row. */
export const RULE_LINKS_MAX = 256

/** Decisions of a policy that are remembered; past that the oldest costs 0.1 ms again. */
export const POLICY_CACHE_MAX = 8_192

/** How long a policy file has to be left alone before it is read: editors write in steps. */
export const POLICY_SETTLE_MS = 100

/** How often it is looked at besides, where the system tells of no change. */
export const POLICY_LOOK_MS = 500

/** Cases of one table that a policy is held against. */
export const POLICY_CASES_MAX = 4_096

/** Bytes of such a table. */
export const POLICY_CASES_BYTES_MAX = 4 * 1024 * 1024

/** Changes of a policy file that wait for a reader; the oldest goes. */
export const POLICY_CHANGES_MAX = 64

/** Characters of what explanations call a rule. */
export const RULE_ID_MAX = 120

/** Bytes of an anchors file: its text limit is checked again where it is parsed. */
export const ANCHORS_FILE_BYTES_MAX = 16 * 1024 * 1024

/** Name servers in a DNS settings file: one for each organisation that is asked directly. */
export const UPSTREAMS_MAX = 256

/** Bytes of a DNS settings file: its servers with a certificate each. */
export const DNS_FILE_BYTES_MAX = 1024 * 1024

/** Keys of a zone that its settings hold: one, and one more while another takes its place. */
export const ZONE_RECORDS_KEPT_MAX = 4

/** Bytes of a zone's settings: its keys, a path, and the rest. */
export const ZONE_SETTINGS_BYTES_MAX = 16 * 1024

/** Bytes of one remembered value: the largest task with its proof, and small ones beside it. */
export const STORED_VALUE_BYTES_MAX = 704 * 1024

/** Bytes of the file around a remembered value: base64url, its key, and the rest. */
export const STORED_FILE_BYTES_MAX = 1024 * 1024

/** Characters of a remembered value's key. */
export const STORED_KEY_MAX = 1_024

/** How long a change of a file waits for others that change it; each takes some milliseconds. */
export const CHANGE_WAIT_MS = 5_000

/** Revocations and successors that lie in a home: what its own keys have taken back, by hand. */
export const NOTICE_FILES_MAX = 4_096
