import { CUT_REASONS, type CutReason } from '@ixj/agent/relay'

/** Why an upgrade was refused, with the HTTP status that says so. */
export const REFUSALS = {
  draining: [503, 'the relay is closing: use your other relay'],
  origin: [403, 'this origin is not on the list of the relay'],
  subprotocol: [400, 'the subprotocol has to be ixj.1'],
  full: [503, 'the relay has as many sockets as it takes'],
  crowded: [503, 'too many wait to log in, most of them from this address'],
  'address-full': [429, 'this address has as many sockets as it may'],
  hurried: [429, 'this address opened too many sockets within a second'],
} as const satisfies Readonly<Record<string, readonly [status: number, text: string]>>

/** Why an upgrade was refused. */
export type RefusalReason = keyof typeof REFUSALS

/** Why a socket was cut: by us, or by the rules of WebSocket. */
export type DoorCut = CutReason | 'fragments' | 'protocol' | 'too-large'

/** What a door did so far; for metrics and tests. */
export interface DoorCounts {
  /** Sockets that were opened. */
  sockets: number
  /** Logins that held. */
  logins: number
  /** Upgrades that were refused, by reason. */
  readonly refused: Record<RefusalReason, number>
  /** Sockets that were cut, by reason. */
  readonly cuts: Record<DoorCut, number>
  /** Times that a socket was not read on, since it had sent too much within a second. */
  paused: number
  /** Times that this process came a second or more too late to look at its sockets. */
  stalls: number
  framesIn: number
  bytesIn: number
  framesOut: number
  bytesOut: number
}

/** How full a door is now. */
export interface DoorLoad {
  readonly sockets: number
  /** Sockets that have logged in. */
  readonly loggedIn: number
  /** Sockets that hello has not admitted yet. */
  readonly entering: number
  /** Addresses that have sockets. */
  readonly addresses: number
  /** Bytes that wait to be sent, over all sockets, and what holds them. */
  readonly waitingBytes: number
}

/** Nothing counted yet. */
export function newCounts(): DoorCounts {
  const zeroes = <Key extends string>(keys: readonly Key[]) =>
    Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>
  const cuts: readonly DoorCut[] = [...CUT_REASONS, 'fragments', 'protocol', 'too-large']
  return {
    sockets: 0,
    logins: 0,
    refused: zeroes(Object.keys(REFUSALS) as RefusalReason[]),
    cuts: zeroes(cuts),
    paused: 0,
    stalls: 0,
    framesIn: 0,
    bytesIn: 0,
    framesOut: 0,
    bytesOut: 0,
  }
}
