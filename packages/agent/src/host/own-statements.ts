import type { Sha256, SignedStatement, StatementStore, Verifier } from '@ixj/trust'

/** Takes in statements of this node's own, each signature checked once. @throws TrustError `bad-signature` */
export async function addOwn(
  statements: readonly SignedStatement[],
  into: { readonly statements: StatementStore; readonly verifier: Verifier; readonly hash: Sha256 },
): Promise<readonly SignedStatement[]> {
  const { verifier, hash } = into
  const kept: SignedStatement[] = []
  for (const { envelope } of statements) {
    kept.push(await into.statements.add(envelope, { owner: 'self', verifier, hash }))
  }
  return kept
}

/** Takes them in, and keeps them under no neighbour's quota. @throws TrustError `bad-signature` */
export async function keepOwn(
  given: readonly SignedStatement[],
  context: Parameters<typeof addOwn>[1],
): Promise<readonly SignedStatement[]> {
  const kept = await addOwn(given, context)
  context.statements.keep(kept.map((signed) => signed.idText))
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
  context: Parameters<typeof addOwn>[1],
): Promise<PinnedStatements> {
  const checked = await addOwn(statements, context)
  const ids = checked.map((signed) => signed.idText)
  context.statements.pin(ids)
  return { statements: checked, unpin: () => context.statements.unpin(ids) }
}
