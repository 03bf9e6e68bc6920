/** A header with its audience and approvals (docs/protocol.md, "Bundles"): room for 64 audience entries. */
export const HEADER_BYTES_MAX = 4 * 1024
/** The messages of one bundle: small enough that a lost bundle costs little, large enough to share a signature. */
export const MESSAGES_BYTES_MAX = 60 * 1024
/** Messages in one bundle: a receiver never holds more under one verdict. */
export const BUNDLE_MESSAGES_MAX = 256
/** Audience entries in one header: the roster of a large crew is a pattern, not a list. */
export const AUDIENCE_MAX = 64
/** Approvals in one header: more than the names that one condition can list are never needed. */
export const APPROVALS_MAX = 16
/** One approval: three names of 253 bytes, and less than 394 bytes of the rest. */
export const APPROVAL_BYTES_MAX = 1_152
/** How long an approval may be good for: long enough to collect the others. */
export const APPROVAL_MS_MAX = 300_000
/** What is kept of a lifespan to send what was approved, at most; a tenth of a shorter one. */
export const APPROVAL_SENDING_MS = 5_000
/** Parts in which used approvals are kept on disk: one of 64 KiB is written for each. */
export const USED_APPROVALS_PARTS = 16
/** Used approvals in one part; with its grant and its end, one takes less than 80 bytes. */
export const USED_APPROVALS_PART_MAX = 768
/** Used approvals that are remembered for one grant: its holder fills no more than that. */
export const USED_APPROVALS_GRANT_MAX = 1_024
/** A content type is a short label, not data. */
export const CONTENT_TYPE_BYTES_MAX = 128

/** How long a state message may be worth delivering: it is never repaired. */
export const STATE_LIFESPAN_MS_MAX = 10_000
/** How long an event may be worth delivering: as long as histories are kept. */
export const EVENT_LIFESPAN_MS_MAX = 600_000
/** How long a task may be retried. */
export const TASK_LIFESPAN_MS_MAX = 3_600_000
/** Default lifespan of class state: two missed updates of a slow robot. */
export const STATE_LIFESPAN_MS = 2_000
/** Default lifespan of class event. */
export const EVENT_LIFESPAN_MS = 600_000
/** Default lifespan of class task. */
export const TASK_LIFESPAN_MS = 3_600_000
/** Default lifespan of a request: a person still waits for it. */
export const REQUEST_LIFESPAN_MS = 30_000
/** Default priority, and the highest without a grant that says more. */
export const PRIORITY_DEFAULT = 1

/** Before a task that was handed over is sent again; then twice as long, and so on. */
export const TASK_RETRY_MS = 1_000
/** The longest of these waits: a receiver that comes back hears of it within that. */
export const TASK_RETRY_MS_MAX = 30_000
/** Tasks of one agent that wait for acknowledgements before its owner is told to slow down. */
export const TASKS_UNACKNOWLEDGED_MAX = 4_096
/** Names and keys that one task is for. */
export const TASK_ADDRESSEES_MAX = 1_024
/** A copy of a task is acknowledged again so long after the last time. */
export const TASK_ACKNOWLEDGE_AGAIN_MS = 500
/** Copies of one agent's tasks that are acknowledged again in a second: each costs a signature. */
export const TASK_COPIES_PER_SECOND = 256
/** Before a task whose handler failed is handed out again; then twice as long, and so on. */
export const TASK_AGAIN_MS = 1_000
/** How often a task is handed out: what ends its handler five times would do so for ever. */
export const TASK_ATTEMPTS_MAX = 5
/** Tasks of one agent that are not done: waiting for its handler, or with it. */
export const TASKS_OPEN_MAX = 1_024
/** Of one sender: it fills a quarter of that and no more. */
export const TASKS_OPEN_PER_SENDER_MAX = 256
/** Bytes of their bundles. */
export const TASKS_OPEN_BYTES_MAX = 16 * 1024 * 1024
/** Tasks of one agent that are remembered until their lifespan ends: 18 a second for an hour. */
export const TASKS_REMEMBERED_MAX = 65_536
/** Of one sender. */
export const TASKS_REMEMBERED_PER_SENDER_MAX = 16_384
/** A task as it is stored: a bundle, its proof and all statements of that, and the rest. */
export const TASK_RECORD_BYTES_MAX = 640 * 1024
/** Stored tasks share a value of the store up to this size. */
export const TASK_PAGE_BYTES = 56 * 1024
/** Such values of one agent, each way: 28 MiB, or as many of the largest tasks. */
export const TASK_PAGES_MAX = 512

