/**
 * The most characters of one label: the length octet of a DNS label has six bits (RFC 1035 section
 * 2.3.4).
 */
export const labelLengthMax = 63

/**
 * The most characters of a name: 255 octets on the wire, less the first length octet and the root
 * (RFC 1035 section 3.1).
 */
export const nameLengthMax = 253

/**
 * The fewest labels of a name: one label alone is a top-level domain or a local host name, which
 * nobody here can own (design section 3).
 */
export const labelsMin = 2

/**
 * The most code points of a U-label: its A-label spends `xn--` and at least one character on each
 * (RFC 3492 section 3).
 */
export const uLabelLengthMax = labelLengthMax - 'xn--'.length

/**
 * The most UTF-16 code units that `nameFromUser` looks at: four for each of 253 characters, so that
 * decomposed text (NFD) fits and work stays bounded.
 */
export const userTextLengthMax = 4 * nameLengthMax

/**
 * The longest base of a wildcard pattern: one more label and its dot have to fit into a name, else
 * the pattern matches nothing.
 */
export const wildcardBaseLengthMax = nameLengthMax - 'a.'.length

/**
 * The longest base below which two more labels fit; with a longer one `**.` matches exactly what
 * `*.` matches.
 */
export const deepBaseLengthMax = nameLengthMax - 'a.a.'.length

/** The most characters of a pattern: `**.` and the longest base. */
export const patternLengthMax = '**.'.length + wildcardBaseLengthMax

/** The most characters of a gossipsub topic string: its prefix and the longest name. */
export const topicStringLengthMax = '/ixj/1/'.length + nameLengthMax

/**
 * The most UTF-16 code units of a refused value that an error message repeats: enough to recognise
 * it, too few to flood a log.
 */
export const quotedLengthMax = 80
