import { OUTBOUND_BYTES_MAX } from '@ixj/agent'
import { type GossipsubOpts, StrictNoSign } from '@libp2p/gossipsub'
import { createTopicScoreParams, type TopicScoreParams } from '@libp2p/gossipsub/score'
import {
  MESSAGE_CACHE_HEARTBEATS,
  RPC_BYTES_MAX,
  RPC_CONTROL_MAX,
  RPC_IDS_MAX,
  RPC_MESSAGES_MAX,
  RPC_SUBSCRIPTIONS_MAX,
  SEEN_TTL_MS,
} from './limits.ts'
import { messageId, parseWireTopic, textOfId } from './wire-topic.ts'

/** The one version that our nodes speak: older ones know neither backoff nor IDONTWANT. */
export const GOSSIP_PROTOCOL = '/meshsub/1.2.0'

/** A peer below this gets no IHAVE, and none of its IHAVE and IWANT are answered. */
export const GOSSIP_SCORE_MIN = -10
/** A peer below this is handed no message of ours. */
export const PUBLISH_SCORE_MIN = -50
/** Nothing of a peer below this is read. */
export const GRAYLIST_SCORE = -80

/**
 * How one topic counts in a neighbour's score: rejected messages, and nothing else. Their number
 * is squared, so 18 of them reach {@link GRAYLIST_SCORE}.
 */
export const topicScoreParams: TopicScoreParams = createTopicScoreParams({
  topicWeight: 1,
  // Scores punish, they never admit: nobody saves up credit for an attack.
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  // Silence is no fault: an ignored message must cost an honest neighbour nothing.
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -0.25,
  // After 18 rejected messages at once, one more every 6 s keeps a neighbour graylisted.
  invalidMessageDeliveriesDecay: 0.99,
})

/** How gossipsub is set up, each option with its reason. */
export function gossipProfile(): Partial<GossipsubOpts> {
  return {
    // Bundles are signed end to end; a hop's signature would say only who forwarded them.
    globalSignaturePolicy: StrictNoSign,
    // Pitfall 2: the id covers topic and every byte.
    msgIdFn: ({ topic, data }) => messageId(parseWireTopic(topic) ?? topic, data),
    // In base64, as by itself, a text took longer than all that is looked up by it.
    msgIdToStrFn: textOfId,
    // Pitfalls 3 and 4: forwarded only after our verdict, which may take seconds.
    asyncValidation: true,
    // Our own messages were delivered where they were made.
    emitSelf: false,
    // In a mesh of tens of nodes the first hop to all subscribers is cheap, and a message does not
    // depend on whom the mesh of the topic happens to hold.
    floodPublish: true,
    // CVE-2026-86040: a floodsub peer would get everything, with no score and no limits.
    fallbackToFloodsub: false,
    // A PRUNE must not tell a peer who else is there, nor send us to dial strangers.
    doPX: false,
    // It would write the names of our topics into the peer store, to save connections from a
    // pruner that we do not use: past the limit new connections are refused instead.
    tagMeshPeers: false,
    // A relayed connection is short and slow; browsers are clients, not members of the mesh.
    runOnLimitedConnection: false,
    // Each of our peers opens exactly one; a second would replace the first.
    maxInboundStreams: 1,
    maxOutboundStreams: 1,
    // Pitfall 9: a peer that does not read must not fill our memory.
    maxOutboundBufferSize: OUTBOUND_BYTES_MAX,
    maxInboundDataLength: RPC_BYTES_MAX,
    // For memory: our replay tables are the guard. It must be longer than the message cache lives.
    seenTTL: SEEN_TTL_MS,
    mcacheLength: MESSAGE_CACHE_HEARTBEATS,
    // Pitfall 14.
    decodeRpcLimits: {
      maxSubscriptions: RPC_SUBSCRIPTIONS_MAX,
      maxMessages: RPC_MESSAGES_MAX,
      maxIhaveMessageIDs: RPC_IDS_MAX,
      maxIwantMessageIDs: RPC_IDS_MAX,
      maxIdontwantMessageIDs: RPC_IDS_MAX,
      maxControlMessages: RPC_CONTROL_MAX,
      maxPeerInfos: 0,
    },
    scoreParams: {
      // Pitfall 10: 11 nodes behind one address would get no mesh. Admission by name replaces it.
      IPColocationFactorWeight: 0,
      // No good score to save up; see above.
      topicScoreCap: 0,
    },
    scoreThresholds: {
      gossipThreshold: GOSSIP_SCORE_MIN,
      publishThreshold: PUBLISH_SCORE_MIN,
      graylistThreshold: GRAYLIST_SCORE,
      // Nobody may send us to others.
      acceptPXThreshold: Number.MAX_SAFE_INTEGER,
      // Every honest score is 0, so there is no better peer to swap in.
      opportunisticGraftThreshold: 0,
    },
  }
}
