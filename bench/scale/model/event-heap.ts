/** Events by time, each a whole number; at one time, those with the smaller number first. */
export class EventHeap {
  #times = new Float64Array(1_024)
  #events = new Int32Array(1_024)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Time of the earliest; Infinity where there is none. */
  get time(): number {
    return this.#size === 0 ? Infinity : (this.#times[0] ?? Infinity)
  }

  add(time: number, event: number): void {
    if (this.#size === this.#times.length) this.#grow()
    let place = this.#size++
    while (place > 0) {
      const above = (place - 1) >> 1
      if (!this.#isLater(above, time, event)) break
      this.#move(above, place)
      place = above
    }
    this.#times[place] = time
    this.#events[place] = event
  }

  /** Takes the earliest. @throws RangeError if there is none */
  take(): number {
    if (this.#size === 0) throw new RangeError('Cannot take an event: there is none')
    const first = this.#events[0] ?? 0
    this.#size -= 1
    const time = this.#times[this.#size] ?? 0
    const event = this.#events[this.#size] ?? 0
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= this.#size) break
      const right = below + 1
      if (
        right < this.#size &&
        this.#isLater(below, this.#times[right] ?? 0, this.#events[right] ?? 0)
      )
        below = right
      if (this.#isLater(below, time, event)) break
      this.#move(below, place)
      place = below
    }
    this.#times[place] = time
    this.#events[place] = event
    return first
  }

  #isLater(place: number, time: number, event: number): boolean {
    const other = this.#times[place] ?? 0
    return other === time ? (this.#events[place] ?? 0) > event : other > time
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] ?? 0
    this.#events[to] = this.#events[from] ?? 0
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length)
    const events = new Int32Array(times.length)
    times.set(this.#times)
    events.set(this.#events)
    this.#times = times
    this.#events = events
  }
}
