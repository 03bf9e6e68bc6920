import type { Name } from '@ixj/names'
import { equalBytes } from './bytes.ts'
import { type Field, readBytes, readOptional, type Value } from './encoding/index.ts'
import { checkPublicKey } from './keys/index.ts'
import { readName } from './name-fields.ts'
import type { StatementBase } from './statement-base.ts'
import { TrustError } from './trust-error.ts'

/**
 * A name's next key, signed by the old and by the new one. The old key counts beside the new one
 * until notAfter. docs/protocol.md, section "Successor".
 */
export interface Successor extends StatementBase<'successor'> {
  /** The issuer itself. */
  readonly name: Name
  /** 32 bytes; its SHA-256 was committed before. */
  readonly newKey: Uint8Array
  /** SHA-256 of the key after it, 32 bytes; null: nobody but a person replaces the new key. */
  readonly next: Uint8Array | null
}

/** Fields of a successor after the common ones. */
export const SUCCESSOR_FIELDS = 3

/** The own fields of a successor, in the order of the wire. */
export function successorFields({ name, newKey, next }: Omit<Successor, 'issuerKey'>): Value[] {
  return [name, newKey, next]
}

/**
 * Reads the own fields of a successor and checks its rules of form.
 * @throws TrustError `form` (another issuer, no change of key), `name`, `bad-key`
 */
export function readSuccessor(
  base: StatementBase<'successor'>,
  fields: readonly Field[],
): Successor {
  const [name, newKey, next] = fields
  const successor: Successor = {
    ...base,
    name: readName(name, 'name of successor'),
    newKey: readBytes(newKey, 'newKey of successor'),
    next: readOptional(next, 'next of successor', readBytes),
  }
  // "Signed by old and new key": a name speaks for itself alone.
  if (successor.name !== base.issuer) {
    throw refused(successor, `its issuer is "${base.issuer}"`)
  }
  if (equalBytes(successor.newKey, base.issuerKey)) throw refused(successor, 'its key stays')
  checkPublicKey(successor.newKey)
  return successor
}

function refused({ name }: Successor, reason: string): TrustError {
  return new TrustError('form', `Cannot read successor of "${name}": ${reason}`)
}
