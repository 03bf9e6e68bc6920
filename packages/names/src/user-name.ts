import { decodeALabel, encodeALabel, isALabel } from './a-label.ts'
import { userTextLengthMax } from './limits.ts'
import { findLengthFault, nameError, type Fault } from './name-error.ts'
import { findNameFault, type Name } from './name.ts'
import { isRightToLeft } from './right-to-left.ts'
import { findScriptFault, isOneScript } from './script.ts'
import { findULabelFault } from './u-label.ts'

/**
 * Reads a name that a person typed: the edge where U-labels become A-labels.
 *
 * Three things are converted, label by label: text to NFC, upper case to lower case, U-labels to
 * A-labels. All else is refused as `parseName` refuses it: spaces, a trailing dot, full-width
 * letters and dots other than U+002E are not repaired.
 * A label, typed as U-label or as A-label, has to be in one script of UAX 31 table 5 (Japanese,
 * Korean and Chinese with Bopomofo count as one each).
 * A whole label of look-alikes in one script passes: no rule of scripts can tell it.
 * Cost: at most 1,012 UTF-16 code units are looked at.
 * Source: RFC 5891 section 5, UTS 39 section 5.1.
 *
 * @throws NameError with all codes but `upper-case`, `not-ascii`, `pattern`, `matches-nothing` and
 * `topic`.
 */
export function nameFromUser(text: string): Name {
  const lengthFault = findLengthFault(text, userTextLengthMax)
  if (lengthFault !== undefined) throw refuse(text, lengthFault)
  const labels = text.split('.').map((label) => asciiLabel(label, text))
  const name = labels.join('.')
  const fault = findNameFault(name) ?? findScriptsFault(labels)
  if (fault !== undefined) throw refuse(text, fault)
  return name as Name
}

function findScriptsFault(labels: readonly string[]): Fault | undefined {
  // Typed A-labels are judged like U-labels, else whoever is refused one could send the other.
  return labels
    .filter(isALabel)
    .map((label) => findScriptFault(decodeALabel(label)))
    .find((fault) => fault !== undefined)
}

function asciiLabel(label: string, text: string): string {
  const uLabel = label.normalize('NFC').toLowerCase().normalize('NFC')
  if (/^\p{ASCII}*$/v.test(uLabel)) return uLabel
  const fault = findULabelFault(uLabel)
  if (fault !== undefined) throw refuse(text, fault)
  return encodeALabel(uLabel)
}

function refuse(text: string, fault: Fault): Error {
  return nameError('read the name', text, fault)
}

/**
 * The name as people read it: U-labels for A-labels, save for labels that mix scripts or use an
 * unlisted one, which stay as they are.
 *
 * A name in which a right-to-left label stands beside one that starts with a digit stays in
 * A-labels as a whole, because a screen would reorder it (RFC 5893 section 2, condition 1). For
 * display only: nothing compares or parses this text but `nameFromUser`, which leads back to the
 * same name wherever no A-label was left.
 */
export function nameForPeople(name: Name): string {
  const shown = name.split('.').map(labelForPeople)
  const reorders =
    shown.some((label) => isRightToLeft(label)) && shown.some((label) => /^\p{Nd}/v.test(label))
  return reorders ? name : shown.join('.')
}

function labelForPeople(label: string): string {
  if (!isALabel(label)) return label
  const uLabel = decodeALabel(label)
  return isOneScript(uLabel) ? uLabel : label
}
