import type { Bundle } from '../bundles/bundle.ts'
import type { Core } from '../host/core.ts'
import type { InboxLoad } from '../host/handover.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import type { Lane } from './lane-queue.ts'

/**
 * Gives a bundle to those who follow its topic; to how many, those here counted as one. Agents of
 * this node pass the same pipeline as those of others, and follow the stream like them where a bundle
 * is not for them. Before anybody may know the bundle, `isSeen` is called.
 * @throws AgentError `not-handed-over`
 */
export async function handOver(
  lane: Pick<Lane, 'of' | 'topic' | 'class'>,
  given: {
    readonly bundle: Bundle
    readonly proof: KnownProof
    readonly isSeen: () => void
    /** It was signed here in this moment, not read from a store. */
    readonly isNew?: boolean
    readonly way?: InboxLoad['way']
  },
  {
    topics,
    intake,
    handover,
    shared: state,
  }: Pick<Core, 'topics' | 'intake' | 'handover' | 'shared'>,
): Promise<number> {
  const { bundle, proof, isSeen, way } = given
  const { id, bytes, header } = bundle
  // A sender's own registers are seen by itself as by everybody else: through the pipeline.
  const isShared = lane.of === 'group' && lane.class === 'state'
  // A combiner takes no tasks, and cannot open what is sealed to the name whose inbox it is.
  const toReader = header.class === 'task' || header.encryption !== null
  const isPast = toReader && topics.hostedAs(lane.topic) === 'combiner'
  if (isShared || (!isPast && topics.followers(header).length > 0)) {
    isSeen()
    const signed = given.isNew === true ? { justSigned: bundle } : {}
    await intake.take(bytes, { topic: lane.topic, from: null, ...signed })
  }
  const here = !isPast && topics.audience(header).length > 0 ? 1 : 0
  const until = header.sentAt + header.lifespanMs
  const load = { id, bytes, proof, given: isSeen, until, way }
  const shared = { bytes, proofs: [proof], given: isSeen }
  const sheaves = isShared ? state?.sheaves : undefined
  const there = sheaves
    ? await sheaves.hand(lane.topic, shared)
    : lane.of === 'group'
      ? await handover.group(lane.topic, shared)
      : await handover.inbox(lane.topic, { ...load, toReader })
  return here + there
}
