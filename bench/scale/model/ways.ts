/** Links as ways: those from node n are numbered from `starts[n]` to below `starts[n + 1]`. */
export interface Ways {
  readonly starts: Int32Array
  /** Where a way leads. */
  readonly ends: Int32Array
  /** The way back. */
  readonly backs: Int32Array
}

/** The ways of links that are given as pairs of nodes, one behind the other. */
export function waysOf(nodes: number, pairs: Int32Array): Ways {
  const starts = new Int32Array(nodes + 1)
  for (const node of pairs) starts[node + 1] = (starts[node + 1] ?? 0) + 1
  for (let node = 0; node < nodes; node++) {
    starts[node + 1] = (starts[node + 1] ?? 0) + (starts[node] ?? 0)
  }
  const next = starts.slice()
  const ends = new Int32Array(pairs.length)
  const backs = new Int32Array(pairs.length)
  const take = (node: number): number => {
    const way = next[node] ?? 0
    next[node] = way + 1
    return way
  }
  for (let place = 0; place < pairs.length; place += 2) {
    const [a = 0, b = 0] = pairs.subarray(place, place + 2)
    const [there, back] = [take(a), take(b)]
    ends[there] = b
    ends[back] = a
    backs[there] = back
    backs[back] = there
  }
  return { starts, ends, backs }
}
