import type { HostPart } from '../host/host-part.ts'
import { SharedStates, type SharedStatesContext } from './shared-states.ts'
import { Snapshots, type SnapshotsContext } from './snapshots.ts'

/** What of a node its shared states use. */
export interface SharingNode extends SharedStatesContext, SnapshotsContext {
  add<Part extends HostPart>(part: Part): Part
}

/** What a node keeps of the shared state of its groups, and who is asked for it. */
export interface Shared {
  readonly states: SharedStates
  readonly snapshots: Snapshots
}

/** Where a node has that from; a page that shares no state has it from nowhere. */
export interface SharedAbility {
  readonly state?: () => Promise<{ readonly openShared: typeof openShared }>
}

/** Adds what keeps shared state to a node, before any connection is made. */
export function openShared(node: SharingNode): Shared {
  const states = node.add(new SharedStates(node))
  return { states, snapshots: node.add(new Snapshots(node, states)) }
}
