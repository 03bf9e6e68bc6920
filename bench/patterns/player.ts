import type { AgentNumber, Cast, Run } from './cast.ts'

/** What one process of a contender is told when it opens. */
export interface Part {
  readonly process: number
  readonly cast: Cast
  /** What stands outside of the processes: addresses, folders. */
  readonly ground: Readonly<Record<string, string>>
}

/** What one agent sends in a run. */
export interface Sending {
  readonly run: Run
  readonly from: AgentNumber
  readonly count: number
  /** The body of the message in that place. */
  readonly body: (index: number) => Uint8Array
}

/** Hears of every delivery. */
export type Take = (receiver: AgentNumber, body: Uint8Array) => void

/** One process of a contender: some agents, and how they send. */
export interface Player extends AsyncDisposable {
  /** What the other processes have to know of this one. */
  readonly card: string
  /** Connects; resolves when all that the patterns need stands. */
  meet(cards: readonly string[]): Promise<void>
  /** Sends it all as fast as the contender's users would; resolves when it is handed over. */
  send(sending: Sending): Promise<void>
  /** The lead asks agent 1 and has its answer. */
  ask(body: Uint8Array): Promise<void>
}

/** Opens a process of a contender. */
export type OpenPlayer = (part: Part, take: Take) => Promise<Player>

/** Runs `one` for each place from 0 to `count`, so many at once. */
export async function pipelined(
  count: number,
  window: number,
  one: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) {
      const index = next
      next += 1
      await one(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(Math.max(1, window), count) }, lane))
}

/** So many messages, or as many as fit into so many bytes; at least one. */
export function windowOf(messages: number, bytes: number, { bodyBytes }: Run): number {
  return Math.max(1, Math.min(messages, Math.floor(bytes / bodyBytes)))
}