/** How long messages gather while a bundle is on its way. */
export const BUNDLE_GATHER_MS = 5
/** Messages that may wait in one lane of an outbox before its owner is told to slow down. */
export const OUTBOX_MESSAGES_MAX = 4_096
/** Bytes of one lane that are not handed over yet, whether they wait or are being signed. */
export const OUTBOX_BYTES_MAX = 16 * 1024 * 1024
/** How long a publish waits for a neighbour while members are known and none can be handed it. */
export const HANDOVER_MS = 1_000
/**
 * How long a bundle waits for a host that has a window of others to decide about and decides about
 * none: one that reads and thinks is behind, by seconds where many write to it. Waiting slows its
 * sender, and nothing has failed; a third of the time after which such a host is left.
 */
export const HANDOVER_FULL_MS = 10_000
/** How long a bundle waits while most neighbours still take what went before it ... */
export const HANDOVER_PACED_MS = 500
/** ... and for so long nothing waits after that was in vain: those who take nothing hold up a tenth. */
export const HANDOVER_UNPACED_MS = 5_000

/** Sets of DNSSEC records whose check is remembered: each costs some milliseconds. */
export const DNSSEC_CHECKED_MAX = 1_024
/** Records that do not hold are looked at again after this long: a clock may have been behind. */
export const DNSSEC_FAILED_MS = 10_000
/** Names whose newest records are remembered; no newcomer pushes one out. 32 MiB at most. */
export const DNSSEC_NAMES_MAX = 4_096
/**
 * How long they are, from their signing: no records of a key count for longer than these two days,
 * so from then on there are none to be outvoted.
 */
export const DNSSEC_NAME_MS = 2 * 86_400_000
/** Checks of DNSSEC records for each neighbour, and for all who are not admitted together. */
export const DNSSEC_CHECKS_PER_SECOND = 32
/** Budgets of that kind; as many as there may be neighbours. */
export const DNSSEC_OWNERS_MAX = 1_024
/** Names that proofs of our own rest on: agents with keys in the DNS, one or two for each. */
export const DNSSEC_FOLLOWED_MAX = 4_096
/** Records that our own proofs rest on are asked for again so long before they lapse, at least. */
export const DNSSEC_REFRESH_MS = 60_000
/** Between two questions for one name whose records were not renewed yet; longer while much is left. */
export const DNSSEC_RETRY_MS = 20_000
/** Names that are asked for at once when many lapse together. */
export const DNSSEC_FETCHES_MAX = 16

/** Bytes on one direct stream that its host has not decided about: what a fast link holds for 100 ms. */
export const DELIVER_WINDOW_BYTES_MAX = 4 * 1024 * 1024
/** Bundles on it: a lone message has 500 bytes, and each is a decision under way. */
export const DELIVER_WINDOW_BUNDLES_MAX = 1_024
/** Bytes on all of a node's direct streams together: sixteen windows. Then each host has an equal part. */
export const DELIVER_BYTES_MAX = 64 * 1024 * 1024
/** A host that decides about nothing for so long is left: its bundles go another way, or are told lost. */
export const DELIVER_SILENT_MS = 30_000
/** A node that closes waits so long for acknowledgements of what it has handed over. */
export const DELIVER_DRAIN_MS = 1_000
/** Direct streams that a neighbour may open in a second; one at a time counts. */
export const DELIVER_STREAMS_PER_SECOND = 4
/** Bundles of a neighbour's direct stream that may be refused in a second; past that it is not read. */
export const DELIVER_REFUSALS_PER_SECOND = 1_024
/** How long a neighbour that took no direct stream gets its bundles by gossip. */
export const DELIVER_RETRY_MS = 10_000
/** Bundles of streams that broke, until a host takes them: what two full streams hold. */
export const DELIVER_STRANDED_BYTES_MAX = 8 * 1024 * 1024
/** Before a host that had no room for a bundle is asked again; twice as long each time. */
export const DELIVER_AGAIN_MS = 1_000
/** The longest of these waits. */
export const DELIVER_AGAIN_MS_MAX = 8_000
/** A code that the other side tells. */
export const CODE_BYTES_MAX = 64

