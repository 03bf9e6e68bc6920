import type { Clock } from '../clock.ts'
import { GAP_BUNDLES_MAX, GAP_BYTES_MAX, GAP_WAIT_MS } from '../limits.ts'
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
  /** What it holds in memory while it waits. */
  readonly bytes: number
  /** When it came, ms since the Unix epoch: it waits no longer than its own time. */
  readonly since: number
  readonly run: Run | undefined
}

/** The places that a bundle takes in its stream. */
interface Places {
  readonly first: number
  readonly count: number
}

interface Stream {
  next: number
  held: Held[]
  bytes: number
  /** The one of them that waits longest, and what ends its wait. */
  longest: Held | undefined
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
  readonly #heldMax: number
  /** Bytes that wait in all streams. */
  #bytes = 0

  constructor(clock: Clock, heldMax: number = GAP_BYTES_MAX) {
    this.#clock = clock
    this.#heldMax = heldMax
  }

  /**
   * Runs `run` when it is the bundle's turn, at once if it is. `whole` says that the stream began
   * after we joined, so its first place is 1 and everything before is owed. The stream is forgotten
   * after `until`. Tells whether anything of the stream waits for a gap now.
   */
  push(
    stream: string,
    place: Places,
    options: { readonly whole: boolean; readonly until: number; readonly bytes: number },
    run: Run,
  ): 'waits' | 'goes on' {
    let state = this.#streams.get(stream)
    if (state === undefined) {
      const next = options.whole ? 1 : place.first
      state = newStream(next, options.until)
      this.#streams.set(stream, state)
    }
    state.until = Math.max(state.until, options.until)
    if (place.first < state.next) run({ gap: 0, late: true }, state.untold)
    else this.#hold(state, { ...place, bytes: options.bytes, run })
    return state.held.length > 0 ? 'waits' : 'goes on'
  }

  /** Fills the places of a bundle that was refused, in a stream that is followed. */
  fill(stream: string, { first, count }: Places): void {
    const state = this.#streams.get(stream)
    if (state === undefined || first < state.next) return
    this.#hold(state, { first, count, bytes: 0, run: undefined })
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

  #hold(state: Stream, bundle: Omit<Held, 'since'>): void {
    const index = state.held.findIndex((held) => held.first > bundle.first)
    const held = { ...bundle, since: this.#clock.now() }
    state.held.splice(index === -1 ? state.held.length : index, 0, held)
    this.#count(state, bundle.bytes)
    this.#drain(state)
    if (state.held.length > GAP_BUNDLES_MAX) this.#giveUp(state)
    while (this.#bytes > this.#heldMax) this.#giveUp(this.#largest())
  }

  /** Too much waits: the stream goes on that holds most of it. */
  #largest(): Stream {
    return [...this.#streams.values()].reduce((most, each) =>
      each.bytes > most.bytes ? each : most,
    )
  }

  #count(state: Stream, bytes: number): void {
    state.bytes += bytes
    this.#bytes += bytes
  }

  #drain(state: Stream, gap = 0): void {
    state.missing += gap
    for (;;) {
      const head = state.held[0]
      if (head === undefined || head.first > state.next) break
      state.held.shift()
      this.#count(state, -head.bytes)
      state.next = Math.max(state.next, head.first + head.count)
      if (head.run === undefined) continue
      const turn = { gap: state.missing, late: false }
      state.missing = 0
      head.run(turn, state.untold)
    }
    this.#arm(state)
  }

  /** The one that waits longest is delivered in time, and those before it with it. */
  #arm(state: Stream): void {
    const [head, ...others] = state.held
    const longest = others.reduce((best, each) => (each.since < best!.since ? each : best), head)
    if (longest === state.longest) return
    state.cancel?.()
    state.cancel = undefined
    state.longest = longest
    if (longest === undefined) return
    const now = this.#clock.now()
    // Where the clock was set back, no longer than from now.
    const due = Math.min(longest.since, now) + GAP_WAIT_MS
    state.cancel = this.#clock.at(due, () => {
      while (state.held.includes(longest)) this.#giveUp(state)
    })
  }

  #giveUp(state: Stream): void {
    const head = state.held[0]
    if (head === undefined) return
    const gap = head.first - state.next
    state.next = head.first
    this.#drain(state, gap)
  }
}

function newStream(next: number, until: number): Stream {
  const untold = new UntoldGaps()
  const nothing = { held: [], bytes: 0, longest: undefined, cancel: undefined, missing: 0 }
  return { next, until, untold, ...nothing }
}
