import { MESSAGE_BYTES_MAX, OUTBOUND_BYTES_MAX, SEEN_MS } from '@ixj/agent'

/** One RPC: a message at its largest, its topic, and the framing of protobuf. */
export const RPC_BYTES_MAX = MESSAGE_BYTES_MAX + 1024

/**
 * What one RPC may hold; a neighbour throws away the whole RPC when it holds more, so ours are
 * split. Small, since each entry costs memory before anybody was asked (CVE-2026-46679).
 */
export const RPC_SUBSCRIPTIONS_MAX = 128
/** Messages in one RPC. */
export const RPC_MESSAGES_MAX = 64
/** Message ids in one RPC, for each of IHAVE, IWANT and IDONTWANT. */
export const RPC_IDS_MAX = 512
/** Entries in one RPC of each kind of control message. */
export const RPC_CONTROL_MAX = 64

/**
 * What of control a neighbour may send in a second before it is cut off: subscriptions, GRAFT and
 * PRUNE, {@link IDS_PER_CONTROL} message ids, and entries that no peer of ours sends count one each.
 * Ours begin with one subscription a topic, some 900 at most.
 */
export const CONTROL_PER_SECOND_MAX = 2_048
/** Message ids in IHAVE, IWANT and IDONTWANT that count as one: 65,536 a second are twice the worst. */
export const IDS_PER_CONTROL = 32

/**
 * Ids of messages that came are gathered for this long, and told together to neighbours that bring
 * copies of what is here ...
 */
export const HAVE_MS = 100
/** ... or until they are so many: where much comes, what others know already is soon known. */
export const HAVE_IDS = 32
/**
 * To all others, who keep their copies back, they are told in this time: where little is said a word of
 * each to each is more work than what it is about.
 */
export const HAVE_LATE_MS = 2_000
/** ... or when they are so many: half of what one RPC holds. */
export const HAVE_LATE_IDS = 256
/**
 * To neighbours that are taken to have a message from its source it is forwarded after this at the
 * least, unless they have said so by then; to all others at once.
 */
export const FORWARD_MS_MIN = 2 * HAVE_LATE_MS
/** ... and at the most, however late they say it. */
export const FORWARD_MS_MAX = 4_500
/**
 * A message of so many bytes is dear to send twice, and takes long to come: it is held back from
 * every neighbour, and all are told soon that it is here.
 */
export const LARGE_BYTES = 16_384
/** How long at the least, ... */
export const LARGE_FORWARD_MS_MIN = 4 * HAVE_MS
/** ... and at the most. */
export const LARGE_FORWARD_MS_MAX = 1_000

/**
 * Heartbeats (of 1 s) at which what came is offered to some of the neighbours outside of the mesh: a
 * bundle at each; an announcement, which is said again anyway, at one of them, with others.
 */
export const OFFERED_HEARTBEATS = 3
/** What a neighbour offers and has not come is asked for after this: until then it is on its way. */
export const ASKED_MS = 400
/** Ids that one neighbour offers and that are waited for; what it offers beyond is asked for at once. */
export const OFFERED_IDS_MAX = 1_024

/**
 * Times that a neighbour had what came from a source without us, before it is taken to have all of
 * that. Each time that it had not counts as {@link MISSED_COST} of them, of {@link COVERED_MAX} at the most.
 */
export const COVERED_MIN = 4
export const COVERED_MAX = 16
export const MISSED_COST = 4
/** Sources that are known of one neighbour; the longest unused goes. */
export const COVERED_SOURCES_MAX = 256
/** Messages that came lately of which it is remembered from whom, and who said that they have them. */
export const PASSING_MAX = 8_192
/** Messages that are timed at once, to learn how late neighbours say that they have them. */
export const HAVE_SAMPLES_MAX = 1_024
/**
 * Ids that a neighbour may say in a second that it has; what it says beyond is not heard, and it gets
 * copies. They are kept for {@link MESSAGE_CACHE_HEARTBEATS}, so 3 MiB for each neighbour at most.
 */
export const HAVE_PER_SECOND_MAX = 4_096

/** A topic string on the wire: prefix, the longest name (253), `/revoked`. Longer is no topic. */
export const WIRE_TOPIC_MAX = 7 + 253 + 8

/** A node says so often, at most, that nothing is to be taken for granted of it. */
export const ANEW_MS = 1_000

/** Of what may wait for a neighbour, the part that only control messages may use. */
export const CONTROL_RESERVE_BYTES = 256 * 1024

/** Bytes waiting for a neighbour past which it is handed no message. */
export const OUTBOUND_MESSAGES_BYTES_MAX = OUTBOUND_BYTES_MAX - CONTROL_RESERVE_BYTES

