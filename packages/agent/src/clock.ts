/** Time as an argument: milliseconds since the Unix epoch, and calls at a time to come. */
export interface Clock {
  now(): number
  /** Calls `run` once when `now()` has reached `time`; the returned function cancels it. */
  at(time: number, run: () => void): () => void
}
