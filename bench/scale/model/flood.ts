import { EventHeap } from './event-heap.ts'
import { waysOf } from './ways.ts'

/** What a message costs at each node, and between two. */
export interface FloodCosts {
  readonly hopMs: number
  /** CPU of a message that is new: to check it and pass it on. */
  readonly checkMs: number
  /** CPU of one that the node has. */
  readonly copyMs: number
}

/** How one message came to all nodes. */
export interface Flood {
  readonly hopsMean: number
  readonly hopsMost: number
  /** How often a node was brought it again, on average. */
  readonly copiesEach: number
  /** When half of the nodes, 99 of 100, and the last one had checked it. */
  readonly halfMs: number
  readonly p99Ms: number
  readonly lastMs: number
  /** CPU of all nodes. */
  readonly cpuMs: number
}

/**
 * One message from node 0 to all, event by event. A node does one thing at a time: it checks what is
 * new, then passes it to each neighbour that has not brought it by then; what it has costs less.
 * @throws Error if the links do not reach all nodes
 */
export function flood(nodes: number, pairs: Int32Array, costs: FloodCosts): Flood {
  const { starts, ends, backs } = waysOf(nodes, pairs)
  const events = new EventHeap()
  const hops = new Int32Array(nodes).fill(-1)
  const freeAt = new Float64Array(nodes)
  const doneAt = new Float64Array(nodes)
  /** Ways against which it has come. */
  const isClosed = new Uint8Array(ends.length)
  let [copies, reached] = [0, 1]
  const pass = (node: number, time: number): void => {
    const [start = 0, end = 0] = starts.subarray(node, node + 2)
    for (let way = start; way < end; way++) {
      if (isClosed[way] !== 1) events.add(time + costs.hopMs, way)
    }
  }
  /** It has come to the end of a way; a node that is done checking is noted below zero. */
  const arrive = (way: number, time: number): void => {
    const node = ends[way] ?? 0
    const back = backs[way] ?? 0
    isClosed[back] = 1
    const begins = Math.max(time, freeAt[node] ?? 0)
    const isNew = hops[node] === -1
    const done = begins + (isNew ? costs.checkMs : costs.copyMs)
    freeAt[node] = done
    if (!isNew) return void (copies += 1)
    hops[node] = (hops[ends[back] ?? 0] ?? 0) + 1
    doneAt[node] = done
    reached += 1
    events.add(done, -1 - node)
  }
  hops[0] = 0
  pass(0, 0)
  while (events.size > 0) {
    const { time } = events
    const event = events.take()
    if (event < 0) pass(-1 - event, time)
    else arrive(event, time)
  }
  if (reached < nodes) throw new Error(`The links reach ${reached} of ${nodes} nodes`)
  const times = doneAt.toSorted()
  const at = (part: number) => times[Math.min(nodes - 1, Math.floor(nodes * part))] ?? 0
  return {
    hopsMean: sum(hops) / (nodes - 1),
    hopsMost: hops.reduce((most, each) => Math.max(most, each), 0),
    copiesEach: copies / nodes,
    halfMs: at(0.5),
    p99Ms: at(0.99),
    lastMs: at(1),
    cpuMs: (nodes - 1) * costs.checkMs + copies * costs.copyMs,
  }
}

function sum(values: Int32Array): number {
  return values.reduce((total, each) => total + each, 0)
}
