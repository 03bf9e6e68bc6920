import { findALabelFault, isALabel } from './a-label.ts'
import { labelLengthMax, labelsMin, nameLengthMax } from './limits.ts'
import { findLengthFault, nameError, quote, type Fault } from './name-error.ts'
import { findHyphenFault } from './u-label.ts'

declare const nameBrand: unique symbol

/**
 * A DNS name in canonical form (design section 3): equal names are equal strings, and only this
 * package makes them.
 */
export type Name = string & { readonly [nameBrand]: true }

/**
 * Reads a name that has to be canonical already, as in statements and on the wire; nothing is
 * repaired.
 *
 * Canonical: at most 253 characters; at least two labels; each of 1 to 63 of `[a-z0-9-]` with no
 * `-` at an edge, and no `--` in places 3 and 4 except in an A-label that decodes to a valid
 * U-label and encodes back to itself; no trailing dot; the last label is no number. A label may mix
 * scripts here: only people are misled by that, so it is refused and shown where they are.
 * Labels with `pool` are names; see `isReservedPool`.
 * Cost: the length is checked first, so a refusal of any text costs no more than one of 253
 * characters.
 * Source: RFC 1035 section 2.3.4, RFC 952, RFC 1123 section 2.1, RFC 5891 section 5.4, RFC 3696
 * section 2.
 *
 * @throws NameError with the code of the first broken rule; all codes but those of users, patterns
 * and topics.
 */
export function parseName(text: string): Name {
  const fault = findNameFault(text)
  if (fault !== undefined) throw nameError('read the name', text, fault)
  return text as Name
}

/** Whether `parseName` accepts this value; throws nothing, and costs the same. */
export function isName(text: unknown): text is Name {
  return typeof text === 'string' && findNameFault(text) === undefined
}

/** The first rule that a text breaks on its way to a name; undefined for a name. */
export function findNameFault(text: string): Fault | undefined {
  const lengthFault = findLengthFault(text, nameLengthMax)
  if (lengthFault !== undefined) return lengthFault
  if (text.endsWith('.')) return { code: 'trailing-dot', reason: 'it ends with a dot' }
  const labels = text.split('.')
  for (const label of labels) {
    const fault = findLabelFault(label)
    if (fault !== undefined) return fault
  }
  if (labels.length < labelsMin) {
    const reason = `it has ${labels.length} label, the least is ${labelsMin}`
    return { code: 'too-few-labels', reason }
  }
  // Resolvers and URL parsers read `1.0x7f` too as an IPv4 address (WHATWG URL section 3.5).
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/v.test(labels.at(-1) ?? '')) {
    return { code: 'numeric-tld', reason: 'the last label is a number, as in an IPv4 address' }
  }
  return undefined
}

/** The rule that one label of a canonical name breaks; undefined for a good one. */
export function findLabelFault(label: string): Fault | undefined {
  if (label === '') return { code: 'empty-label', reason: 'a label is empty' }
  if (label.length > labelLengthMax) {
    const reason = `a label has ${label.length} characters, the limit is ${labelLengthMax}`
    return { code: 'label-length', reason }
  }
  const wrong = /[^a-z0-9\-]/v.exec(label)?.[0]
  if (wrong !== undefined) return characterFault(label, wrong)
  if (isALabel(label) && !label.endsWith('-')) return findALabelFault(label)
  return findHyphenFault(label)
}

function characterFault(label: string, wrong: string): Fault {
  const where = `the label ${quote(label)} holds ${quote(wrong)}`
  if (wrong === '_')
    return { code: 'underscore', reason: `${where}, which is for DNS records only` }
  if (/[A-Z]/v.test(wrong)) return { code: 'upper-case', reason: `${where}, names are lower case` }
  if (/\P{ASCII}/v.test(wrong)) return { code: 'not-ascii', reason: `${where}, names are ASCII` }
  return { code: 'character', reason: `${where}, a label holds only a-z, 0-9 and "-"` }
}
