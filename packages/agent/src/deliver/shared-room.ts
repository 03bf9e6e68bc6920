/**
 * Room that several share: who holds no more than an equal part is always let in, and others while
 * there is room in all. So no more than twice of it is ever held.
 */
export class SharedRoom {
  readonly #max: number
  #held = 0
  #sharers = 0

  constructor(max: number) {
    this.#max = max
  }

  /** How much is held by all. */
  get held(): number {
    return this.#held
  }

  /** One more shares it; the returned function ends that. */
  share(): () => void {
    this.#sharers += 1
    return () => void (this.#sharers -= 1)
  }

  /** Whether one that holds `own` may hold so much more. */
  has(more: number, own: number): boolean {
    const equalPart = this.#max / Math.max(1, this.#sharers)
    return this.#held + more <= this.#max || own + more <= equalPart
  }

  /** So much more is held, or less. */
  change(by: number): void {
    this.#held += by
  }
}
