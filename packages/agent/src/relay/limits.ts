import { CHANNEL_FRAME_BYTES_MAX } from '../transport.ts'

/** The WebSocket subprotocol; its number rises when its frames change. */
export const RELAY_SUBPROTOCOL = 'ixj.1'

/** A topic on a socket: the longest name, and what stands around it for the revocations of a root. */
export const SOCKET_TOPIC_BYTES_MAX = 300

/** A frame of a socket: the largest payload, a topic's name, and 212 bytes for all the rest. */
export const SOCKET_FRAME_BYTES_MAX = CHANNEL_FRAME_BYTES_MAX + 512

/** A login and its answer: two names, two peers and an origin at their longest take 1.4 KiB. */
export const LOGIN_BYTES_MAX = 2 * 1024

/** Who a side is to its neighbours: a libp2p peer id has some 60 bytes, a page's has 69. */
export const PEER_BYTES_MAX = 128

/** Channels of one socket that may be open at once, whoever opened them: each host opens six. */
export const SOCKET_CHANNELS_MAX = 64

/** Bytes of a channel that were sent and not read: as much as yamux gives a new stream. */
export const SOCKET_WINDOW_BYTES = 256 * 1024

/** Read bytes are told to the sender in portions of this: a quarter of the window. */
export const SOCKET_CREDIT_BYTES = 64 * 1024

/** Before a socket with too much unsent is looked at again; browsers do not say when it is sent. */
export const SOCKET_ROOM_MS = 10

/** Gossip of a neighbour that is kept until it is admitted: rights of a large host, and no more. */
export const SOCKET_HELD_BYTES_MAX = 256 * 1024

/** Messages of one neighbour that were rejected before its socket is cut, as libp2p's score does. */
export const SOCKET_REJECTED_MAX = 16

/** Topics that a relay carries for one page: its agents' inboxes and groups. */
export const CARRIED_PER_PAGE_MAX = 64

/**
 * Groups that a relay carries for all pages together: of the longest names too they fit what its
 * neighbours remember (`TOPIC_BUDGET_BYTES`), with some that are being closed and some of its own.
 */
export const CARRIED_GROUPS_MAX = 704

/** How long a relay may receive for an agent without being asked anew; asked at half of it. */
export const CARRY_GRANT_MS = 600_000

/** Frames about carried topics that a page may send in a second. */
export const CARRY_FRAMES_PER_SECOND = 128

/** How long a relay waits for the word of a bundle's host; sender's lifespans may be shorter. */
export const PASS_MS_MAX = 5_000

/** Names in a second that one page may have its relay look for. */
export const PASS_SOUGHT_PER_SECOND = 16

/** Bundles of one neighbour that wait at a relay for a host to be found, each for some seconds. */
export const PASS_WAITING_MAX = 64

/** Bundles of one neighbour whose outcome is remembered: what it repeats is answered, not passed on. */
export const PASSED_KEPT_MAX = 64

/** How long topics are carried for a page that has left: it may be back, or have said so last. */
export const CARRY_LINGER_MS = 1_000

/** Neighbours of a relay: as many pages as the largest door takes, and the nodes beside them. */
export const RELAY_NEIGHBOURS_MAX = 16_384

/** Statements of one page: four for each topic that is carried for it. */
export const PAGE_STATEMENTS_MAX = 256

/**
 * A page tells the proof of what it asks to be carried ahead, on another channel: so long its relay
 * takes the proof for under way, and does not have it told, and checked, once more.
 */
export const CARRY_PROOF_MS = 1_000

/** Before a relay that declined a topic is asked again. */
export const CARRY_RETRY_MS = 5_000