/** Bundles that wait for verdicts before classes are refused; four windows of direct streams. */
export const INTAKE_BUNDLES_MAX = 4_096
/** Their bytes: sixteen windows. */
export const INTAKE_BYTES_MAX = 64 * 1024 * 1024

/** How long a bundle waits for its proof. */
export const PROOF_WAIT_MS = 2_000
/**
 * Bundles that wait for their proofs, for each neighbour: the first ones of some batches of births
 * come before the statements that go ahead of them are checked. Their bytes are the tighter bound.
 */
export const PARKED_BUNDLES_MAX = 1_024
/** Bytes that may wait for proofs, for each neighbour. */
export const PARKED_BYTES_MAX = 1024 * 1024
/** How long an ordered stream waits for a gap before it goes on. */
export const GAP_WAIT_MS = 2_000
/** Bundles that one stream may hold back behind a gap. */
export const GAP_BUNDLES_MAX = 256
/** Bytes that all streams hold back behind gaps: what 64 neighbours bring in a second of 1 MiB each. */
export const GAP_BYTES_MAX = 64 * 1024 * 1024

/** Senders by topic and class in the replay tables; full tables refuse newcomers and evict none. */
export const REPLAY_LANES_MAX = 65_536
/** Bundles remembered of one stream: more than can be under way at once, and 128 KiB at most. */
export const REPLAY_WINDOW = 1_024
/** Gaps of one stream that its window has moved past and that repair may still fill. */
export const REPLAY_HOLES_MAX = 256
/** Epochs of one sender that are followed: as often it may have restarted within what is repaired. */
export const REPLAY_EPOCHS_MAX = 4
/** Bundles remembered over all streams, about 256 MiB. */
export const REPLAY_BUNDLES_MAX = 1_048_576
/** Lanes of the children of one name: a quarter of the table. Further ones share a room. */
export const REPLAY_FAMILY_LANES_MAX = 16_384
/** Streams of senders that share a room: 3 s of a pool that makes 20,000 agents a second. */
export const REPLAY_CROWD_STREAMS_MAX = 65_536
/** Such rooms: as many pools, topics and classes as a node hears of. */
export const REPLAY_CROWDS_MAX = 4_096
/** Keys refused for equivocation that are remembered, with their evidence. */
export const EQUIVOCATORS_MAX = 4_096
/** Checks a second that strangers get, for each neighbour that carries them. */
export const STRANGER_CHECKS_PER_SECOND = 10

/** Items that a reader's queue holds before it loses the oldest, unless the reader says otherwise. */
export const QUEUE_MAX = 256
/** Requests that wait for a reader. */
export const REQUESTS_MAX = 1_024
/** Refusals and acknowledgements of one agent that wait for their askers to be reached. */
export const ANSWERS_UNTOLD_MAX = 1_024
/** How long a refusal waits for its asker, who sees its own request end otherwise. */
export const REFUSAL_TOLD_MS = 5_000
/** Requests of one agent that may wait for answers at once. */
export const PENDING_REQUESTS_MAX = 65_536
/** Decisions that wait for a reader of {@link Host.decisions}. */
export const DECISIONS_MAX = 1_024

