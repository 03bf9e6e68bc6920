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
  type Grant,
  isBinding,
  isGrant,
  isHolder,
  SKEW_MS,
  type SignedStatement,
  TrustError,
  verifySignature,
} from '@ixj/trust'
import { explainName } from './belief.ts'
import { CommandError } from './command-error.ts'
import { readRevocations } from './home-revocations.ts'
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
 * Takes a statements file into a home that has the key it is for: one that binds a name to it, or
 * grants alone, which go to every name here that they are for.
 * @throws CommandError `file`, `wrong-key`; TrustError `bad-signature`, `key-file`; HomeError
 */
export async function acceptStatements(
  home: Home,
  path: string,
): Promise<readonly AcceptedStatements[]> {
  const shown = path === '-' ? 'the standard input' : path
  const bytes = await readInput(path, STATEMENTS_FILE_BYTES_MAX)
  const { name, statements } = parseStatements(bytes, shown)
  if (!isName(name)) throw new CommandError('file', `Cannot accept ${shown}: it is for no name`)
  await checkSignatures(statements, shown)
  const bound = statements.filter(isBinding).filter(({ statement }) => statement.name === name)
  if (bound.length === 0) return await acceptGrants(home, statements, shown)
  const { signer } = await home.readIdentity(name)
  if (!bound.some(({ statement }) => equalBytes(statement.key, signer.publicKey))) {
    const reason = `it binds ${bound.length} other keys, not the one that this home has`
    throw new CommandError('wrong-key', `Cannot accept ${shown} for ${name}: ${reason}`)
  }
  return [await mergeStatements(home, name, statements)]
}

async function acceptGrants(
  home: Home,
  statements: readonly SignedStatement[],
  shown: string,
): Promise<readonly AcceptedStatements[]> {
  const leaves = leavesOf(statements)
  const accepted: AcceptedStatements[] = []
  for (const name of await home.keyNames()) {
    const subjectKey = (await home.readSigner(name)).publicKey
    if (!leaves.some(({ statement }) => isHolder(statement, { subject: name, subjectKey })))
      continue
    accepted.push(await addGrants(home, name, statements))
  }
  if (accepted.length > 0) return accepted
  const subjects = leaves.map(({ statement }) => statement.subject).join(', ')
  const reason = `its grants are for ${subjects || 'nobody'}, of whom this home has no key`
  throw new CommandError('wrong-key', `Cannot accept ${shown}: ${reason}`)
}

/** The grants of which no other is a part. */
function leavesOf(statements: readonly SignedStatement[]): readonly SignedStatement<Grant>[] {
  const grants = statements.filter(isGrant)
  const parents = grants.flatMap(({ statement }) => statement.parent ?? [])
  return grants.filter(({ id }) => !parents.some((parent) => equalBytes(parent, id)))
}

/**
 * Adds grants, and what proves them, to what lies in a home about a name. Only a grant of the same
 * issuer that says the same is replaced. Needs no key of the name.
 */
export async function addGrants(
  home: Home,
  name: Name,
  statements: readonly SignedStatement[],
): Promise<AcceptedStatements> {
  const now = systemClock.now()
  const leaves = leavesOf(statements)
  let before: readonly SignedStatement[] = []
  const all = new Map<string, SignedStatement>()
  await home.updateStatements(name, (known) => {
    before = known
    const kept = known.filter(
      (each) =>
        each.statement.notAfter + SKEW_MS >= now &&
        !(isGrant(each) && leaves.some((leaf) => saysTheSame(leaf.statement, each.statement))),
    )
    for (const each of [...kept, ...statements]) all.set(each.idText, each)
    return [...all.values()]
  })
  const known = new Set(before.map(({ idText }) => idText))
  return {
    name,
    added: statements.filter(({ idText }) => !known.has(idText)).length,
    replaced: before.filter(({ idText }) => !all.has(idText)).length,
    code: null,
  }
}

function saysTheSame(one: Grant, other: Grant): boolean {
  const words = ({ issuer, subject, onBehalfOf, actions, topics }: Grant) =>
    JSON.stringify([issuer, subject, onBehalfOf, actions, topics])
  return words(one) === words(other)
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
  const { signer } = await home.readIdentity(name)
  const now = systemClock.now()
  let before: readonly SignedStatement[] = []
  let merged: readonly SignedStatement[] = []
  await home.updateStatements(name, (known) => {
    before = known
    merged = mergedStatements(name, { known, statements, now })
    return merged
  })
  const anchors = await home.readAnchors()
  const found = await findZoneKeys(rootsOf(name, merged), { home, anchors })
  const { code } = await explainName(
    { name, key: signer.publicKey, statements: merged },
    { anchors, ...found, revocations: await readRevocations(home, anchors), now },
  )
  const idsBefore = new Set(before.map(({ idText }) => idText))
  const idsAfter = new Set(merged.map(({ idText }) => idText))
  const added = statements.filter(({ idText }) => !idsBefore.has(idText)).length
  const replaced = before.filter(({ idText }) => !idsAfter.has(idText)).length
  return { name, added, replaced, code }
}

function mergedStatements(
  name: Name,
  given: {
    readonly known: readonly SignedStatement[]
    readonly statements: readonly SignedStatement[]
    readonly now: number
  },
): readonly SignedStatement[] {
  const { known, statements, now } = given
  const ids = new Set(known.map(({ idText }) => idText))
  const added = statements.filter(({ idText }) => !ids.has(idText))
  const issuers = new Set(
    added.filter((each) => isAbout(each, name)).map((each) => each.statement.issuer),
  )
  const kept = known.filter(
    (each) =>
      each.statement.notAfter + SKEW_MS >= now &&
      !(isAbout(each, name) && issuers.has(each.statement.issuer)),
  )
  // Those of the file that were here already stay, though their issuer said something new as well.
  const again = statements.filter(({ idText }) => ids.has(idText))
  const all = new Map([...kept, ...again, ...added].map((each) => [each.idText, each]))
  return [...all.values()]
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
