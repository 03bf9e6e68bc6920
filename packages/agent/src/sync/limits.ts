/** Buckets in one frame: the hour of a task's retention, its two ends, and a minute ahead. */
export const BUCKETS_MAX = 368
/** Ids in one frame of sync, below what a frame may hold. */
export const SYNC_IDS_MAX = 1_900
/** A topic is compared with each neighbour after this long, give or take a fifth. */
export const SYNC_MS = 4_000
/** A page, to which sockets lose nothing, asks its relays after so long: they have thousands of pages. */
export const SYNC_PAGE_MS = 16_000
/** Of what has not changed since it was compared nothing is said for so long: less than a page waits. */
export const SYNC_AGAIN_MS = 12_000
/** How soon it is compared after something of it was found missing, or came by repair. */
export const SYNC_SOON_MS = 100
/** Reasons to compare a topic that are looked at again before it is; past that, it is anyway. */
export const SYNC_REASONS_MAX = 64
/** What was sent in the last moments is still under way, and compared only where it is missed. */
export const SYNC_SETTLED_MS = 3_000
/** Between two answers about one topic and class for one neighbour: each digest costs a sort. */
export const SYNC_ANSWER_MS = 80
/** Between two lists of one bucket for one neighbour; twice as long each time nothing came of it. */
export const SYNC_LIST_MS = 500
/** The longest that grows. */
export const SYNC_LIST_MS_MAX = 60_000
/** A neighbour that gives nothing of use for so long, of what it was asked for, has failed once. */
export const PULL_MS = 2_000
/** One that has not given all by then is left for another that has the rest, if there is one. */
export const PULL_LONG_MS = 8_000
/** Tries for one id and neighbour. */
export const PULL_TRIES_MAX = 3
/** Ids that are wanted of one neighbour at once, whatever it lists. */
export const PULL_WANTS_MAX = 4_096
/** Ids that a neighbour may ask for before it was given them. */
export const PULL_ASKED_MAX = 4_096
/** Frames of sync of one neighbour that are read in a second, bundles aside; then it waits. */
export const SYNC_FRAMES_PER_SECOND = 1_024
/** Ids that are looked at for one neighbour in a second: a tenth of a core. Then it waits. */
export const SYNC_IDS_PER_SECOND = 131_072
/** Bytes of sync and repair that go to one neighbour in a second: live traffic has the rest. */
export const SYNC_BYTES_PER_SECOND = 8 * 1024 * 1024
/** What an attested bundle costs of these besides its own: it is signed anew each time it is given. */
export const SYNC_ATTEST_COST_BYTES = 4_096
/** Frames of sync that wait for one neighbour; what is too many is said again later. */
export const SYNC_FRAMES_WAITING_MAX = 1_024
/** Ids that were pulled and not accepted: they are not asked for again. The oldest goes. */
export const SYNC_REFUSED_MAX = 65_536
/** Inbox bundles that wait to be offered by their ids to their hosts, of one inbox. */
export const SYNC_OFFERS_MAX = 1_900
/** How soon they are. */
export const SYNC_OFFER_MS = 1_000
/** An attestation: a name, ids and a signature. */
export const ATTEST_BYTES_MAX = 1_024
/** Buckets of which each neighbour's last lists are remembered. */
export const SYNC_LISTS_KEPT_MAX = 4_096
