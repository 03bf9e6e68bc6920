import type { Handover } from '../host/handover.ts'
import type { Intake } from '../host/intake.ts'
import type { Topics } from '../host/topics.ts'
import type { History } from '../history/history.ts'
import type { Decision } from '../pipeline/decision.ts'
import type { Sha256 } from '@ixj/trust'
import type { Transport } from '../transport.ts'
import { isAtOrBelow } from '@ixj/names'
import { grantsOf } from '../host/identity.ts'
import type { attest, AttestingNode, vouchedAt } from './attestation.ts'
import type { SyncContext } from './sync.ts'

/** What of a node sync is made of. */
interface SyncedNode extends AttestingNode {
  readonly hash: Sha256
  readonly transport: Transport
  readonly topics: Topics
  readonly intake: Intake
  readonly handover: Pick<Handover, 'goesTo'>
  plain(about: 'sync', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/** What attests, and checks what others attest: asked for with the first, since most pages meet none. */
export interface AttestingAbility {
  attesting(): Promise<{ readonly attest: typeof attest; readonly vouchedAt: typeof vouchedAt }>
}

/** What sync needs, of a node. */
export function syncContext(
  node: SyncedNode,
  history: History,
  ability: AttestingAbility,
): SyncContext {
  const { clock, random, hash, transport, topics, neighbours, intake, identity } = node
  const holdsKeep = () =>
    grantsOf(identity).some(({ statement }) => statement.actions.includes('keep'))
  return {
    clock,
    random,
    hash,
    transport,
    history,
    open: topics.shown,
    repair: (bytes, carrier, word) =>
      intake.repair(bytes, carrier, async (bundle, from) => {
        if (word === null) return null
        return await (await ability.attesting()).vouchedAt(word, { bundle, from }, node)
      }),
    goesTo: (topic, host) => node.handover.goesTo(topic, host),
    attest: async (row) => {
      if (!isAtOrBelow(row.topic, identity.name) && !holdsKeep()) return null
      return await (await ability.attesting()).attest(row, node)
    },
    fault: (neighbour, cause) => neighbours.fault(neighbour, cause),
    shed: (topic, sender, cause) => node.record(node.plain('sync', 'repair', topic, sender, cause)),
  }
}
