import { isAtOrBelow, type Name } from '@ixj/names'
import {
  type Field,
  readArray,
  readBytes,
  readInteger,
  readList,
  type Value,
} from './encoding/index.ts'
import { readName } from './name-fields.ts'
import type { StatementBase } from './statement-base.ts'
import { TrustError } from './trust-error.ts'

/** What a revocation makes void: one statement by its id, or a key of a name. */
export type RevocationTarget =
  | { readonly kind: 'statement'; readonly id: Uint8Array }
  | { readonly kind: 'key'; readonly name: Name; readonly key: Uint8Array }

/** Something is void, whatever dates it bears. docs/protocol.md, section "Revocation". */
export interface Revocation extends StatementBase<'revocation'> {
  /** By whose right: the issuer's own name, or one that gave the issuer a `revoke` grant. */
  readonly of: Name
  readonly target: RevocationTarget
}

/** Fields of a revocation after the common ones. */
export const REVOCATION_FIELDS = 2

const STATEMENT = 0
const KEY = 1

/** The own fields of a revocation, in the order of the wire. */
export function revocationFields({ of, target }: Omit<Revocation, 'issuerKey'>): Value[] {
  return [of, target.kind === 'statement' ? [STATEMENT, target.id] : [KEY, target.name, target.key]]
}

/**
 * Reads the own fields of a revocation and checks its rules of form.
 * @throws TrustError `form`, `name`, `outside-slice` (a key of a name that is not at or below `of`)
 */
export function readRevocation(
  base: StatementBase<'revocation'>,
  fields: readonly Field[],
): Revocation {
  const [ofField, targetField] = fields
  const of = readName(ofField, 'of in revocation')
  const target = readTarget(targetField)
  // A name's right ends with its slice: no sibling, and nobody below, takes anything back.
  if (target.kind === 'key' && !isAtOrBelow(target.name, of)) {
    const reason = `"${target.name}" is not at or below "${of}"`
    throw new TrustError('outside-slice', `Cannot read revocation by "${base.issuer}": ${reason}`)
  }
  return { ...base, of, target }
}

function readTarget(field: Field): RevocationTarget {
  const what = 'target of revocation'
  const [tag] = readList(field, what, { itemsMin: 1, itemsMax: 3, item: (item) => item })
  if (readInteger(tag, what, { min: STATEMENT, max: KEY }) === STATEMENT) {
    return { kind: 'statement', id: readBytes(readArray(field, what, 2)[1], what) }
  }
  const [, name, key] = readArray(field, what, 3)
  return {
    kind: 'key',
    name: readName(name, what),
    key: readBytes(key, what),
  }
}
