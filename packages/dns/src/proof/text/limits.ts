/** Characters of a zone file: 100,000 names with two records of 200 characters, and half more. */
export const ZONE_TEXT_MAX = 67_108_864
/** Records of a zone file. */
export const ZONE_TEXT_RECORDS_MAX = 1_000_000
