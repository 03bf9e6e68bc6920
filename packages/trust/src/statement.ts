import type { Binding } from './binding.ts'
import { concatBytes, equalBytes, toHex } from './bytes.ts'
import type { CrossCertificate } from './cross-certificate.ts'
import {
  decode,
  encode,
  type Field,
  readArray,
  readBytes,
  readBytesUpTo,
  readText,
  readTime,
  type Value,
} from './encoding/index.ts'
import type { Grant } from './grant.ts'
import type { Signer, Verifier } from './keys/index.ts'
import { NONCE_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, STATEMENT_BYTES_MAX } from './limits.ts'
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
import { TrustError } from './trust-error.ts'

/** What one gives to issue a statement: the signer brings the key. */
export type StatementFields<S extends Statement = Statement> = S extends Statement
  ? Omit<S, 'issuerKey'>
  : never

/** The same, from which the kind is inferred. */
type KindFields<K extends StatementKind> = { readonly kind: K } & Omit<
  StatementKinds[K],
  'issuerKey'
>

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
  /** What travels: `[body, signature, nil]`, encoded. */
  readonly envelope: Uint8Array
}

const VERSION = 1
const BASE_FIELDS = 7

/**
 * Reads a statement and checks its form; costs no signature check. Nothing of the result shares
 * memory with the envelope that was given.
 * @throws TrustError `too-large`, `depth`, `encoding`, `form`, `name`, `not-below`, `bad-key`;
 * `unsupported` for a later version, a kind or an action that is not known, one of several
 * statements under one signature, a name in a pool
 */
export function decodeStatement(envelope: Uint8Array, hash: Sha256 = sha256): SignedStatement {
  const copy = Uint8Array.from(envelope)
  const fields = readArray(decode(copy, { bytesMax: STATEMENT_BYTES_MAX }), 'statement', 3)
  const [bodyField, signatureField, tree] = fields
  const body = readBytesUpTo(bodyField, 'body of statement', STATEMENT_BYTES_MAX)
  // The kind comes first: a successor has a signature of another length.
  const statement = readBody(body)
  const length = signatureBytes(statement.kind)
  const signature = readBytes(signatureField, 'signature of statement', length)
  checkNoTree(tree)
  const id = idOf(statement.kind, body, hash)
  return { statement, id, idText: toHex(id), body, signature, envelope: copy }
}

/**
 * The id of a statement whose form was not checked: for whoever asks whether it is known already,
 * and costs some µs, where the form may cost 0.1 ms a key. An envelope that is none throws too.
 * @throws TrustError `too-large`, `depth`, `encoding`, `form`, `unsupported`
 */
export function peekStatementId(envelope: Uint8Array, hash: Sha256 = sha256): string {
  const [bodyField, signatureField, tree] = readArray(
    decode(envelope, { bytesMax: STATEMENT_BYTES_MAX }),
    'statement',
    3,
  )
  const body = readBytesUpTo(bodyField, 'body of statement', STATEMENT_BYTES_MAX)
  const kind = readKind(decode(body, { bytesMax: STATEMENT_BYTES_MAX }))
  readBytes(signatureField, 'signature of statement', signatureBytes(kind))
  checkNoTree(tree)
  return toHex(idOf(kind, body, hash))
}

/**
 * Makes and signs a statement; sets are sorted, repeats left out. Checks its form only: a grant
 * that must fit its parent is made by {@link issueGrant}.
 * @throws TrustError `form`, `name`, `not-below`, `bad-key`, `unsupported`, `too-large`, `encoding`
 */
export async function issueStatement<K extends StatementKind>(
  fields: KindFields<K>,
  signer: Signer,
  hash: Sha256 = sha256,
): Promise<SignedStatement<StatementKinds[K]>> {
  return await signStatement(prepareStatement(fields, signer.publicKey), signer, hash)
}

