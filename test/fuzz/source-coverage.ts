import { Session, type Profiler } from 'node:inspector'

/** One stretch of a source: from its first character to before its last, and how often it ran. */
type Range = Profiler.CoverageRange

/**
 * Which characters of the sources of this repository have run so far, as V8 counts it for each
 * block. Counting slows the code to about a third; disposing ends it.
 */
export class SourceCoverage implements Disposable {
  readonly #session = new Session()
  readonly #isWatched: (url: string) => boolean
  readonly #covered = new Map<string, Uint8Array>()
  #count = 0

  /** Counts the sources whose URL the predicate picks. */
  constructor(isWatched: (url: string) => boolean) {
    this.#isWatched = isWatched
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Characters that have run at least once. */
  get count(): number {
    return this.#count
  }

  /** How many characters ran since the last call that never ran before; with `keep` false only told. */
  take({ keep }: { readonly keep: boolean }): number {
    const found = this.#post(
      'Profiler.takePreciseCoverage',
    ) as Profiler.TakePreciseCoverageReturnType
    let fresh = 0
    for (const { url, functions } of found.result) {
      if (!this.#isWatched(url)) continue
      const ranges = functions.flatMap((each) => each.ranges)
      if (ranges.every((range) => range.count === 0)) continue
      fresh += this.#add(url, ranges, keep)
    }
    if (keep) this.#count += fresh
    return fresh
  }

  #add(url: string, ranges: readonly Range[], keep: boolean): number {
    const length = ranges.reduce((end, { endOffset }) => Math.max(end, endOffset), 0)
    const ran = new Uint8Array(length)
    // An inner range stands behind the outer one, and has the last word about its characters.
    for (const { startOffset, endOffset, count } of ranges) {
      ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
    }
    const before = this.#covered.get(url) ?? new Uint8Array(0)
    const all = before.length >= length ? before : grown(before, length)
    let fresh = 0
    // Hundreds of thousands of characters at each look: no iterator, for its cost at each of them.
    for (let place = 0; place < length; place++) {
      if (ran[place] === 0 || all[place] === 1) continue
      fresh++
      if (keep) all[place] = 1
    }
    if (keep) this.#covered.set(url, all)
    return fresh
  }

  [Symbol.dispose](): void {
    this.#session.disconnect()
  }

  /** The session of one's own thread answers before it returns. */
  #post(method: string, parameters: object = {}): unknown {
    let outcome: { readonly error: Error | null; readonly result: unknown } | undefined
    this.#session.post(method, parameters, (error, result) => {
      outcome = { error, result }
    })
    if (outcome === undefined) throw new Error(`${method} gave no answer at once`)
    if (outcome.error !== null) throw outcome.error
    return outcome.result
  }
}

function grown(bytes: Uint8Array, length: number): Uint8Array {
  const more = new Uint8Array(length)
  more.set(bytes)
  return more
}
