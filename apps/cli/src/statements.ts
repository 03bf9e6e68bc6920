import { isName, type Name } from '@ixj/names'
import {
  type Home,
  openNodeVerifier,
  parseStatements,
  STATEMENTS_FILE_BYTES_MAX,
  systemClock,
} from '@ixj/node/home'
import {
  equalBytes,
  isBinding,
  SKEW_MS,
  type SignedStatement,
  TrustError,
  verifySignature,
} from '@ixj/trust'
import { explainName } from './belief.ts'
import { CommandError } from './command-error.ts'
import { readInput } from './named-file.ts'
import { findZoneKeys, rootsOf } from './zone-keys.ts'

/** What became of statements that were taken in. */
export interface AcceptedStatements {
  readonly name: Name
  readonly added: number
  readonly replaced: number
  /** Why this home's own anchors do not lead to the name; null: they do. */
  readonly code: string | null
}

/**
 * Takes a statements file into a home that has the key it is for.
 * @throws CommandError `file`, `wrong-key`; TrustError `bad-signature`, `key-file`; HomeError
 */
export async function acceptStatements(home: Home, path: string): Promise<AcceptedStatements> {
  const shown = path === '-' ? 'the standard input' : path
  const bytes = await readInput(path, STATEMENTS_FILE_BYTES_MAX)
  const { name, statements } = parseStatements(bytes, shown)
  if (!isName(name)) throw new CommandError('file', `Cannot accept ${shown}: it is for no name`)
  const { signer } = await home.readIdentity(name)
  await checkSignatures(statements, shown)
  const bound = statements.filter(isBinding).filter(({ statement }) => statement.name === name)
  if (!bound.some(({ statement }) => equalBytes(statement.key, signer.publicKey))) {
    const reason = `it binds ${bound.length} other keys, not the one that this home has`
    throw new CommandError('wrong-key', `Cannot accept ${shown} for ${name}: ${reason}`)
  }
  return await mergeStatements(home, name, statements)
}

/**
 * Writes new statements into a home beside those that are there. What the same issuer said before
 * of this name is replaced: two grants that say the same would make every act ambiguous.
 */
export async function mergeStatements(
  home: Home,
  name: Name,
  statements: readonly SignedStatement[],
): Promise<AcceptedStatements> {
  const identity = await home.readIdentity(name)
  const now = systemClock.now()
  const known = new Set(identity.statements.map(({ idText }) => idText))
  const added = statements.filter(({ idText }) => !known.has(idText))
  const issuers = new Set(
    added.filter((each) => isAbout(each, name)).map((each) => each.statement.issuer),
  )
  const kept = identity.statements.filter(
    (each) =>
      each.statement.notAfter + SKEW_MS >= now &&
      !(isAbout(each, name) && issuers.has(each.statement.issuer)),
  )
  // Those of the file that were here already stay, though their issuer said something new as well.
  const again = statements.filter(({ idText }) => known.has(idText))
  const all = new Map([...kept, ...again, ...added].map((each) => [each.idText, each]))
  const merged = [...all.values()]
  await home.writeStatements(name, merged)
  const anchors = await home.readAnchors()
  const found = await findZoneKeys(rootsOf(name, merged), { home, anchors })
  const { code } = await explainName(
    { name, key: identity.signer.publicKey, statements: merged },
    { anchors, ...found, now },
  )
  const replaced = identity.statements.filter(({ idText }) => !all.has(idText)).length
  return { name, added: added.length, replaced, code }
}

function isAbout({ statement }: SignedStatement, name: Name): boolean {
  switch (statement.kind) {
    case 'binding':
      return statement.name === name
    case 'grant':
    case 'cross-certificate':
      return (statement.subject as string) === name
    default:
      // What takes something back, or renews it, replaces nothing.
      return false
  }
}

/** @throws TrustError `bad-signature` for the first one that does not hold */
async function checkSignatures(
  statements: readonly SignedStatement[],
  shown: string,
): Promise<void> {
  const verifier = openNodeVerifier()
  for (const signed of statements) {
    if (await verifySignature(signed, verifier)) continue
    const { kind, issuer } = signed.statement
    const reason = `the signature of its ${kind} by ${issuer} does not hold`
    throw new TrustError('bad-signature', `Cannot accept ${shown}: ${reason}`)
  }
}
