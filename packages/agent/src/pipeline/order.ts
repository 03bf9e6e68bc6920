import type { Clock } from '../clock.ts'
import { GAP_BUNDLES_MAX, GAP_WAIT_MS } from '../limits.ts'
import type { TaskTurn } from './task-turn.ts'
import { UntoldGaps } from './untold-gaps.ts'

/** How a bundle stands to the ones before it in its stream. */
export interface Turn {
  /** Places just before it that never came within the wait. */
  readonly gap: number
  /** It came after its stream had gone on without it. */
  readonly late: boolean
  /** Of class `task`: how often it was handed out, and what becomes of it. */
  readonly task?: TaskTurn
}

/** Delivers a bundle when it is its turn. */
type Run = (turn: Turn, untold: UntoldGaps) => void

interface Held {
  readonly first: number
  readonly count: number
  readonly run: Run | undefined
}

interface Stream {
  next: number
  held: Held[]
  cancel: (() => void) | undefined
  until: number
  /** Places that never came, met by a bundle that was refused: nobody was told so far. */
  missing: number
  readonly untold: UntoldGaps
}

/**
 * Puts the bundles of each event stream in order: one that is ahead waits 2 s for those before it,
 * then the gap is told and the stream goes on (docs/protocol.md, "Order").
 */
export class Order {
  readonly #clock: Clock
  readonly #streams = new Map<string, Stream>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Runs `run` when it is the bundle's turn, at once if it is. `whole` says that the stream began
   * after we joined, so its first place is 1 and everything before is owed. The stream is forgotten
   * after `until`. Tells whether anything of the stream waits for a gap now.
   */
  push(
    stream: string,
    place: { readonly first: number; readonly count: number },
    options: { readonly whole: boolean; readonly until: number },
    run: Run,
  ): 'waits' | 'goes on' {
    let state = this.#streams.get(stream)
    if (state === undefined) {
      const next = options.whole ? 1 : place.first
      const { until } = options
      const untold = new UntoldGaps()
      state = { next, held: [], cancel: undefined, until, missing: 0, untold }
      this.#streams.set(stream, state)
    }
    state.until = Math.max(state.until, options.until)
    if (place.first < state.next) run({ gap: 0, late: true }, state.untold)
    else this.#hold(state, place, run)
    return state.held.length > 0 ? 'waits' : 'goes on'
  }

  /** Fills the places of a bundle that was refused, in a stream that is followed. */
  fill(stream: string, place: { readonly first: number; readonly count: number }): void {
    const state = this.#streams.get(stream)
    if (state !== undefined && place.first >= state.next) this.#hold(state, place, undefined)
  }

  /** Ends a stream that a newer one of its sender has replaced; what is held comes at once. */
  end(stream: string): void {
    const state = this.#streams.get(stream)
    if (state === undefined) return
    while (state.held.length > 0) this.#giveUp(state)
    this.#streams.delete(stream)
  }

  /** Gives out all that is held of streams whose names begin so: nobody is there later to get it. */
  flush(prefix: string): void {
    for (const [stream, state] of this.#streams) {
      if (!stream.startsWith(prefix)) continue
      while (state.held.length > 0) this.#giveUp(state)
    }
  }

  /** Forgets streams whose bundles have all ended. */
  sweep(now: number): void {
    for (const [key, state] of this.#streams) {
      if (state.until < now && state.held.length === 0) this.#streams.delete(key)
    }
  }

  /** Drops what is held. */
  close(): void {
    for (const state of this.#streams.values()) state.cancel?.()
    this.#streams.clear()
  }

  #hold(
    state: Stream,
    { first, count }: { readonly first: number; readonly count: number },
    run: Run | undefined,
  ): void {
    const index = state.held.findIndex((held) => held.first > first)
    state.held.splice(index === -1 ? state.held.length : index, 0, { first, count, run })
    this.#drain(state)
    if (state.held.length > GAP_BUNDLES_MAX) this.#giveUp(state)
  }

  #drain(state: Stream, gap = 0): void {
    state.missing += gap
    for (;;) {
      const head = state.held[0]
      if (head === undefined || head.first > state.next) break
      state.held.shift()
      state.next = Math.max(state.next, head.first + head.count)
      if (head.run === undefined) continue
      const turn = { gap: state.missing, late: false }
      state.missing = 0
      head.run(turn, state.untold)
    }
    if (state.held.length === 0) {
      state.cancel?.()
      state.cancel = undefined
    } else {
      state.cancel ??= this.#clock.at(this.#clock.now() + GAP_WAIT_MS, () => this.#giveUp(state))
    }
  }

  #giveUp(state: Stream): void {
    state.cancel?.()
    state.cancel = undefined
    const head = state.held[0]
    if (head === undefined) return
    const gap = head.first - state.next
    state.next = head.first
    this.#drain(state, gap)
  }
}
