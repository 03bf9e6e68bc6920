/**
 * The most that each may keep, so that all together keep at most `max`: whoever has less keeps all
 * of it. Infinity where there is room for all.
 */
export function fairShare(sizes: readonly number[], max: number): number {
  const rising = sizes.toSorted((left, right) => left - right)
  let left = max
  for (const [index, size] of rising.entries()) {
    const share = Math.max(0, left) / (rising.length - index)
    if (size > share) return share
    left -= size
  }
  return Infinity
}
