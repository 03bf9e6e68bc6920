/** A call that a clock holds: when, in which order it was asked for, and what. */
export interface Appointment {
  readonly time: number
  readonly order: number
  readonly run: () => void
}

interface Held extends Appointment {
  /** Where it stands; -1: it has been taken or taken back. */
  place: number
}

/**
 * Calls by (time, order), as a binary heap: setting, taking and taking back one costs some
 * comparisons for each doubling of their number, where a thousand nodes have a hundred thousand.
 */
export class Appointments {
  readonly #heap: Held[] = []

  get size(): number {
    return this.#heap.length
  }

  /** The earliest. */
  get first(): Appointment | undefined {
    return this.#heap[0]
  }

  /** Adds one; the returned function takes it back, or does nothing once it was taken. */
  add(appointment: Appointment): () => void {
    const held: Held = { ...appointment, place: this.#heap.length }
    this.#heap.push(held)
    this.#rise(held)
    return () => {
      if (held.place >= 0) this.#remove(held)
    }
  }

  /** Takes the earliest. */
  take(): Appointment | undefined {
    const [first] = this.#heap
    if (first !== undefined) this.#remove(first)
    return first
  }

  #remove(held: Held): void {
    const last = this.#heap.pop()
    if (last !== undefined && last !== held) {
      this.#put(last, held.place)
      this.#rise(last)
      this.#sink(last)
    }
    held.place = -1
  }

  #rise(held: Held): void {
    while (held.place > 0) {
      const above = this.#heap[(held.place - 1) >> 1]
      if (above === undefined || !isLater(above, held)) return
      this.#swap(above, held)
    }
  }

  #sink(held: Held): void {
    for (;;) {
      const left = this.#heap[2 * held.place + 1]
      const right = this.#heap[2 * held.place + 2]
      const earlier =
        right !== undefined && left !== undefined && isLater(left, right) ? right : left
      if (earlier === undefined || !isLater(held, earlier)) return
      this.#swap(held, earlier)
    }
  }

  /** Of two that stand one above the other, the lower takes the upper's place. */
  #swap(upper: Held, lower: Held): void {
    const { place } = upper
    this.#put(upper, lower.place)
    this.#put(lower, place)
  }

  #put(held: Held, place: number): void {
    held.place = place
    this.#heap[place] = held
  }
}

function isLater(a: Appointment, b: Appointment): boolean {
  return a.time === b.time ? a.order > b.order : a.time > b.time
}
