import type { Handover } from '../host/handover.ts'
import type { Name } from '@ixj/names'
import type { Decision } from '../pipeline/decision.ts'
import { isCode } from '../pipeline/verdicts.ts'
import { mayPassLater } from '../sync/passing.ts'
import type { Sync } from '../sync/sync.ts'
import { Deliver, type DeliverContext } from './deliver.ts'

/** What of a node its direct streams use. */
interface DeliveringNode extends Pick<DeliverContext, 'clock' | 'transport' | 'neighbours'> {
  readonly identity: { readonly name: Name }
  readonly handover: Pick<Handover, 'again' | 'changed'>
  readonly relaying: { readonly takeInbox: DeliverContext['take'] }
  readonly sync: Pick<Sync, 'acknowledged'>
  plain(about: 'delivery', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/** The direct streams of a node. */
export function openDeliver(node: DeliveringNode): Deliver {
  const { clock, transport, neighbours, identity } = node
  return new Deliver({
    clock,
    transport,
    neighbours,
    take: (bytes, from) => node.relaying.takeInbox(bytes, from),
    again: (bundle) => node.handover.again(bundle),
    decided: ({ topic, id }, code) => {
      // What a host may take later is repaired; all else need not be offered to it.
      const isLeft = code !== null && isCode(code) && mayPassLater(code)
      if (!isLeft) node.sync.acknowledged(topic, id)
    },
    hasRoom: () => node.handover.changed(),
    lost: ({ topic }, cause) =>
      node.record(node.plain('delivery', 'deliver', topic, identity.name, cause)),
  })
}
