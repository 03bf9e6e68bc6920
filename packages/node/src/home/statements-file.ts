import type { Name } from '@ixj/names'
import {
  decodeStatement,
  fromBase64url,
  type SignedStatement,
  toBase64url,
  TrustError,
} from '@ixj/trust'
import { nodeSha256 } from '../node-keys.ts'
import { HomeError } from './home-error.ts'
import { formatFile, malformed, parseFile, readItems, readString } from './json-text.ts'
import { STATEMENTS_MAX } from './limits.ts'

const VERSION = 1

/** Statements for one name and key, as they lie in a home and travel between two. */
export interface StatementsFile {
  /** Whom they are for. */
  readonly name: Name
  readonly statements: readonly SignedStatement[]
}

/**
 * The text of a statements file: JSON with `version` 1, `name`, and `statements`, the envelopes of
 * docs/protocol.md ("Forms") in base64url. Nothing in it is secret.
 * @throws HomeError `too-large` for more than {@link STATEMENTS_MAX}
 */
export function formatStatements({ name, statements }: StatementsFile): string {
  if (statements.length > STATEMENTS_MAX) {
    const size = `${statements.length} statements, limit ${STATEMENTS_MAX}`
    throw new HomeError('too-large', `Cannot write statements of "${name}": ${size}`)
  }
  const envelopes = statements.map(({ envelope }) => toBase64url(envelope))
  return formatFile({ version: VERSION, name, statements: envelopes })
}

/**
 * Reads a statements file. The form of each statement is checked, its signature is not: that is done
 * where it is used.
 * @throws HomeError `malformed`, `too-large`, `unsupported`
 */
export function parseStatements(
  bytes: Uint8Array,
  path: string,
): { readonly name: string; readonly statements: readonly SignedStatement[] } {
  const file = parseFile(bytes, path, { version: VERSION, members: ['name', 'statements'] })
  const items = readItems(file['statements'], `statements in ${path}`, STATEMENTS_MAX)
  const statements = items.map((item, index) => {
    const what = `statement [${index}] in ${path}`
    return decodeText(readString(item, what), what)
  })
  return { name: readString(file['name'], `name in ${path}`), statements }
}

function decodeText(text: string, what: string): SignedStatement {
  try {
    return decodeStatement(fromBase64url(text), nodeSha256)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw malformed(what, cause.message, { cause })
  }
}
