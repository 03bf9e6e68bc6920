import type { Name } from '@ixj/names'
import type { Home } from '@ixj/node/home'
import { type Explanation, isBinding, type SignedStatement } from '@ixj/trust'
import { type BeliefContext, explainName } from './belief.ts'
import type { Record } from './output.ts'
import { findZoneKeys, rootsOf } from './zone-keys.ts'

/** A home, whom it trusts, and when. */
export interface HomeContext extends BeliefContext {
  readonly home: Home
}

/** What a file is, and whether this home would believe it. */
export interface FileExplanation {
  readonly lines: readonly string[]
  readonly record: Record
  readonly explanation: Explanation
}

/**
 * Why a home would believe a name, from its anchors and the statements that lie in it: with the key
 * that it has of it, or that its anchor, a cross-certificate, the DNS or the latest binding gives.
 */
export async function explainHere(name: Name, context: HomeContext): Promise<Explanation> {
  const statements = await statementsOf(context.home)
  const found = await findZoneKeys(rootsOf(name, statements), context)
  const key = await keyOf(name, statements, { ...context, ...found })
  return await explainName({ name, key, statements }, { ...context, ...found })
}

/** Every statement that lies in a home, each once. */
export async function statementsOf(home: Home): Promise<readonly SignedStatement[]> {
  const all = new Map<string, SignedStatement>()
  for (const name of await home.statementNames()) {
    for (const signed of await home.readStatements(name)) all.set(signed.idText, signed)
  }
  return [...all.values()]
}

/** The key that a name has as far as a home knows; zeros where it knows none. */
export async function keyOf(
  name: Name,
  statements: readonly SignedStatement[],
  { home, anchors, published = [], standpoint }: HomeContext,
): Promise<Uint8Array> {
  if ((await home.keyNames()).includes(name)) return (await home.readSigner(name)).publicKey
  const [anchored] = anchors.get(name)?.keys ?? []
  if (anchored !== undefined) return anchored
  const [certificate] = standpoint?.crossCertificates.get(name) ?? []
  const [certified] = certificate?.statement.subjectKeys ?? []
  if (certified !== undefined) return certified
  const inDns = published.find((each) => each.name === name)
  if (inDns !== undefined) return inDns.key
  const bound = statements
    .filter(isBinding)
    .filter(({ statement }) => statement.name === name)
    .toSorted((left, right) => right.statement.notAfter - left.statement.notAfter)[0]
  // Without any key there is still an answer: which anchor would have to lead to it.
  return bound?.statement.key ?? new Uint8Array(32)
}
