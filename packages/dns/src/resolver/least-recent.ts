/** A map that holds so many entries and drops the one that was used least recently. */
export class LeastRecent<Value> {
  readonly #entries = new Map<string, Value>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** Resolves to what had to go, if anything. */
  set(key: string, value: Value): Value | undefined {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return this.#entries.size > this.#max ? this.dropOldest() : undefined
  }

  delete(key: string): Value | undefined {
    const value = this.#entries.get(key)
    this.#entries.delete(key)
    return value
  }

  dropOldest(): Value | undefined {
    for (const key of this.#entries.keys()) return this.delete(key)
    return undefined
  }
}
