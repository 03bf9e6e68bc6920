/** One part in so many goes at once. */
const PART = 16

/**
 * Lets the oldest entries of a table or a set go when there are more than `max`: as many as leave it
 * a sixteenth below that, so fifteen sixteenths of `max` are always remembered, and of a `max` below
 * 16 all. To let one go for each that comes would be slow: a Map looks past each entry that was
 * deleted at its front, which took 5 µs each time for a table of 4,096 and 18 for one of 16,384.
 */
export function forgetOldest(entries: Map<unknown, unknown> | Set<unknown>, max: number): void {
  if (entries.size <= max) return
  const left = max - Math.floor(max / PART)
  for (const key of entries.keys()) {
    entries.delete(key)
    if (entries.size <= left) return
  }
}
