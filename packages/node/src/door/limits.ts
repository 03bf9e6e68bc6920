import { CARRIED_GROUPS_MAX } from '@ixj/agent/relay'

/** What a door takes; each is charged to the socket, or the address, that asks for it. */
export interface DoorLimits {
  /** From the upgrade to the end of hello: four round trips and some checks. */
  readonly loginMs: number
  /** Sockets over all. */
  readonly socketsMax: number
  /**
   * Sockets that hello has not admitted yet, over all. Where one more comes, the address that has
   * most of them pays, if that is more than one: those who have logged in keep their places.
   */
  readonly enteringMax: number
  /** Sockets of one address (IPv4), or of one /64 network (IPv6). */
  readonly socketsPerAddressMax: number
  /** New sockets of one address in a second: each costs two signatures and their checks. */
  readonly upgradesPerSecond: number
  /** Frames of one socket in a second; past that it is not read until the second is over. */
  readonly framesPerSecond: number
  /** Their bytes. */
  readonly bytesPerSecond: number
  /** Groups carried for all pages together; past that the address that has most gives one up. */
  readonly carriedGroupsMax: number
  /** Bytes that may wait for one socket; it is cut when a message comes on top. */
  readonly waitingBytesMax: number
  /** Bytes that may wait for all sockets together; past that those with the most are cut. */
  readonly waitingBytesAllMax: number
  /** A frame that was begun ends within this, and what was sent is read at some pace. */
  readonly progressMs: number
  /** A socket that says nothing for so long is asked by a ping; after twice that it is cut. */
  readonly idleMs: number
  /** The closing handshake; after that the connection is ended without it. */
  readonly closeMs: number
}

/** The defaults of a door. */
export const DOOR_LIMITS: DoorLimits = {
  loginMs: 4_000,
  // Less than 600 MiB of memory: 43 KiB each as measured, and what the node itself takes.
  socketsMax: 10_000,
  // A crowd that comes back gets in by turns: pages try again by themselves.
  enteringMax: 1_024,
  // An office behind one address.
  socketsPerAddressMax: 256,
  upgradesPerSecond: 64,
  // Twice what a page does that moves a slider: 500 state updates a second, and acknowledgements.
  framesPerSecond: 2_000,
  bytesPerSecond: 4 * 1024 * 1024,
  carriedGroupsMax: CARRIED_GROUPS_MAX,
  waitingBytesMax: 1024 * 1024,
  waitingBytesAllMax: 128 * 1024 * 1024,
  progressMs: 3_500,
  idleMs: 20_000,
  // A page is told why at once; whoever does not answer is not waited for much longer than that takes.
  closeMs: 250,
}

/** Between two looks at all sockets: with {@link DoorLimits.progressMs}, a slow one has 5 s at most. */
export const DOOR_SWEEP_MS = 500

/**
 * So late a look at the sockets was held up by this process itself: what they sent meanwhile has not
 * been read. Less is within the room of every limit.
 */
export const DOOR_STALL_MS = 1_000
/** It is read within this, and then they are looked at; once, so that slow ones gain no more. */
export const DOOR_RELOOK_MS = 250
/** Who was logging in then has so long for what is left of it. */
export const DOOR_LOGIN_AGAIN_MS = 500

/** Before a socket that sent too much is looked at again. */
export const DOOR_PAUSE_MS = 50

/**
 * What a frame counts beside its bytes while it waits, for the objects that hold it: by bytes alone
 * a million frames of one byte would be allowed. Little enough that thousands sent at once to who
 * reads them are no backlog.
 */
export const DOOR_FRAME_COST_BYTES = 128

/** What WebSocket puts before the bytes of a control frame of a page (RFC 6455, section 5.2). */
export const CONTROL_HEAD_BYTES = 6

/** Parts of one message: nothing of ours is sent in parts, and proxies make few. */
export const DOOR_FRAGMENTS_MAX = 64

/** Pieces of a message that wait for its end: TCP brings 66 KiB in some 50, a slow line in more. */
export const DOOR_CHUNKS_MAX = 4_096

/**
 * What an HTTP server in front of a door is opened with: a handshake that is not finished within 5 s
 * is ended (Node's own default is 60 s).
 */
export const DOOR_SERVER_OPTIONS = {
  headersTimeout: 4_000,
  requestTimeout: 4_000,
  connectionsCheckingInterval: 500,
  maxHeaderSize: 8 * 1024,
} as const
