import { decode, encode } from 'punycode/punycode.es6.js'
import { quote, type Fault } from './name-error.ts'
import { findULabelFault } from './u-label.ts'

const prefix = 'xn--'

/** Whether a label claims to be an A-label, in lower case (RFC 5890 section 2.3.1). */
export function isALabel(label: string): boolean {
  return label.startsWith(prefix)
}

/** The U-label of a valid A-label (RFC 3492 section 6.2). */
export function decodeALabel(aLabel: string): string {
  return decode(aLabel.slice(prefix.length))
}

/**
 * The A-label of a valid U-label (RFC 3492 section 6.3). Cost: quadratic in the label, so check its
 * length first.
 */
export function encodeALabel(uLabel: string): string {
  return prefix + encode(uLabel)
}

/**
 * The rule that an A-label of at most 63 lower-case ASCII characters breaks; undefined for a valid
 * one.
 * "That string must be a valid A-label": Punycode of a valid U-label, and of nothing but itself
 * (RFC 5891 section 5.4).
 */
export function findALabelFault(aLabel: string): Fault | undefined {
  const wrong = `the label ${quote(aLabel)} is no A-label`
  let uLabel: string
  try {
    uLabel = decodeALabel(aLabel)
  } catch (cause) {
    return { code: 'not-a-label', reason: `${wrong}: it is no Punycode`, cause }
  }
  // Two A-labels for one U-label would be two names that people cannot tell apart; surrogates
  // encoded one by one make such a second one.
  if (encodeALabel(uLabel) !== aLabel) {
    return { code: 'not-a-label', reason: `${wrong}: it does not encode back to itself` }
  }
  const fault = findULabelFault(uLabel)
  return fault && { ...fault, reason: `${wrong}: ${fault.reason}` }
}