/** A statement that keeps the rules of form, before its signature. */
export interface UnsignedStatement<S extends Statement = Statement> {
  readonly statement: S
  readonly body: Uint8Array
}

/**
 * Encodes what is to be signed and reads it back, so that what breaks a rule of form is refused
 * before a signature over it exists.
 * @throws TrustError as {@link issueStatement}
 */
export function prepareStatement<K extends StatementKind>(
  fields: KindFields<K>,
  issuerKey: Uint8Array,
): UnsignedStatement<StatementKinds[K]> {
  const { kind, issuer, notBefore, notAfter, nonce } = fields
  const own = STATEMENT_FORMS[kind].write(fields)
  const base = [VERSION, kind, issuer, issuerKey, notBefore, notAfter, nonce]
  const body = encode([...base, ...own], { bytesMax: STATEMENT_BYTES_MAX })
  return { statement: readOwn(kind, decode(body, { bytesMax: STATEMENT_BYTES_MAX })), body }
}

/**
 * Signs a prepared statement.
 * @throws TrustError `too-large`, `form` (the signer gave no 64 bytes)
 */
export async function signStatement<S extends Statement>(
  { statement, body }: UnsignedStatement<S>,
  signer: Signer,
  hash: Sha256 = sha256,
): Promise<SignedStatement<S>> {
  return sealed({ statement, body }, await signWith(signer, statement.kind, body), hash)
}

async function signWith(signer: Signer, kind: StatementKind, body: Uint8Array) {
  const signed = await signer.sign(signingInput(kind, body))
  return Uint8Array.from(readBytes(signed, 'signature of signer', SIGNATURE_BYTES))
}

function sealed<S extends Statement>(
  { statement, body }: UnsignedStatement<S>,
  signature: Uint8Array,
  hash: Sha256,
): SignedStatement<S> {
  const envelope = encode([body, signature, null], { bytesMax: STATEMENT_BYTES_MAX })
  const id = idOf(statement.kind, body, hash)
  return { statement, id, idText: toHex(id), body, signature, envelope }
}

/**
 * Makes a successor: the old key signs, then the new one. Checks its form only.
 * @throws TrustError as {@link issueStatement}; `form` if the new key is not the second signer's
 */
export async function issueSuccessor(
  fields: StatementFields<Successor>,
  signers: { readonly old: Signer; readonly new: Signer },
  hash: Sha256 = sha256,
): Promise<SignedStatement<Successor>> {
  if (!equalBytes(fields.newKey, signers.new.publicKey)) {
    throw new TrustError('form', 'Cannot issue successor: its newKey is not the second signer’s')
  }
  const unsigned = prepareStatement(fields, signers.old.publicKey)
  const first = await signWith(signers.old, 'successor', unsigned.body)
  const second = await signWith(signers.new, 'successor', unsigned.body)
  return sealed(unsigned, concatBytes(first, second), hash)
}

/**
 * Whether the signature holds for the statement's body and its issuer's key; of a successor, whether
 * both do. Never throws.
 */
export async function verifySignature(
  { statement, body, signature }: SignedStatement,
  verifier: Verifier,
): Promise<boolean> {
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

function checkNoTree(tree: Field): void {
  if (tree === null) return
  const message = 'Cannot read statement: one signature over several is not supported'
  throw new TrustError('unsupported', message)
}

/** "Signatures 64 (successor 128, old key first)." */
function signatureBytes(kind: StatementKind): number {
  return kind === 'successor' ? 2 * SIGNATURE_BYTES : SIGNATURE_BYTES
}

function readBody(body: Uint8Array): Statement {
  const value = decode(body, { bytesMax: STATEMENT_BYTES_MAX })
  return readOwn(readKind(value), value)
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
  if (version !== VERSION) {
    const message = `Cannot read statement: version ${version}, known is ${VERSION}`
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
    issuerKey: readBytes(issuerKey, `issuerKey of ${kind}`, PUBLIC_KEY_BYTES),
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
