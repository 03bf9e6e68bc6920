/**
 * Gaps of one stream that were met by a bundle which was not for everybody: who follows the stream
 * and did not get that bundle is told with the next one that it gets.
 */
export class UntoldGaps {
  readonly #bySink = new WeakMap<object, number>()

  /** Keeps a gap for those who could not be told. */
  owe(sink: object, gap: number): void {
    this.#bySink.set(sink, (this.#bySink.get(sink) ?? 0) + gap)
  }

  /** What this one was not told so far; it is told now. */
  take(sink: object): number {
    const gap = this.#bySink.get(sink) ?? 0
    this.#bySink.delete(sink)
    return gap
  }
}
