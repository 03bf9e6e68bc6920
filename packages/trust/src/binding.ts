import { isBelow, isName, isReservedPool, type Name, poolLabel } from '@ixj/names'
import {
  type Field,
  readBoolean,
  readBytes,
  readInteger,
  readOneOf,
  readOptional,
  type Value,
} from './encoding/index.ts'
import { checkPublicKey } from './keys/index.ts'
import { BINDING_DEPTH_MAX } from './limits.ts'
import { readName } from './name-fields.ts'
import { isPool, poolPattern } from './pool.ts'
import type { StatementBase } from './statement-base.ts'
import { TrustError } from './trust-error.ts'

/**
 * What a bound key may do, docs/protocol.md, section "Binding". `sign`: bundles, hello, presence,
 * approvals, grants. `bind`: bindings, revocations, status, grants.
 */
export type Uses = 'sign' | 'bind' | 'both'

/** An ancestor says: this name has this key. docs/protocol.md, section "Binding". */
export interface Binding extends StatementBase<'binding'> {
  /** Strictly below the issuer. `pool.N` stands for every name in the pool of the node N. */
  readonly name: Name
  /** An Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array
  /** An X25519 public key for sealed bodies, 32 bytes. */
  readonly encryptionKey: Uint8Array | null
  readonly uses: Uses
  /** Binding links that may follow below, 0 to {@link BINDING_DEPTH_MAX}. */
  readonly depth: number
  /** Cut off from its root's status, it stops after 60 s instead of 10 min. */
  readonly strict: boolean
}

/** Fields of a binding after the common ones. */
export const BINDING_FIELDS = 6

/** How a binding of a pool names it: every name below. */
const EVERY_AGENT = `**.${poolLabel}.`

const USES: readonly Uses[] = ['sign', 'bind', 'both']

/** The own fields of a binding, in the order of the wire. */
export function bindingFields(binding: Omit<Binding, 'issuerKey'>): Value[] {
  const { name, key, encryptionKey, uses, depth, strict } = binding
  return [isPool({ name }) ? poolPattern(name) : name, key, encryptionKey, uses, depth, strict]
}

/**
 * Reads the own fields of a binding and checks its rules of form.
 * @throws TrustError `form` (also what a pool cannot have), `name`, `not-below`, `bad-key`
 */
export function readBinding(base: StatementBase<'binding'>, fields: readonly Field[]): Binding {
  const [name, key, encryptionKey, uses, depth, strict] = fields
  const binding: Binding = {
    ...base,
    name: readBoundName(name),
    key: readBytes(key, 'key of binding'),
    encryptionKey: readOptional(encryptionKey, 'encryptionKey of binding', readBytes),
    uses: readOneOf(uses, 'uses of binding', USES),
    depth: readInteger(depth, 'depth of binding', { min: 0, max: BINDING_DEPTH_MAX }),
    strict: readBoolean(strict, 'strict of binding'),
  }
  // "The name is strictly below the issuer's by whole labels; issuer = name is refused." So no path
  // of bindings can be a cycle.
  if (!isBelow(binding.name, binding.issuer)) {
    const limit = `not strictly below its issuer "${binding.issuer}"`
    throw new TrustError('not-below', `Cannot read binding of "${binding.name}": ${limit}`)
  }
  checkPoolBinding(binding)
  // Small-order keys are refused when bound, not only when they verify (pitfall 1).
  checkPublicKey(binding.key)
  return binding
}

/** A name, or every name in the pool of a node: "nothing else is bound under the label pool". */
function readBoundName(field: Field): Name {
  const what = 'name of binding'
  const isWhole = typeof field === 'string' && field.startsWith(EVERY_AGENT)
  const name = readName(isWhole ? field.slice('**.'.length) : field, what)
  const node = isWhole ? name.slice(`${poolLabel}.`.length) : name
  if (isName(node) && !isReservedPool(node)) return name
  const reason = `under the label "${poolLabel}" only the whole pool of a node is bound`
  throw new TrustError('form', `Cannot read ${what} "${name}": ${reason}`)
}

/** An agent of a pool sends under names that nobody knew before, and nobody bound one by one. */
function checkPoolBinding(binding: Binding): void {
  if (!isPool(binding)) return
  const { name, uses, depth, encryptionKey } = binding
  if (uses === 'sign' && depth === 0 && encryptionKey === null) return
  const reason = 'a pool has the use "sign", the depth 0 and no encryption key'
  throw new TrustError('form', `Cannot read binding of "${name}": ${reason}`)
}
