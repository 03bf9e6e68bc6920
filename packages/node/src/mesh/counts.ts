/** What a mesh refused, dropped or ended since it was opened, by reason; for metrics and tests. */
export interface MeshCounts {
  /** Messages on topics that this node had not joined. */
  unjoined: number
  /** Entries that no peer of ours would send: too long, signed, on no topic. */
  malformed: number
  /** Control messages on topics that the peer has no right to. */
  withoutRight: number
  /** RPCs that could not be decoded, or held more than is taken. */
  undecodable: number
  /** Subscriptions past what is held for a peer. */
  heldRefused: number
  /** Messages that found too many others of the same neighbour waiting for a verdict. */
  shed: number
  /** Verdicts that came too late, or never. */
  verdictLate: number
  /** Receivers that threw: a bug. */
  verdictFailed: number
  /** Messages not handed to a neighbour since its buffer was full. */
  backpressure: number
  /** Looks at a topic for whose subscribers so much waited that a publisher waits, too. */
  crowded: number
  /** Connections cut since the neighbour's buffer stayed full. */
  stalled: number
  /** Connections cut since nothing came over them any more. */
  silent: number
  /** Connections cut since the neighbour sent more control than anybody needs. */
  flooded: number
  /** Connections cut, or refused, for what the peer's score had come to. */
  graylisted: number
  /** Connections that nobody admitted in time, or whose gossip was held too long. */
  notAdmitted: number
  /** Connections closed since the gossip stream on them had ended. */
  gossipEnded: number
  /** Inbound connections ended before admission, since newer ones came and too many waited. */
  crowdedOut: number
  /** Connections refused: one to this peer stood already. */
  connectionsRefused: number
  /** Channels refused before admission. */
  channelsRefused: number
  /** Attempts to dial a kept address that failed. */
  dialsFailed: number
  /** Times that learned peers could not be written down, and entries that were no addresses. */
  learnedUnkept: number
  /**
   * Failures of listeners, timers and calls of the receiver, kept from ending the process: a bug,
   * or a stream that ended at that very moment.
   */
  contained: number
}

/** All zero. */
export function emptyCounts(): MeshCounts {
  return {
    unjoined: 0,
    malformed: 0,
    withoutRight: 0,
    undecodable: 0,
    heldRefused: 0,
    shed: 0,
    verdictLate: 0,
    verdictFailed: 0,
    backpressure: 0,
    crowded: 0,
    stalled: 0,
    silent: 0,
    flooded: 0,
    graylisted: 0,
    notAdmitted: 0,
    gossipEnded: 0,
    crowdedOut: 0,
    connectionsRefused: 0,
    channelsRefused: 0,
    dialsFailed: 0,
    learnedUnkept: 0,
    contained: 0,
  }
}
