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
