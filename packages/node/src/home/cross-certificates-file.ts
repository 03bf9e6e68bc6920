import {
  decodeStatement,
  fromBase64url,
  isBinding,
  isCrossCertificate,
  type SignedStatement,
  toBase64url,
  TrustError,
} from '@ixj/trust'
import { nodeSha256 } from '../node-keys.ts'
import { HomeError } from './home-error.ts'
import { formatFile, malformed, parseFile, readItems, readString } from './json-text.ts'
import { CROSSING_STATEMENTS_MAX } from './limits.ts'

const VERSION = 1

/**
 * The text of a file of cross-certificates: JSON with `version` 1 and `statements`, envelopes in
 * base64url; beside the certificates only bindings that prove their issuers. Nothing is secret.
 * @throws HomeError `too-large` for more than {@link CROSSING_STATEMENTS_MAX}
 */
export function formatCrossCertificates(statements: readonly SignedStatement[]): string {
  if (statements.length > CROSSING_STATEMENTS_MAX) {
    const size = `${statements.length} statements, limit ${CROSSING_STATEMENTS_MAX}`
    throw new HomeError('too-large', `Cannot write cross-certificates: ${size}`)
  }
  const envelopes = statements.map(({ envelope }) => toBase64url(envelope))
  return formatFile({ version: VERSION, statements: envelopes })
}

/**
 * Reads such a file. The form of each statement is checked, its signature is not: that is done where
 * it is used.
 * @throws HomeError `malformed` (also for another kind of statement), `too-large`, `unsupported`
 */
export function parseCrossCertificates(
  bytes: Uint8Array,
  path: string,
): readonly SignedStatement[] {
  const file = parseFile(bytes, path, { version: VERSION, members: ['statements'] })
  const items = readItems(file['statements'], `statements in ${path}`, CROSSING_STATEMENTS_MAX)
  return items.map((item, index) => {
    const what = `statement [${index}] in ${path}`
    const signed = decodeText(readString(item, what), what)
    if (isCrossCertificate(signed) || isBinding(signed)) return signed
    throw malformed(what, `a ${signed.statement.kind} has no place here`)
  })
}

function decodeText(text: string, what: string): SignedStatement {
  try {
    return decodeStatement(fromBase64url(text), nodeSha256)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw malformed(what, cause.message, { cause })
  }
}
