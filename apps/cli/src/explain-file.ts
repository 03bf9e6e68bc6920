import { decodeBundle, Refusal, REMEDIES } from '@ixj/agent'
import { isName } from '@ixj/names'
import { nodeSha256, openNodeVerifier, parseStatements } from '@ixj/node/home'
import {
  decodeStatement,
  type Explanation,
  fromBase64url,
  isBinding,
  NOT_REACHED,
  NOTE_STATUS,
  type SignedStatement,
  TrustError,
  verifySignature,
} from '@ixj/trust'
import { explainName } from './belief.ts'
import { CommandError } from './command-error.ts'
import { explainBundle } from './explain-bundle.ts'
import { type FileExplanation, type HomeContext, statementsOf } from './explain-here.ts'
import { describeStatement, statementRecord } from './statement-text.ts'
import { findZoneKeys, rootsOf } from './zone-keys.ts'

/**
 * Explains a statements file, a statement, or a bundle.
 * @throws CommandError `file` if it is none of these; HomeError for a broken statements file
 */
export async function explainFile(
  bytes: Uint8Array,
  path: string,
  context: HomeContext,
): Promise<FileExplanation> {
  if (bytes[0] === '{'.charCodeAt(0)) {
    const { name, statements } = parseStatements(bytes, path)
    return await explainStatements(statements, { name, context })
  }
  const raw = fromText(bytes)
  const statement = tryTo(() => decodeStatement(raw, nodeSha256))
  if (!(statement instanceof Error)) return await explainStatements([statement], { context })
  const bundle = tryTo(() => decodeBundle(raw, nodeSha256))
  if (!(bundle instanceof Error)) return await explainBundle(bundle, context)
  const reasons = `as a statement: ${statement.message}; as a bundle: ${bundle.message}`
  throw new CommandError('file', `Cannot explain ${path}: it is neither. ${reasons}`)
}

async function explainStatements(
  statements: readonly SignedStatement[],
  about: { readonly name?: string; readonly context: HomeContext },
): Promise<FileExplanation> {
  const { context } = about
  const subject = subjectOf(statements, about.name)
  const verifier = openNodeVerifier()
  const checked: { readonly signed: SignedStatement; readonly holds: boolean }[] = []
  for (const signed of statements) {
    checked.push({ signed, holds: await verifySignature(signed, verifier) })
  }
  const known = await statementsOf(context.home)
  const all = [...known, ...statements]
  const found = await findZoneKeys(rootsOf(subject.name, all), context)
  const believed = await explainName({ ...subject, statements: all }, { ...context, ...found })
  const broken = checked.find(({ holds }) => !holds)
  return {
    lines: checked.map(({ signed, holds }) => describeStatement(signed, holds)),
    record: { statements: checked.map(({ signed, holds }) => statementRecord(signed, holds)) },
    explanation: broken === undefined ? believed : withFalseSignature(believed, broken.signed),
  }
}

/** Whom statements are about: the name of the file, with the key that its last binding gives. */
function subjectOf(
  statements: readonly SignedStatement[],
  name: string | undefined,
): { readonly name: SignedStatement['statement']['issuer']; readonly key: Uint8Array } {
  const bindings = statements.filter(isBinding).map(({ statement }) => statement)
  const own = bindings.findLast((binding) => name === undefined || binding.name === name)
  if (own !== undefined) return own
  const [first] = statements
  // A grant alone is as good as its issuer.
  if (first !== undefined) return { name: first.statement.issuer, key: first.statement.issuerKey }
  if (isName(name)) return { name, key: new Uint8Array(32) }
  throw new CommandError('file', 'Cannot explain a statements file without statements')
}

function withFalseSignature(explanation: Explanation, { statement }: SignedStatement): Explanation {
  const message = `The signature of the ${statement.kind} by ${statement.issuer} does not hold`
  return {
    ...explanation,
    outcome: 'rejected',
    code: 'bad-signature',
    message,
    remedy: REMEDIES['bad-signature'],
    key: { state: 'no', lines: [message] },
    authority: NOT_REACHED,
    policy: NOT_REACHED,
    notes: [NOTE_STATUS],
  }
}

/** Bytes as they are, or those that their base64url text stands for. */
function fromText(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1').trim()
  if (!/^[\w-]+$/.test(text)) return bytes
  const decoded = tryTo(() => fromBase64url(text))
  return decoded instanceof Error ? bytes : decoded
}

function tryTo<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof TrustError || cause instanceof Refusal) return cause
    throw cause
  }
}