/** How long a hello may take, from connection to admission. */
export const HELLO_MS = 5_000
/** A refused connection stays this long, so that the code of the refusal arrives. */
export const REFUSAL_MS = 500
/** Cross-certificates in a proof of our own: a way of 4, twice, as while one is renewed. */
export const PROOF_CROSS_CERTIFICATES_MAX = 8
/** Bindings in a hello: a node's own chain, no more. */
export const HELLO_BINDINGS_MAX = 16
/** Statements in a hello: those, and the cross-certificates that lead to it. */
export const HELLO_STATEMENTS_MAX = 24
/** Statements in one frame: the cost cap of a proof. */
export const FRAME_STATEMENTS_MAX = 64
/** Proofs kept from one neighbour before its oldest is forgotten. */
export const PROOFS_PER_NEIGHBOUR_MAX = 1_024
/** Bytes of these: that many without DNSSEC records, or some 340 of the largest with. */
export const PROOFS_PER_NEIGHBOUR_BYTES_MAX = 4 * 1024 * 1024
/** Proofs kept in all. */
export const PROOFS_MAX = 65_536
/** Proofs that are looked at in a second: whether their statements are still there. */
export const PROOFS_SWEPT_MAX = 512
/** Bytes of these: 4 KiB each. */
export const PROOFS_BYTES_MAX = 256 * 1024 * 1024
/** Inboxes of others that a node asks for; below what a neighbour remembers, groups included. */
export const SOUGHT_MAX = 2_048
/** How long an inbox that nobody here writes to is still asked for. */
export const SOUGHT_MS = 600_000
/** Topics in which a neighbour may say that it is interested. */
export const WANTS_PER_NEIGHBOUR_MAX = 4_096
/** Rights that a neighbour may show. */
export const RIGHTS_PER_NEIGHBOUR_MAX = 4_096
/** Faults (false signatures, bad frames) after which a neighbour is cut off. */
export const NEIGHBOUR_FAULTS_MAX = 16
/** Fetches of a neighbour that are under way at once, either way. */
export const FETCHES_PER_NEIGHBOUR_MAX = 256

/** Members of one topic, over all nodes. */
export const MEMBERS_MAX = 65_536

/** Chains that passed, kept until they lapse or a trust decision changes. */
export const CHAIN_CACHE_MAX = 65_536
/** How long statements are kept after their end, so that a late user is told `expired`, not missing. */
export const ENDED_STATEMENTS_KEPT_MS = 600_000
/** How often tables are swept of what has ended. */
export const SWEEP_MS = 1_000

/** A revocation, status or successor with what proves its issuer: one of at most this size. */
export const NOTICE_BYTES_MAX = 4 * 1024
/** Statements that prove its issuer: a chain of some links, and grants by which it revokes. */
export const NOTICE_PROVING_MAX = 16
/** Notices of one neighbour that are checked in a second: each costs a signature or some. */
export const NOTICES_PER_SECOND = 256
/** Neighbours whose notices are counted; the longest known goes. */
export const NOTICE_SENDERS_MAX = 4_096
/** Successors of one anchor's key that are passed on: those who missed several follow them all. */
export const SUCCESSORS_PER_NAME_MAX = 8
/** Notices that are kept are written in pages of this size: most change no more than one. */
export const NOTICE_PAGE_BYTES = 56 * 1024
/** Such pages: room for some 100,000 revocations. */
export const NOTICE_PAGES_MAX = 1_024
/** Revocations that have ended stay in the store until there are so many, and more than of others. */
export const ENDED_NOTICES_KEPT = 256
/** Statuses are issued this often, so that two may be lost before anything lapses. */
export const STATUS_MS = 20_000
/** Who heard another's status of a name so lately does not issue one. */
export const STATUS_HEARD_MS = 12_000
/** Between two lists of ids for one neighbour and root. */
export const REVOKED_SYNC_MS = 2_000
/** Ids in one list: with the rest below what a frame may hold. */
export const REVOKED_IDS_MAX = 1_024
/** Notices in one frame. */
export const FRAME_NOTICES_MAX = 256
/** Bytes of what one frame brings, below what it may hold. */
export const FRAME_PARCEL_BYTES = 60 * 1024
/** Notices in a hello: statuses of the issuers in a node's own chain. */
export const HELLO_NOTICES_MAX = 4
/** Trusted roots whose revocations a node follows by gossip; the others come from neighbours. */
export const REVOKED_TOPICS_MAX = 64
/** How long after a spawned name has closed its revocation is told: what it sent is still wanted. */
export const REVOKE_AFTER_CLOSE_MS = 2_000
/** Spawned names a second that are revoked although they end within 60 s by themselves. */
export const BRIEF_REVOCATIONS_PER_SECOND = 16
/** How soon connections and rights are looked at again after a revocation: many come together. */
export const RECHECK_MS = 20

