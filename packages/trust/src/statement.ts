import type { Binding } from './binding.ts'
import { toHex } from './bytes.ts'
import type { CrossCertificate } from './cross-certificate.ts'
import {
  decode,
  decodeOwned,
  type Field,
  readArray,
  readBytes,
  readBytesUpTo,
  readText,
  readTime,
  type Value,
} from './encoding/index.ts'
import type { Grant } from './grant.ts'
import type { Verifier } from './keys/index.ts'
import { NONCE_BYTES, SIGNATURE_BYTES, STATEMENT_BYTES_MAX } from './limits.ts'
import { readName } from './name-fields.ts'
import type { Revocation } from './revocation.ts'
import { idOf, sha256, type Sha256, signingInput } from './signing.ts'
import type { StatementBase } from './statement-base.ts'
import {
  isStatementKind,
  type Statement,
  STATEMENT_FORMS,
  type StatementKind,
  type StatementKinds,
} from './statement-forms.ts'
import type { Status } from './status.ts'
import type { Successor } from './successor.ts'
import { readTree, type Tree } from './tree.ts'
import { TrustError } from './trust-error.ts'
import { VerifiedTrees } from './verified-trees.ts'

/**
 * A statement with the bytes that carry it. Its form has been checked; whether its signature holds
 * has not, see {@link verifySignature}. What a {@link StatementStore} gives out has been verified.
 */
export interface SignedStatement<S extends Statement = Statement> {
  readonly statement: S
  /** SHA-256 over the signed bytes, never over the signature; 32 bytes. */
  readonly id: Uint8Array
  /** The id in hexadecimal. */
  readonly idText: string
  /** The bytes that the signature covers, without the prefix of their kind. */
  readonly body: Uint8Array
  /** 64 bytes; 128 of a successor, the old key's first. */
  readonly signature: Uint8Array
  /** What the signature covers in place of the body, where it is over several statements. */
  readonly tree: Tree | null
  /** What travels: `[body, signature, nil | [index, count, siblings]]`, encoded. */
  readonly envelope: Uint8Array
}

/** The version of every statement, its first field. */
export const STATEMENT_VERSION = 1
const BASE_FIELDS = 7

/** An envelope taken apart; what its body says, and whether its form is right, is still to be read. */
export interface OpenedStatement extends Omit<SignedStatement, 'statement'> {
  readonly kind: StatementKind
  readonly value: Value
}

/**
 * Reads a statement and checks its form; costs no signature check. Nothing of the result shares
 * memory with the envelope that was given.
 * @throws TrustError `too-large`, `depth`, `encoding`, `form`, `name`, `not-below`, `bad-key`;
 * `unsupported` for a later version, a kind or an action that is not known, a name in a pool
 */
export function decodeStatement(envelope: Uint8Array, hash: Sha256 = sha256): SignedStatement {
  return readOpened(openStatement(envelope, hash))
}

/**
 * Takes an envelope apart: for whoever asks by its id whether a statement is known already, which
 * costs some µs, where the form may cost 0.1 ms a key. An envelope that is none throws too.
 * @throws TrustError `too-large`, `depth`, `encoding`, `form`, `unsupported`
 */
export function openStatement(envelope: Uint8Array, hash: Sha256 = sha256): OpenedStatement {
  const copy = Uint8Array.from(envelope)
  const fields = readArray(decodeOwned(copy, { bytesMax: STATEMENT_BYTES_MAX }), 'statement', 3)
  const [bodyField, signatureField, treeField] = fields
  const body = readBytesUpTo(bodyField, 'body of statement', STATEMENT_BYTES_MAX)
  const value = decodeOwned(body, { bytesMax: STATEMENT_BYTES_MAX })
  // The kind comes first: a successor has a signature of another length.
  const kind = readKind(value)
  const signature = readBytes(signatureField, 'signature of statement', signatureBytes(kind))
  const id = idOf(kind, body, hash)
  const tree = readOwnTree(treeField, { kind, id }, hash)
  return { kind, value, id, idText: toHex(id), body, signature, tree, envelope: copy }
}

/**
 * Reads what an opened statement says, and checks its form.
 * @throws TrustError as {@link decodeStatement}
 */
export function readOpened(opened: OpenedStatement): SignedStatement {
  const { kind, value, id, idText, body, signature, tree, envelope } = opened
  return { statement: readOwn(kind, value), id, idText, body, signature, tree, envelope }
}

/**
 * Whether the signature holds for the statement's body, or the tree that it is in, and its issuer's
 * key; of a successor, whether both do. With `trees`, one over several is checked once for all of
 * them. Never throws.
 */
