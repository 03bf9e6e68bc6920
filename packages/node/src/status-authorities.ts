import type { Identity } from '@ixj/agent'
import { type AnchorSet, isGrant } from '@ixj/trust'
import type { Home } from './home/home.ts'

/** Keys of a home whose grants are looked at; a home with more is one of agents, not of a root. */
const LOOKED_AT_MAX = 256

/**
 * The identities of a home whose statuses its nodes publish: anchors' own keys, and holders of a
 * `revoke` grant. @throws as {@link Home.readIdentity}
 */
export async function statusAuthorities(
  home: Home,
  anchors: AnchorSet,
): Promise<readonly Identity[]> {
  const names = await home.keyNames()
  const found: Identity[] = []
  for (const name of names) {
    const isAnchor = anchors.get(name) !== undefined
    if (!isAnchor && names.length > LOOKED_AT_MAX) continue
    const statements = await home.readStatements(name)
    const mayRevoke = statements
      .filter(isGrant)
      .some(({ statement }) => statement.actions.includes('revoke'))
    if (isAnchor || mayRevoke) found.push(await home.readIdentity(name))
  }
  return found
}
