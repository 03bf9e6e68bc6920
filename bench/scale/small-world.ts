/** Places on the ring that are neighbours of a node, to each side. */
const RING_STEPS = [1, 2]

/** Neighbours of a node besides those on the ring, on average. */
const CHORDS_PER_NODE = 4

/**
 * Which nodes are neighbours, as pairs of numbers one behind the other: a ring, each node linked
 * with the next two, and chords by chance. A node has eight neighbours on average, about as many as
 * gossipsub keeps in the mesh of one topic; none is cut off, whatever chance does.
 */
export function smallWorld(nodes: number, random: () => number): Int32Array {
  const wanted = Math.floor((nodes * CHORDS_PER_NODE) / 2)
  // All links that there could be, where nodes are few.
  const most = (nodes * (nodes - 1)) / 2
  const links = new Set<number>()
  const add = (a: number, b: number): void => {
    if (a !== b) links.add(Math.min(a, b) * nodes + Math.max(a, b))
  }
  for (let node = 0; node < nodes; node++) {
    for (const step of RING_STEPS) add(node, (node + step) % nodes)
  }
  const size = Math.min(most, links.size + wanted)
  while (links.size < size) add(draw(nodes, random), draw(nodes, random))
  const pairs = new Int32Array(2 * links.size)
  let place = 0
  for (const link of links) {
    pairs[place++] = Math.floor(link / nodes)
    pairs[place++] = link % nodes
  }
  return pairs
}

function draw(below: number, random: () => number): number {
  return Math.floor(random() * below)
}
