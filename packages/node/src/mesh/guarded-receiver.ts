import type { Receiver } from '@ixj/agent'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'

/**
 * The receiver, with its failures contained: libp2p calls it from listeners, where a bug of the
 * owner would end the process. Only those of `message` reach the caller, which counts them itself.
 */
export function guardReceiver(receiver: Receiver, counts: MeshCounts): Receiver {
  return {
    connected: (peer, initiator) => void contain(counts, () => receiver.connected(peer, initiator)),
    disconnected: (peer) => void contain(counts, () => receiver.disconnected(peer)),
    channel: (peer, protocol, channel) =>
      void contain(
        counts,
        () => receiver.channel(peer, protocol, channel),
        () => channel.close(),
      ),
    message: (topic, bytes, from) => receiver.message(topic, bytes, from),
    subscriptionChanged: (peer, topic, subscribed) =>
      void contain(counts, () => receiver.subscriptionChanged(peer, topic, subscribed)),
    subscriptionHeld: (peer, topic) =>
      void contain(counts, () => receiver.subscriptionHeld(peer, topic)),
  }
}
