import type { Binding } from './binding.ts'
import { type NameChain, statementsOfChain } from './name-question.ts'
import type { Revocation } from './revocation.ts'
import type { RevocationView } from './revocation-book.ts'
import { isBinding, type SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'

/**
 * "A revoked key voids everything it ever signed, whatever date that bears": what voids the link
 * itself, the key that signed it, or the key that it binds.
 */
export function findLinkRevocation(
  link: SignedStatement<Binding>,
  revocations: RevocationView,
): SignedStatement<Revocation> | undefined {
  const { name, key } = link.statement
  return revocations.ofStatement(link) ?? revocations.ofKey(name, key)
}

/** What voids a chain that held before: its key, a link, or a cross-certificate of it. */
export function findChainRevocation(
  chain: NameChain,
  revocations: RevocationView,
): SignedStatement<Revocation> | undefined {
  for (const signed of statementsOfChain(chain)) {
    const found = isBinding(signed)
      ? findLinkRevocation(signed, revocations)
      : revocations.ofStatement(signed)
    if (found !== undefined) return found
  }
  return revocations.ofKey(chain.name, chain.key)
}

/** A refusal that names the revocation, for whoever is told of it. */
export function voided(what: string, { statement, idText }: SignedStatement<Revocation>) {
  const by = `revoked by "${statement.issuer}" (${idText.slice(0, 16)})`
  return new TrustError('revoked', `${what} is void, ${by}`)
}
