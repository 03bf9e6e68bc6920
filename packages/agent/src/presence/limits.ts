/** Presence is repeated after this long, give or take {@link PRESENCE_JITTER} of it ... */
export const PRESENCE_MS = 5_000
/** The part of that by which it differs each time, so that nodes do not speak all at once. */
export const PRESENCE_JITTER = 0.2
/** ... in a group of so many nodes; in a larger one less often, in proportion to their number ... */
export const PRESENCE_OFTEN_NODES_MAX = 16
/** ... and at the least after this long: each node hears of each, and cores are few. */
export const PRESENCE_MS_MAX = 20_000
/** A change of members is told within this long. */
export const PRESENCE_CHANGE_MS = 100
/** Whoever is new to a group that is not larger is told who is here within so long for each node in it. */
export const PRESENCE_MEET_NODE_MS = 25
/** A member not heard of for this long is gone: three announcements missed ... */
export const PRESENCE_LOST_MS = 18_000
/** ... or for so many times that which lay between the last two of its node. */
export const PRESENCE_LOST_GAPS = PRESENCE_LOST_MS / PRESENCE_MS
/**
 * The connection to a node has ended: so long others may still bring word of its members. Either side
 * of a connection notices its end within a ping of the other, and tells others then.
 */
export const PRESENCE_DOUBT_MS = 3_000
/** Announcements of other nodes that one announcement echoes. */
export const PRESENCE_ECHOES_MAX = 64
/** An echo of what was heard longer ago is not worth its bytes. */
export const PRESENCE_ECHO_MS_MAX = 30_000
/** Members of one topic on one node. */
export const PRESENCE_MEMBERS_MAX = 256
/** Bytes of one node's members of a topic in its presence, below what a receiver reads. */
export const PRESENCE_BYTES_MAX = 56 * 1024
/** Announcements of one node about one topic that are read in a second. */
export const PRESENCE_PER_SECOND = 20
/** Nodes whose announcements about one topic are counted. */
export const PRESENCE_NODES_MAX = 4_096
/** Proofs of one announcement that are fetched at once. */
export const PRESENCE_FETCHES_MAX = 4
/** Heads of streams in one presence. */
export const PRESENCE_HEADS_MAX = 256
/** Heads beside the members, within one body. */
export const PRESENCE_FULL_HEADS_MAX = 64
/** A change of them is told within this long. */
export const PRESENCE_HEADS_MS = 1_000
/** Announcements of one group that are kept, to be handed on: so many bytes ... */
export const PRESENCE_KEPT_BYTES_MAX = 4 * 1024 * 1024
/** ... none older than this by its node's clock: others, whose clocks differ, are to take it still ... */
export const PRESENCE_HANDED_MS_MAX = 45_000
/** ... and so many to one neighbour at once, ... */
export const PRESENCE_HANDED_MAX = 512
/** ... with so many of the proofs that they name: whoever lacks another asks for it. */
export const PRESENCE_HANDED_PROOFS_MAX = 1_024
/** Announcements that one neighbour may hand in a second. */
export const PRESENCE_HANDED_PER_SECOND = 1_024
/** What was first heard of so is gathered for this long before it is handed on. */
export const PRESENCE_HAND_ON_MS = 100
/** Announcements in one frame. */
export const FRAME_ANNOUNCEMENTS_MAX = 256
