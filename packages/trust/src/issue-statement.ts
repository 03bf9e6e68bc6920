import { concatBytes, equalBytes, toHex } from './bytes.ts'
import { encode, readBytes } from './encoding/index.ts'
import type { Signer } from './keys/index.ts'
import { SIGNATURE_BYTES, STATEMENT_BYTES_MAX, TREE_ITEMS_MAX } from './limits.ts'
import { idOf, sha256, type Sha256, signingInput } from './signing.ts'
import {
  type Statement,
  STATEMENT_FORMS,
  type StatementKind,
  type StatementKinds,
} from './statement-forms.ts'
import { readBodyOf, type SignedStatement, STATEMENT_VERSION } from './statement.ts'
import type { Successor } from './successor.ts'
import { signTree } from './tree.ts'
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
  const base = [STATEMENT_VERSION, kind, issuer, issuerKey, notBefore, notAfter, nonce]
  const body = encode([...base, ...own], { bytesMax: STATEMENT_BYTES_MAX })
  return { statement: readBodyOf(kind, body), body }
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
  const signature = await signWith(signer, statement.kind, body)
  return sealed({ statement, body }, signature, hash)
}

/**
 * Signs prepared statements of one issuer, 256 by one signature: a signature costs as much for all
 * as for one. They come back in their order.
 * @throws TrustError `too-large` (no room for the siblings beside a body), `form`
 */
export async function signStatements(
  unsigned: readonly UnsignedStatement[],
  signer: Signer,
  hash: Sha256 = sha256,
): Promise<readonly SignedStatement[]> {
  const signed: SignedStatement[] = []
  for (let from = 0; from < unsigned.length; from += TREE_ITEMS_MAX) {
    const some = unsigned.slice(from, from + TREE_ITEMS_MAX)
    const [only] = some
    if (only !== undefined && some.length === 1)
      signed.push(await signStatement(only, signer, hash))
    else signed.push(...(await signUnderTree(some, signer, hash)))
  }
  return signed
}

async function signUnderTree(
  unsigned: readonly UnsignedStatement[],
  signer: Signer,
  hash: Sha256,
): Promise<readonly SignedStatement[]> {
  const ids = unsigned.map(({ statement, body }) => idOf(statement.kind, body, hash))
  const { tree, signature, places } = await signTree('statement-tree', ids, { signer, hash })
  return unsigned.map(({ statement, body }, index) => {
    const place = places[index]!
    const envelope = encode([body, signature, place], { bytesMax: STATEMENT_BYTES_MAX })
    const id = ids[index]!
    return { statement, id, idText: toHex(id), body, signature, tree, envelope }
  })
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
  return { statement, id, idText: toHex(id), body, signature, tree: null, envelope }
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
