import { toHex } from './bytes.ts'
import type { Grant } from './grant.ts'
import { CHAIN_LINKS_MAX } from './limits.ts'
import type { SignedStatement } from './statement.ts'

/** What was found of a chain of grants, whether or not it holds. */
export interface FoundGrants {
  /** From the uppermost that was found to the leaf; empty if not even the leaf was. */
  readonly chain: readonly SignedStatement<Grant>[]
  /** The id in hex of the next one above, where the chain goes on and it is not at hand. */
  readonly missing: string | null
}

/**
 * Follows a leaf up as far as its grants are at hand, {@link CHAIN_LINKS_MAX} at most, and checks
 * nothing: it shows a person what was looked at when {@link checkAuthority} has refused it.
 */
export function findGrantsAbove(
  leaf: Uint8Array,
  grants: readonly SignedStatement<Grant>[],
): FoundGrants {
  const byId = new Map(grants.map((grant) => [grant.idText, grant]))
  const chain: SignedStatement<Grant>[] = []
  let next: Uint8Array | null = leaf
  while (next !== null && chain.length < CHAIN_LINKS_MAX) {
    const grant = byId.get(toHex(next))
    if (grant === undefined) return { chain, missing: toHex(next) }
    chain.unshift(grant)
    next = grant.statement.parent
  }
  return { chain, missing: null }
}
