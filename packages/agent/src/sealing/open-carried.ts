import type { Sha256 } from '@ixj/trust'
import { equalBytes } from '@ixj/trust'
import { decodeBundle } from '../bundles/bundle.ts'
import type { History } from '../history/history.ts'
import type { Intake } from '../host/intake.ts'
import type { GroupSecret } from './group-secret.ts'

/** What of a node opens what it has carried. */
export interface CarryingHistory {
  readonly hash: Sha256
  readonly intake: Pick<Intake, 'repair'>
  readonly keeper: { readonly history: Pick<History, 'rows' | 'read'> }
}

/** Bundles that are read at once. */
const READ_AT_ONCE = 64

/**
 * Decides about the bundles of a group that came before their secret, in the order of sending. Costs
 * a look at each bundle of the group that is carried.
 * @throws AgentError `not-stored`
 */
export async function openCarried(secret: GroupSecret, node: CarryingHistory): Promise<void> {
  const { topic, id } = secret
  const { history } = node.keeper
  const rows = history.rows(topic).filter(({ origin }) => origin === 'carried')
  for (let start = 0; start < rows.length; start += READ_AT_ONCE) {
    for (const { bytes } of await history.read(rows.slice(start, start + READ_AT_ONCE))) {
      const { encryption } = decodeBundle(bytes, node.hash).header
      if (encryption === null || !('secret' in encryption)) continue
      if (!equalBytes(encryption.secret, id)) continue
      await node.intake.repair(bytes, { topic, from: null }, async () => null)
    }
  }
}
