import { nameError } from './name-error.ts'
import { findLabelFault, parseName, type Name } from './name.ts'

/** The labels of a name, the lowest first: `['w1', 'acme', 'example']`. */
export function labels(name: Name): readonly string[] {
  return name.split('.')
}

/** The name without its lowest label; undefined where fewer than two labels would be left. */
export function parentName(name: Name): Name | undefined {
  const parent = name.slice(name.indexOf('.') + 1)
  return parent.includes('.') ? (parent as Name) : undefined
}

/** All names above a name, nearest first, up to the one of two labels; at most 125. */
export function ancestors(name: Name): readonly Name[] {
  const above: Name[] = []
  for (let next = parentName(name); next !== undefined; next = parentName(next)) above.push(next)
  return above
}

/**
 * Whether a name is strictly below another by whole labels: `b.acme.example` is, `bacme.example`
 * and `acme.example` are not.
 */
export function isBelow(name: Name, ancestor: Name): boolean {
  const dot = name.length - ancestor.length - 1
  return name[dot] === '.' && name.endsWith(ancestor)
}

/**
 * Whether a name is another or strictly below it by whole labels: whether it lies in that owner's
 * slice.
 */
export function isAtOrBelow(name: Name, ancestor: Name): boolean {
  return name === ancestor || isBelow(name, ancestor)
}

/**
 * How many labels a name has before its ancestor: 0 for the same name; undefined where it is not at
 * or below it.
 */
export function depthBelow(name: Name, ancestor: Name): number | undefined {
  return isAtOrBelow(name, ancestor) ? labels(name).length - labels(ancestor).length : undefined
}

/**
 * The name one label below a parent. The label is canonical already, like the names of `parseName`:
 * U-labels are not converted.
 *
 * @throws NameError with the codes of `parseName` for the label or the name that comes out;
 * `character` for a dot in the label.
 */
export function childName(parent: Name, label: string): Name {
  // Checked alone first: a label with a dot would name a grandchild.
  const fault = findLabelFault(label)
  if (fault !== undefined) throw nameError('use the label', label, fault)
  return parseName(`${label}.${parent}`)
}
