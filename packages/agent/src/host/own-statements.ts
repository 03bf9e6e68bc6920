import type { Sha256, SignedStatement, StatementStore, Verifier } from '@ixj/trust'

/**
 * Takes in statements of this node's own, each signature checked once, and keeps them under nobody's
 * quota: a node that opens a thousand agents at once would have them push each other's out.
 * @throws TrustError `bad-signature`
 */
export async function keepOwn(
  statements: readonly SignedStatement[],
  into: { readonly statements: StatementStore; readonly verifier: Verifier; readonly hash: Sha256 },
): Promise<readonly SignedStatement[]> {
  const { verifier, hash } = into
  const kept: SignedStatement[] = []
  for (const { envelope } of statements) {
    kept.push(await into.statements.add(envelope, { owner: null, verifier, hash }))
  }
  return kept
}

/** Statements that are held, and what ends that. */
export interface PinnedStatements {
  readonly statements: readonly SignedStatement[]
  readonly unpin: () => void
}

/** Takes in and holds them until `unpin`. @throws TrustError `bad-signature` */
export async function pinOwn(
  statements: readonly SignedStatement[],
  context: Parameters<typeof keepOwn>[1],
): Promise<PinnedStatements> {
  const checked = await keepOwn(statements, context)
  const ids = checked.map((signed) => signed.idText)
  context.statements.pin(ids)
  return { statements: checked, unpin: () => context.statements.unpin(ids) }
}