/** Bytes of a register's name. */
export const STATE_REGISTER_BYTES_MAX = 64
/** Bytes of one register's update, its name and time included: a pose, a mode, no picture. */
export const STATE_UPDATE_BYTES_MAX = 4 * 1024
/** Registers of one member in one group. */
export const STATE_REGISTERS_MAX = 64
/** Registers of one sender that a node still knows to have been set, those cleared included. */
export const STATE_SLOTS_MAX = 128
/** Such registers over all senders; a full table refuses newcomers and evicts none. */
export const STATE_SLOTS_TOTAL_MAX = 262_144
/** Registers of one group that a node holds, over all members: 64 each of 1,024. */
export const STATE_GROUP_REGISTERS_MAX = 65_536
/** Bytes of one member's bundles that are kept for those who join: twice its registers at their largest. */
export const STATE_MEMBER_BYTES_MAX = 1024 * 1024
/** Such bytes of one group, over all members. */
export const STATE_GROUP_BYTES_MAX = 64 * 1024 * 1024
/** Default lifespan of a register: what its owner does not say again within it is gone. */
export const STATE_REGISTER_LIFESPAN_MS = 10_000
/** A register is said again after this part of its lifespan, so that two repeats may be lost. */
export const STATE_REPEATS = 3
/** The least between two repeats, however short the lifespan is. */
export const STATE_REPEAT_MS_MIN = 100
/**
 * Values of one register that wait for their node's next message and go together, the newest of them:
 * a program that stands still for some ms loses none ...
 */
export const STATE_WAITING_MAX = 8
/** ... and their bytes: of large values only the newest waits. */
export const STATE_WAITING_BYTES_MAX = 1024
/** What could not be handed over is tried again after this long, with what was set meanwhile. */
export const STATE_RETRY_MS = 500
/** Neighbours that are asked for a group's registers at once: any of them has nearly all. */
export const STATE_SNAPSHOTS_MAX = 2
/** A neighbour is asked so long after it has shown its right: it has checked ours then. */
export const STATE_ASK_AFTER_MS = 100
/** Times that a neighbour is asked that gives no answer. */
export const STATE_ASK_TRIES = 3
/** Questions of one neighbour that are answered in a second. */
export const STATE_SNAPSHOTS_PER_SECOND = 4
/** Bundles that one message to a group may hold: as many as a score forgives checks for. */
export const SHEAF_BUNDLES_MAX = 64
/** Between two messages with a node's state of one group, at least: less than a member that sets 50 times a second waits. */
export const SHEAF_GATHER_MS = 10
/** So long a sheaf waits for the last of its bundles, before the others go on without it. */
export const SHEAF_WHOLE_MS = 50
/** How long a node may sign for a member: a link that lives no longer needs no status. */
export const VOICE_MS = 60_000
/** It is given anew after so long. */
export const VOICE_RENEW_MS = 40_000
/** Before its end nothing more is signed under it: what is said has a lifespan of up to 10 s. */
export const VOICE_MARGIN_MS = 10_000
/** Where it could not be given, it is tried again after so long. */
export const VOICE_RETRY_MS = 5_000
/** Bounds on ages that one member may set. */
export const STATE_BOUNDS_MAX = 64

/** Bytes of contributions, and of the bodies that a list repeats, in one summary of a combiner. */
export const SUMMARY_BYTES_MAX = 48 * 1024
/** The longest time for which a combiner gathers before it passes up. */
export const COMBINE_WINDOW_MS_MAX = 10_000
/** How long a combiner keeps what it took in, for whoever wants to check it. */
export const ORIGINALS_KEPT_MS = 60_000
/** Bytes of these on one node; past that the oldest go. */
export const ORIGINALS_BYTES_MAX = 64 * 1024 * 1024
/** Originals that one neighbour may ask for in a second. */
export const ORIGINALS_PER_SECOND = 4_096
/** Channels on which one neighbour may ask for originals at once. */
export const ORIGINALS_CHANNELS_MAX = 4
/** How long a combiner's node may take to answer for all that it is asked for at once. */
export const ORIGINALS_WAIT_MS = 10_000
/** Contributions that a gathering remembers, so that none counts twice: the oldest go. */
export const CONTRIBUTIONS_SEEN_MAX = 262_144
