import { PRESENCE_MS, PRESENCE_MS_MAX, PRESENCE_OFTEN_NODES_MAX } from './limits.ts'

/** How long a node is quiet at most in a group of so many nodes, jitter aside, in ms. */
export function longestPauseMs(nodes: number): number {
  const inProportion = (PRESENCE_MS * nodes) / PRESENCE_OFTEN_NODES_MAX
  return Math.max(PRESENCE_MS, Math.min(PRESENCE_MS_MAX, inProportion))
}