/**
 * Bytes waiting for a neighbour past which it is behind: where most are, a publisher waits. Each is
 * then behind by some 8 of the largest messages, and the others have as much more as a full buffer
 * holds before they lose one.
 */
export const CROWDED_BYTES = 512 * 1024

/**
 * A neighbour that has taken nothing for this long, with its buffer full, is cut off: what comes
 * meanwhile is lost to it in any case, and repair needs a connection that works. A link of 30 kB a
 * second still takes one message in that time.
 */
export const STALLED_MS_MAX = 3_000

/** gossipsub's memory of message ids; ours, the replay tables, is what counts. */
export const SEEN_TTL_MS = SEEN_MS

/**
 * Heartbeats (of 1 s) that gossipsub keeps a message. A message put in just before a heartbeat is
 * dropped by the n-th one, so 6 are needed to cover a verdict of 5 s.
 */
export const MESSAGE_CACHE_HEARTBEATS = 6

/** yamux lets a window grow to 16 MiB, past what a paused stream may hold (4 MiB): it would die. */
export const STREAM_WINDOW_BYTES_MAX = 1024 * 1024

/** Bytes to one neighbour that are handed to the system together; more go at once. */
export const GATHERED_BYTES_MAX = 4 * 1024

/**
 * Frames of a channel that were given in one turn go together up to so many bytes: in one frame of
 * noise, which holds 64 KiB, and of which others have to be given their turn in between.
 */
export const FRAMES_TOGETHER_BYTES_MAX = 16 * 1024

/** Frames of a channel that are handed out before the program is given a turn for everything else. */
export const FRAMES_IN_TURN_MAX = 32

/** Channels of one protocol that a neighbour may have open towards us; and we towards it. */
export const CHANNELS_MAX = 32

/**
 * Libp2p forgets a peer this long after its last connection has ended: what it still had to write
 * about the peer takes some turns of the event loop.
 */
export const DEPARTED_MS = 1_000

/** How long a closing channel or connection may take to hand over what it still holds. */
export const CLOSE_MS_MAX = 1_000

/** Connections in all; past that new ones are refused and none is evicted. */
export const CONNECTIONS_MAX = 1_024

/**
 * Inbound connections that wait for admission, and as many before that which still prove who they
 * are; past that the oldest one that waits is ended for each that comes.
 */
export const UNADMITTED_MAX = 128

/**
 * Those of one source: an IPv4 address, or the /64 of an IPv6 address. A quarter of all, so that
 * one source cannot push out another; nodes behind one NAT that start at once are fewer, or come
 * again.
 */
export const UNADMITTED_PER_SOURCE_MAX = UNADMITTED_MAX / 4

/**
 * New connections a second from one address. libp2p's default of 5 shuts out nodes that start
 * together behind one NAT or in one cluster; a handshake costs about a millisecond.
 */
export const INBOUND_CONNECTIONS_PER_SECOND = 128

/** A neighbour of which nothing has come for so long is asked for a sign of life ... */
export const PING_MS = 2_000
/** ... and dead when it has left so many of these unanswered, and said nothing else. */
export const PINGS_UNANSWERED_MAX = 3

/** A node that ends waits so long, in real time, until its neighbours have read what it said last. */
export const LAST_WORDS_MS = 3_000

/** The shortest and the longest wait before a kept neighbour is dialled again. */
export const REDIAL_MS_MIN = 500
/** Short enough that a healed network is whole again within 10 s. */
export const REDIAL_MS_MAX = 5_000

/** One attempt to connect; below the longest wait between two, so that attempts do not pile up. */
export const DIAL_MS_MAX = 5_000

/**
 * A gossip stream that has ended for this long, on a connection that still stands, ends the
 * connection. One that closes in good order ends its streams just before itself.
 */
export const GOSSIP_ENDED_MS = 200

/**
 * A connection beside the one that is used ends after this: longer than a hello takes to begin on a
 * slow path, and than a used one that has ended takes to be noticed where it was closed in order.
 */
export const SPARE_MS_MAX = 5_000

/** Peers that are remembered over restarts: each is dialled until it is there. */
export const LEARNED_MAX = 64
/** One that was not reached for a week is forgotten at the next start. */
export const LEARNED_MS_MAX = 7 * 24 * 3_600_000

/** Addresses that the names in one address may come to. */
export const DNS_ADDRESSES_MAX = 16
/** Lookups for one address: `_dnsaddr` may lead to further names, and those to further ones. */
export const DNS_LOOKUPS_MAX = 32
