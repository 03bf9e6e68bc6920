/** Records of one `_ixjkey` RRset: the key in use, the next one, one to bind and one to spare. */
export const KEY_RECORDS_MAX = 4
/** Characters of one `_ixjkey` record: 210 for all tags, the rest for names of hosts. */
export const KEY_RECORD_TEXT_MAX = 2_048
/** Hosts in one `_ixjkey` record: an agent runs on a few nodes, not on a fleet. */
export const KEY_HOSTS_MAX = 16
/** The latest `nb`, in seconds: the end of the year 9999, the last that RFC 3339 can write. */
export const NOT_BEFORE_SECONDS_MAX = 253_402_300_799
/**
 * How long after its signing an answer with keys counts at most, in ms, however long its signature
 * lives: a removed key stays provable that long. Servers that sign while they answer date their
 * signatures back by up to a day, so the second day is what such an answer has left.
 */
export const KEY_AGE_MS_MAX = 2 * 86_400_000
/** Records of one `_ixj` SVCB RRset. */
export const ENDPOINTS_MAX = 16
/** Address hints of one endpoint, of each family. */
export const ENDPOINT_HINTS_MAX = 8
/** Records of one `_dnsaddr` RRset. */
export const DNSADDRS_MAX = 16
/** Bytes of one `dnsaddr=…`: js-libp2p takes the strings of a TXT for records of their own. */
export const DNSADDR_BYTES_MAX = 254
