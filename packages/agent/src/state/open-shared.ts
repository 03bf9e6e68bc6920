import { GroupSheaves } from '../host/group-sheaves.ts'
import type { Handover } from '../host/handover.ts'
import type { HostPart } from '../host/host-part.ts'
import { SharedStates, type SharedStatesContext } from './shared-states.ts'
import { Snapshots, type SnapshotsContext } from './snapshots.ts'

/** What of a node its shared states use. */
export interface SharingNode extends SharedStatesContext, SnapshotsContext {
  readonly handover: Pick<Handover, 'group'>
  add<Part extends HostPart>(part: Part): Part
}

/** What a node keeps of the shared state of its groups, and who is asked for it. */
export interface Shared {
  readonly states: SharedStates
  readonly snapshots: Snapshots
  /** What is newest counts, so it may wait for a moment and go together. */
  readonly sheaves: GroupSheaves
}

/** Where a node has that from; a page that shares no state has it from nowhere. */
export interface SharedAbility {
  readonly state?: () => Promise<{ readonly openShared: typeof openShared }>
}

/** Adds what keeps shared state to a node, before any connection is made. */
export function openShared(node: SharingNode): Shared {
  const states = node.add(new SharedStates(node))
  const { clock, handover } = node
  const sheaves = new GroupSheaves({ clock, hand: (topic, load) => handover.group(topic, load) })
  return { states, snapshots: node.add(new Snapshots(node, states)), sheaves }
}
