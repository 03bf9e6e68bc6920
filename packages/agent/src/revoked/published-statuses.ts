import type { Name } from '@ixj/names'
import type { PublishedKey } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { Identity } from '../host/identity.ts'
import { provingStatements } from '../host/identity.ts'
import type { Revoked } from './revoked.ts'
import type { TrustState } from './trust-state.ts'
import { statusIssuersOf } from './issue-revocation.ts'

/** What publishing needs of a node. */
interface PublishingCore {
  readonly trust: TrustState
  readonly clock: Clock
  readonly revoked: Revoked
  publishedKeys(name: Name): readonly PublishedKey[]
}

/** Publishes the statuses that an identity is to sign, until the returned function is called. */
export async function publishStatuses(
  identity: Identity,
  core: PublishingCore,
): Promise<() => void> {
  const { trust, clock, revoked } = core
  const published = identity.statements.flatMap(({ statement }) =>
    core.publishedKeys(statement.issuer),
  )
  const issuers = statusIssuersOf(identity, { anchors: trust.anchors, now: clock.now(), published })
  const ends: (() => void)[] = []
  for (const issuer of issuers) ends.push(await revoked.publish(issuer))
  return () => {
    for (const end of ends) end()
  }
}

/**
 * Publishes the status of a name that has bound others: of every issuer in a chain one is asked,
 * once one was heard.
 */
export async function publishOwnStatus(identity: Identity, revoked: Revoked): Promise<() => void> {
  const { name, signer } = identity
  const proving = provingStatements(identity, [])
  return await revoked.publish({ name, signer, of: name, proving })
}
