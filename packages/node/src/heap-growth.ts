import process from 'node:process'
import { setFlagsFromString } from 'node:v8'

/** By so much the heap may grow, until all of it is looked at: to four times its size. */
const HEAP_GROWING_PERCENT = 300

/**
 * Lets the heap of this process grow to four times of what lives in it before V8 looks at all of it:
 * the most that V8 allows by itself, where it takes a heap for one that grows. It judges by what
 * grows old in the heap, which is little in a node: messages lie beside the heap, in buffers, which
 * count towards the same limit, and so it is reached several times a second. For programs that carry
 * many messages; it holds for all of the process, so libraries leave it to them. What the command
 * line says (`--heap-growing-percent`) goes before it. Costs memory: up to four times the live heap.
 */
export function letHeapGrow(): void {
  if (process.execArgv.some((word) => word.startsWith('--heap-growing-percent'))) return
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
}