export async function verifySignature(
  { statement, body, signature, tree }: SignedStatement,
  verifier: Verifier,
  trees: VerifiedTrees = new VerifiedTrees('statement-tree', 1),
): Promise<boolean> {
  if (tree !== null) {
    return await trees.holds({ key: statement.issuerKey, tree, signature }, verifier)
  }
  const input = signingInput(statement.kind, body)
  const first = signature.subarray(0, SIGNATURE_BYTES)
  if (!(await verifier.verify(statement.issuerKey, input, first))) return false
  if (statement.kind !== 'successor') return true
  return await verifier.verify(statement.newKey, input, signature.subarray(SIGNATURE_BYTES))
}

/** Whether the statement is a binding. */
export function isBinding(signed: SignedStatement): signed is SignedStatement<Binding> {
  return signed.statement.kind === 'binding'
}

/** Whether the statement is a grant. */
export function isGrant(signed: SignedStatement): signed is SignedStatement<Grant> {
  return signed.statement.kind === 'grant'
}

/** Whether the statement is a cross-certificate. */
export function isCrossCertificate(
  signed: SignedStatement,
): signed is SignedStatement<CrossCertificate> {
  return signed.statement.kind === 'cross-certificate'
}

/** Whether the statement is a revocation. */
export function isRevocation(signed: SignedStatement): signed is SignedStatement<Revocation> {
  return signed.statement.kind === 'revocation'
}

/** Whether the statement is a status. */
export function isStatus(signed: SignedStatement): signed is SignedStatement<Status> {
  return signed.statement.kind === 'status'
}

/** Whether the statement is a successor. */
export function isSuccessor(signed: SignedStatement): signed is SignedStatement<Successor> {
  return signed.statement.kind === 'successor'
}

/** A successor needs two signatures over itself: one over several is none of them. */
function readOwnTree(
  field: Field,
  { kind, id }: { readonly kind: StatementKind; readonly id: Uint8Array },
  hash: Sha256,
): Tree | null {
  if (kind !== 'successor' || field === null) return readTree(field, { what: kind, id }, hash)
  throw new TrustError('form', 'Cannot read successor: it is signed alone, by both keys')
}

/** "Signatures 64 (successor 128, old key first)." */
function signatureBytes(kind: StatementKind): number {
  return kind === 'successor' ? 2 * SIGNATURE_BYTES : SIGNATURE_BYTES
}

/**
 * Reads a body of this kind, and checks its rules of form.
 * @throws TrustError as {@link decodeStatement}
 */
export function readBodyOf<K extends StatementKind>(kind: K, body: Uint8Array): StatementKinds[K] {
  return readOwn(kind, decode(body, { bytesMax: STATEMENT_BYTES_MAX }))
}

function readOwn<K extends StatementKind>(kind: K, value: Value): StatementKinds[K] {
  const form = STATEMENT_FORMS[kind]
  const fields = readArray(value, kind, BASE_FIELDS + form.count)
  return form.read(readBase(kind, fields), fields.slice(BASE_FIELDS))
}

/** The kind, after the version: a later version may count its fields otherwise. */
function readKind(value: Value): StatementKind {
  const items: readonly Field[] = Array.isArray(value) ? value : []
  const [version, kind] = items
  if (typeof version !== 'number') {
    throw new TrustError('form', 'Cannot read statement: its first field is no version')
  }
  if (version !== STATEMENT_VERSION) {
    const message = `Cannot read statement: version ${version}, known is ${STATEMENT_VERSION}`
    throw new TrustError('unsupported', message)
  }
  const text = readText(kind, 'kind of statement')
  if (isStatementKind(text)) return text
  const shown = JSON.stringify(text.slice(0, 64))
  throw new TrustError('unsupported', `Cannot read statement: the kind ${shown} is not supported`)
}

function readBase<Kind extends string>(
  kind: Kind,
  [, , issuer, issuerKey, notBefore, notAfter, nonce]: readonly Field[],
): StatementBase<Kind> {
  const base = {
    kind,
    issuer: readName(issuer, `issuer of ${kind}`),
    issuerKey: readBytes(issuerKey, `issuerKey of ${kind}`),
    notBefore: readTime(notBefore, `notBefore of ${kind}`),
    notAfter: readTime(notAfter, `notAfter of ${kind}`),
    nonce: readBytes(nonce, `nonce of ${kind}`, NONCE_BYTES),
  }
  if (base.notBefore >= base.notAfter) {
    const times = `notBefore ${base.notBefore} is not before notAfter ${base.notAfter}`
    throw new TrustError('form', `Cannot read ${kind}: ${times}`)
  }
  return base
}
